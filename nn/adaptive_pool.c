/* nn/adaptive_pool.c - means over windows that fit any number of outputs (see nn/resample.h). */
#include "base/sum_inline.h"
#include "nn/ranges.h"
#include "nn/resample.h"

typedef struct {
    int begin, end;
} Span;

/* Inputs of output i of `out`; the same formula gives the outputs that use input i (in and out exchanged). */
static Span span_of(int i, int in, int out)
{
    return (Span){(int)((long long)i * in / out), (int)((((long long)i + 1) * in + out - 1) / out)};
}

typedef struct {
    float *y, *dx;
    const float *x, *dy;
    int h, w, H, W;
} PoolTask;

static void forward_planes(void *context, size_t begin, size_t end)
{
    const PoolTask *t = context;
    float *y = t->y + begin * (size_t)t->H * (size_t)t->W;
    for (size_t p = begin; p < end; p++)
        for (int i = 0; i < t->H; i++)
            for (int j = 0; j < t->W; j++) {
                const Span rows = span_of(i, t->h, t->H), columns = span_of(j, t->w, t->W);
                const float *x = t->x + p * (size_t)t->h * (size_t)t->w;
                double s[SUM_LANES] = {0};
                size_t used = 0;
                for (int r = rows.begin; r < rows.end; r++)
                    for (int c = columns.begin; c < columns.end; c++)
                        s[used++ % SUM_LANES] += (double)x[(size_t)r * (size_t)t->w + (size_t)c];
                *y++ = (float)(sum8_fold(s) / (double)used);
            }
}

static int length(Span s)
{
    return s.end - s.begin;
}

static void backward_planes(void *context, size_t begin, size_t end)
{
    const PoolTask *t = context;
    float *dx = t->dx + begin * (size_t)t->h * (size_t)t->w;
    for (size_t p = begin; p < end; p++)
        for (int i = 0; i < t->h; i++)
            for (int j = 0; j < t->w; j++) {
                const Span rows = span_of(i, t->H, t->h), columns = span_of(j, t->W, t->w);
                const float *dy = t->dy + p * (size_t)t->H * (size_t)t->W;
                double s[SUM_LANES] = {0};
                size_t used = 0;
                for (int r = rows.begin; r < rows.end; r++)
                    for (int c = columns.begin; c < columns.end; c++) {
                        const double size =
                            (double)length(span_of(r, t->h, t->H)) * (double)length(span_of(c, t->w, t->W));
                        const float share =
                            (float)((double)dy[(size_t)r * (size_t)t->W + (size_t)c] / size);
                        s[used++ % SUM_LANES] += (double)share;
                    }
                *dx++ = (float)sum8_fold(s);
            }
}

typedef struct {
    TapeNode node;
    Tensor *x;
} AdaptivePoolNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const AdaptivePoolNode *self = (const AdaptivePoolNode *)node;
    const Tensor *x = self->x, *y = node->out;
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    PoolTask task = {
        .dx = dx, .dy = y->grad, .h = x->dim[2], .w = x->dim[3], .H = y->dim[2], .W = y->dim[3]};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1], rows_per_task(tensor_positions(x), RANGE_COSTLY),
                    backward_planes, &task);
    tape_grad_end(tape, self->x, dx);
}

Tensor *adaptive_average_pool(Tape *tape, Tensor *x, int H, int W)
{
    char text[64];
    if (x == NULL)
        return NULL;
    if (x->rank != 4 || x->dim[2] < 1 || x->dim[3] < 1)
        return tape_fail(tape, STATUS_SHAPE, "adaptive_average_pool: %s is not (N,C,h,w)",
                         tensor_shape_text(x, text));
    if (H < 1 || W < 1)
        return tape_fail(tape, STATUS_ARGUMENT, "adaptive_average_pool: to %d x %d", H, W);
    Tensor *y = tape_result(tape, x, 4, (int[]){x->dim[0], x->dim[1], H, W});
    if (y == NULL)
        return NULL;
    PoolTask task = {.y = y->data, .x = x->data, .h = x->dim[2], .w = x->dim[3], .H = H, .W = W};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1], rows_per_task(tensor_positions(x), RANGE_COSTLY),
                    forward_planes, &task);
    AdaptivePoolNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL)
        node->x = x;
    return y;
}
