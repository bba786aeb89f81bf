#include "nn/pool.h"

#include "base/sum_inline.h"
#include "nn/ranges.h"

typedef struct {
    int h, w, H, W;
    PoolOptions options;
} PoolShape;

/* Places begin <= i < end of one axis; `padded` counts those in the padding too. */
typedef struct {
    int begin, end, padded;
} Window;

static Window window_of(int i, int in, const PoolOptions *o)
{
    const int first = i * o->stride - o->pad, past = first + o->kernel;
    const int last = past < in + o->pad ? past : in + o->pad;
    return (Window){first > 0 ? first : 0, past < in ? past : in, last - first};
}

/* The outputs whose windows hold input i. */
static Window outputs_of(int i, int out, const PoolOptions *o)
{
    const int low = i + o->pad - o->kernel + 1, past = (i + o->pad) / o->stride + 1;
    const int begin = low > 0 ? (low + o->stride - 1) / o->stride : 0;
    return (Window){begin, past < out ? past : out, 0};
}

typedef struct {
    float *y, *dx;
    const float *x, *dy;
    int *largest; /* max: place of each output's input in its plane; NULL: average */
    const PoolShape *shape;
} PoolTask;

static float average(const float *x, int w, Window rows, Window columns, bool count_padding)
{
    double s[SUM_LANES] = {0};
    size_t used = 0;
    for (int i = rows.begin; i < rows.end; i++)
        for (int j = columns.begin; j < columns.end; j++)
            s[used++ % SUM_LANES] += (double)x[(size_t)i * (size_t)w + (size_t)j];
    const double n = count_padding ? (double)rows.padded * (double)columns.padded : (double)used;
    return (float)(sum8_fold(s) / n);
}

static int place_of_largest(const float *x, int w, Window rows, Window columns)
{
    int place = rows.begin * w + columns.begin;
    for (int i = rows.begin; i < rows.end; i++)
        for (int j = columns.begin; j < columns.end; j++) {
            const float best = x[place], now = x[i * w + j];
            if (now > best || (now != now && best == best))
                place = i * w + j;
        }
    return place;
}

static void forward_planes(void *context, size_t begin, size_t end)
{
    const PoolTask *t = context;
    const PoolShape *s = t->shape;
    for (size_t p = begin; p < end; p++) {
        const float *x = t->x + p * (size_t)s->h * (size_t)s->w;
        size_t at = p * (size_t)s->H * (size_t)s->W;
        for (int i = 0; i < s->H; i++)
            for (int j = 0; j < s->W; j++, at++) {
                const Window rows = window_of(i, s->h, &s->options),
                             columns = window_of(j, s->w, &s->options);
                if (t->largest == NULL) {
                    t->y[at] = average(x, s->w, rows, columns, s->options.count_padding);
                    continue;
                }
                t->largest[at] = place_of_largest(x, s->w, rows, columns);
                t->y[at] = x[t->largest[at]];
            }
    }
}

/* What output (r,c) sends back to each input of its window. */
static float average_share(const PoolShape *s, float dy, int r, int c)
{
    const Window rows = window_of(r, s->h, &s->options), columns = window_of(c, s->w, &s->options);
    const double inside = (double)(rows.end - rows.begin) * (double)(columns.end - columns.begin);
    const double padded = (double)rows.padded * (double)columns.padded;
    return (float)((double)dy / (s->options.count_padding ? padded : inside));
}

static float input_sum(const PoolTask *t, size_t plane, int i, int j)
{
    const PoolShape *s = t->shape;
    const Window rows = outputs_of(i, s->H, &s->options), columns = outputs_of(j, s->W, &s->options);
    double lane[SUM_LANES] = {0};
    size_t used = 0;
    for (int r = rows.begin; r < rows.end; r++)
        for (int c = columns.begin; c < columns.end; c++) {
            const size_t at = plane * (size_t)s->H * (size_t)s->W + (size_t)r * (size_t)s->W + (size_t)c;
            if (t->largest == NULL)
                lane[used++ % SUM_LANES] += (double)average_share(s, t->dy[at], r, c);
            else if (t->largest[at] == i * s->w + j)
                lane[used++ % SUM_LANES] += (double)t->dy[at];
        }
    return (float)sum8_fold(lane);
}

static void backward_planes(void *context, size_t begin, size_t end)
{
    const PoolTask *t = context;
    const PoolShape *s = t->shape;
    float *dx = t->dx + begin * (size_t)s->h * (size_t)s->w;
    for (size_t p = begin; p < end; p++)
        for (int i = 0; i < s->h; i++)
            for (int j = 0; j < s->w; j++)
                *dx++ = input_sum(t, p, i, j);
}

typedef struct {
    TapeNode node;
    Tensor *x;
    int *largest;
    PoolShape shape;
} PoolNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const PoolNode *self = (const PoolNode *)node;
    Tensor *x = self->x;
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    PoolTask task = {.dx = dx, .dy = node->out->grad, .largest = self->largest, .shape = &self->shape};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1],
                    rows_per_task(tensor_positions(x), RANGE_COSTLY / 4), backward_planes, &task);
    tape_grad_end(tape, x, dx);
}

/* Outputs along an axis of `in` inputs; 0 when no window fits. */
static int outputs(int in, const PoolOptions *o)
{
    const long long room = (long long)in + 2 * (long long)o->pad - o->kernel;
    if (in < 1)
        return 0;
    if (room < 0) /* rounded up, the one window that is cut at the far side */
        return o->ceil_mode && room > -(long long)o->stride ? 1 : 0;
    long long count = room / o->stride + 1;
    if (o->ceil_mode && room % o->stride != 0 && count * o->stride < (long long)in + o->pad)
        count++;
    return (int)count;
}

static Tensor *pool(Tape *tape, Tensor *x, PoolOptions o, bool largest, const char *name)
{
    char text[64];
    if (x == NULL)
        return NULL;
    o.stride = o.stride == 0 ? o.kernel : o.stride;
    if (o.kernel < 1 || o.stride < 1 || o.pad < 0 || o.pad > o.kernel / 2 || o.kernel > 4096 ||
        o.stride > 4096)
        return tape_fail(tape, STATUS_ARGUMENT, "%s: kernel %d, stride %d, padding %d", name, o.kernel,
                         o.stride, o.pad);
    PoolShape s = {.options = o};
    if (x->rank == 4)
        s = (PoolShape){x->dim[2], x->dim[3], outputs(x->dim[2], &o), outputs(x->dim[3], &o), o};
    if (s.H < 1 || s.W < 1 || (long long)s.h * s.w > 0x7fffffff)
        return tape_fail(tape, STATUS_SHAPE, "%s: no window of %d fits %s", name, o.kernel,
                         tensor_shape_text(x, text));
    Tensor *y = tape_result(tape, x, 4, (int[]){x->dim[0], x->dim[1], s.H, s.W});
    int *places = y != NULL && largest ? tape_alloc(tape, tensor_count(y), sizeof *places) : NULL;
    if (y == NULL || (largest && places == NULL))
        return NULL;
    PoolTask task = {.y = y->data, .x = x->data, .largest = places, .shape = &s};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1],
                    rows_per_task(tensor_positions(x), RANGE_COSTLY / 4), forward_planes, &task);
    PoolNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->largest = places;
        node->shape = s;
    }
    return y;
}

Tensor *max_pool2d(Tape *tape, Tensor *x, PoolOptions options)
{
    return pool(tape, x, options, true, "max_pool2d");
}

Tensor *average_pool2d(Tape *tape, Tensor *x, PoolOptions options)
{
    return pool(tape, x, options, false, "average_pool2d");
}
