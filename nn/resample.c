/* nn/resample.c - nearest and bilinear (see nn/resample.h); adaptive_average_pool is in adaptive_pool.c. */
#include "nn/resample.h"

#include <math.h>
#include <string.h>

#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/ranges.h"

extern const NearestTable nearest_table_base, nearest_table_avx2, nearest_table_avx512;

static const NearestTable *nearest_table(void)
{
#if ISA_LEVELS > 1
    static const NearestTable *const tables[] = {&nearest_table_base, &nearest_table_avx2,
                                                 &nearest_table_avx512};
    return tables[isa_level()];
#else
    return &nearest_table_base;
#endif
}

/* Planes of h x w numbers and of H x W numbers: y and x forward, dy and dx backward. */
typedef struct {
    float *y, *dx;
    const float *x, *dy;
    int h, w, H, W;
    const BilinearTap *rows, *columns; /* (H), (W) */
    const int *row_from, *column_from; /* see count_below */
} PlaneTask;

typedef struct {
    TapeNode node;
    Tensor *x;
    BilinearTap *rows, *columns; /* NULL: nearest */
    int *row_from, *column_from;
} ResampleNode;

/* ---- nearest ---- */

static void nearest_row(float *y, const float *x, int w, int W)
{
    if (W == 2 * w) {
        nearest_table()->twice(y, x, (size_t)w);
        return;
    }
    long long at = 0; /* i * w - from * W */
    for (int i = 0, from = 0; i < W; i++, at += w) {
        while (at >= W) {
            at -= W;
            from++;
        }
        y[i] = x[from];
    }
}

static void nearest_planes(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    for (size_t p = begin; p < end; p++) {
        const float *x = t->x + p * (size_t)t->h * (size_t)t->w;
        float *y = t->y + p * (size_t)t->H * (size_t)t->W;
        for (int i = 0, last = -1; i < t->H; i++, y += t->W) {
            const int from = (int)((long long)i * t->h / t->H);
            if (from == last)
                memcpy(y, y - t->W, (size_t)t->W * sizeof *y);
            else
                nearest_row(y, x + (size_t)from * (size_t)t->w, t->w, t->W);
            last = from;
        }
    }
}

/* The first output that uses input i or a later one. */
static int nearest_from(int i, int in, int out)
{
    return (int)(((long long)i * out + in - 1) / in);
}

static float nearest_sum(const PlaneTask *t, const float *dy, int i, int j)
{
    const int rows = nearest_from(i + 1, t->h, t->H), columns = nearest_from(j + 1, t->w, t->W);
    double s[SUM_LANES] = {0};
    size_t used = 0;
    for (int r = nearest_from(i, t->h, t->H); r < rows; r++)
        for (int c = nearest_from(j, t->w, t->W); c < columns; c++)
            s[used++ % SUM_LANES] += (double)dy[(size_t)r * (size_t)t->W + (size_t)c];
    return (float)sum8_fold(s);
}

static void nearest_planes_backward(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    const bool doubled = t->H == 2 * t->h && t->W == 2 * t->w;
    const size_t w = (size_t)t->w;
    for (size_t p = begin; p < end; p++) {
        const float *dy = t->dy + p * (size_t)t->H * (size_t)t->W;
        float *dx = t->dx + p * (size_t)t->h * w;
        for (int i = 0; i < t->h; i++, dx += t->w) {
            if (doubled)
                nearest_table()->fold(dx, dy + (size_t)i * 4 * w, dy + (size_t)i * 4 * w + 2 * w, w);
            for (int j = 0; j < t->w && !doubled; j++)
                dx[j] = nearest_sum(t, dy, i, j);
        }
    }
}

/* ---- bilinear ---- */

static BilinearTap bilinear_tap(int i, int in, int out)
{
    double centre = ((double)i + 0.5) * (double)in / (double)out - 0.5;
    centre = centre < 0.0 ? 0.0 : centre;
    centre = centre > (double)(in - 1) ? (double)(in - 1) : centre;
    const int first = (int)floor(centre);
    const double share = centre - (double)first;
    return (BilinearTap){first, first + 1 < in ? first + 1 : first, (float)(1.0 - share), (float)share};
}

/* from[k + 1] = how many outputs have first < k; those that use input i are from[i] <= o < from[i + 2]. */
static void count_below(int *from, const BilinearTap *taps, int in, int out)
{
    int o = 0;
    for (int k = -1; k <= in; k++) {
        while (o < out && taps[o].first < k)
            o++;
        from[k + 1] = o;
    }
}

static void bilinear_planes(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    float *y = t->y + begin * (size_t)t->H * (size_t)t->W;
    for (size_t p = begin; p < end; p++)
        for (int i = 0; i < t->H; i++)
            for (int j = 0; j < t->W; j++, y++) {
                const BilinearTap r = t->rows[i], c = t->columns[j];
                const float *x = t->x + p * (size_t)t->h * (size_t)t->w;
                const float *x0 = x + (size_t)r.first * (size_t)t->w,
                            *x1 = x + (size_t)r.next * (size_t)t->w;
                const float left0 = x0[c.first] * c.u, right0 = x0[c.next] * c.v;
                const float left1 = x1[c.first] * c.u, right1 = x1[c.next] * c.v;
                const float top = left0 + right0, bottom = left1 + right1;
                const float above = top * r.u, below = bottom * r.v;
                *y = above + below;
            }
}

/* The weight that input i has in an output; where first and next are one, v is 0. */
static float weight_of(BilinearTap tap, int i)
{
    return tap.first == i ? tap.u : tap.v;
}

static float bilinear_sum(const PlaneTask *t, const float *dy, int i, int j)
{
    double s[SUM_LANES] = {0};
    size_t used = 0;
    for (int r = t->row_from[i]; r < t->row_from[i + 2]; r++)
        for (int c = t->column_from[j]; c < t->column_from[j + 2]; c++) {
            const float back = dy[(size_t)r * (size_t)t->W + (size_t)c] * weight_of(t->rows[r], i);
            const float share = back * weight_of(t->columns[c], j);
            s[used++ % SUM_LANES] += (double)share;
        }
    return (float)sum8_fold(s);
}

static void bilinear_planes_backward(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    float *dx = t->dx + begin * (size_t)t->h * (size_t)t->w;
    for (size_t p = begin; p < end; p++)
        for (int i = 0; i < t->h; i++)
            for (int j = 0; j < t->w; j++)
                *dx++ = bilinear_sum(t, t->dy + p * (size_t)t->H * (size_t)t->W, i, j);
}

/* ---- on the tape ---- */

static void node_backward(Tape *tape, const TapeNode *node)
{
    const ResampleNode *self = (const ResampleNode *)node;
    const Tensor *x = self->x, *y = node->out;
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    PlaneTask task = {.dx = dx,
                      .dy = y->grad,
                      .h = x->dim[2],
                      .w = x->dim[3],
                      .H = y->dim[2],
                      .W = y->dim[3],
                      .rows = self->rows,
                      .columns = self->columns,
                      .row_from = self->row_from,
                      .column_from = self->column_from};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1], rows_per_task(tensor_positions(y), RANGE_COSTLY),
                    self->rows != NULL ? bilinear_planes_backward : nearest_planes_backward, &task);
    tape_grad_end(tape, self->x, dx);
}

/* The result's tensor, or NULL after recording what is wrong with the sizes. */
static Tensor *resized(Tape *tape, Tensor *x, int H, int W, const char *name)
{
    char text[64];
    if (x->rank != 4 || x->dim[2] < 1 || x->dim[3] < 1)
        return tape_fail(tape, STATUS_SHAPE, "%s: %s is not (N,C,h,w)", name, tensor_shape_text(x, text));
    if (H < 1 || W < 1)
        return tape_fail(tape, STATUS_ARGUMENT, "%s: to %d x %d", name, H, W);
    return tape_result(tape, x, 4, (int[]){x->dim[0], x->dim[1], H, W});
}

Tensor *nearest(Tape *tape, Tensor *x, int H, int W)
{
    Tensor *y = x != NULL ? resized(tape, x, H, W, "nearest") : NULL;
    if (y == NULL)
        return NULL;
    PlaneTask task = {.y = y->data, .x = x->data, .h = x->dim[2], .w = x->dim[3], .H = H, .W = W};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1], rows_per_task(tensor_positions(y), RANGE_CHEAP),
                    nearest_planes, &task);
    ResampleNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL)
        node->x = x;
    return y;
}

Tensor *bilinear(Tape *tape, Tensor *x, int H, int W)
{
    Tensor *y = x != NULL ? resized(tape, x, H, W, "bilinear") : NULL;
    if (y == NULL)
        return NULL;
    const int h = x->dim[2], w = x->dim[3];
    BilinearTap *rows = tape_alloc(tape, (size_t)H, sizeof *rows),
                *columns = tape_alloc(tape, (size_t)W, sizeof *columns);
    int *row_from = tape_alloc(tape, (size_t)h + 2, sizeof(int)),
        *column_from = tape_alloc(tape, (size_t)w + 2, sizeof(int));
    if (rows == NULL || columns == NULL || row_from == NULL || column_from == NULL)
        return NULL;
    for (int i = 0; i < H; i++)
        rows[i] = bilinear_tap(i, h, H);
    for (int j = 0; j < W; j++)
        columns[j] = bilinear_tap(j, w, W);
    count_below(row_from, rows, h, H);
    count_below(column_from, columns, w, W);
    PlaneTask task = {
        .y = y->data, .x = x->data, .h = h, .w = w, .H = H, .W = W, .rows = rows, .columns = columns};
    parallel_ranges((size_t)x->dim[0] * (size_t)x->dim[1], rows_per_task(tensor_positions(y), RANGE_COSTLY),
                    bilinear_planes, &task);
    ResampleNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->rows = rows;
        node->columns = columns;
        node->row_from = row_from;
        node->column_from = column_from;
    }
    return y;
}
