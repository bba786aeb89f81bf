/* cli/truth_shapes.c - other shapes, other sizes of pictures, rows of tables (see truth_ops.h). */
#include <math.h>
#include <string.h>

#include "cli/truth_ops.h"

TruthTensor *truth_reshape(Truth *t, const TruthTensor *x, int rank, const int *dim)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, rank, dim) : NULL;
    if (y != NULL)
        y->id = x->id;
    return y;
}

/* Indices of place `at` in a shape. */
static void indices(int out[TENSOR_RANK], const TruthTensor *x, size_t at)
{
    for (int i = x->rank - 1; i >= 0; i--) {
        out[i] = (int)(at % (size_t)x->dim[i]);
        at /= (size_t)x->dim[i];
    }
}

static size_t place(const TruthTensor *x, const int *index)
{
    size_t at = 0;
    for (int i = 0; i < x->rank; i++)
        at = at * (size_t)x->dim[i] + (size_t)index[i];
    return at;
}

TruthTensor *truth_permute(Truth *t, const TruthTensor *x, const int *order)
{
    int dim[TENSOR_RANK], at[TENSOR_RANK], from[TENSOR_RANK];
    for (int i = 0; x != NULL && i < x->rank; i++)
        dim[i] = x->dim[order[i]];
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n; i++) {
        indices(at, y, i);
        for (int k = 0; k < x->rank; k++)
            from[order[k]] = at[k];
        y->id[i] = x->id[place(x, from)];
    }
    return y;
}

TruthTensor *truth_concat(Truth *t, const TruthTensor *a, const TruthTensor *b, int axis)
{
    if (a == NULL || b == NULL)
        return NULL;
    int dim[TENSOR_RANK], at[TENSOR_RANK];
    memcpy(dim, a->dim, sizeof dim);
    axis = axis < 0 ? axis + a->rank : axis;
    dim[axis] = a->dim[axis] + b->dim[axis];
    TruthTensor *y = truth_tensor(t, a->rank, dim);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n; i++) {
        indices(at, y, i);
        const bool first = at[axis] < a->dim[axis];
        at[axis] -= first ? 0 : a->dim[axis];
        y->id[i] = first ? a->id[place(a, at)] : b->id[place(b, at)];
    }
    return y;
}

TruthTensor *truth_slice(Truth *t, const TruthTensor *x, int axis, int start, int length)
{
    if (x == NULL)
        return NULL;
    int dim[TENSOR_RANK], at[TENSOR_RANK];
    memcpy(dim, x->dim, sizeof dim);
    axis = axis < 0 ? axis + x->rank : axis;
    dim[axis] = length;
    TruthTensor *y = truth_tensor(t, x->rank, dim);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n; i++) {
        indices(at, y, i);
        at[axis] += start;
        y->id[i] = x->id[place(x, at)];
    }
    return y;
}

TruthTensor *truth_embedding(Truth *t, const TruthTensor *table, const int *ids, int rank, const int *dim)
{
    if (table == NULL)
        return NULL;
    int shape[TENSOR_RANK];
    const size_t width = (size_t)table->dim[1];
    for (int i = 0; i < rank; i++)
        shape[i] = dim[i];
    shape[rank] = table->dim[1];
    TruthTensor *y = truth_tensor(t, rank + 1, shape);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n; i++)
        y->id[i] = table->id[(size_t)ids[i / width] * width + i % width];
    return y;
}

/* ---- pictures: y (N,C,H,W) from planes of x (N,C,h,w) ---- */

static TruthTensor *resized(Truth *t, const TruthTensor *x, int H, int W)
{
    return x != NULL ? truth_tensor(t, 4, (const int[4]){x->dim[0], x->dim[1], H, W}) : NULL;
}

static TruthId pixel(const TruthTensor *x, const int *at, int i, int j)
{
    return x->id[place(x, (const int[4]){at[0], at[1], i, j})];
}

TruthTensor *truth_nearest(Truth *t, const TruthTensor *x, int H, int W)
{
    int at[TENSOR_RANK];
    TruthTensor *y = resized(t, x, H, W);
    for (size_t k = 0, n = y != NULL ? truth_count(y) : 0; k < n; k++) {
        indices(at, y, k);
        y->id[k] = pixel(x, at, at[2] * x->dim[2] / H, at[3] * x->dim[3] / W);
    }
    return y;
}

/* The inputs that output i of `out` may use among `in`, from *first on: input k has the weight 1 - |c - k|, or 0 beyond
 * 1, where c is the output's centre (i + 0.5) in / out - 0.5 inside the picture.  c is a number of binary32 for most, so
 * that a weight is known to its rounding, and a weight of 0 may be a little more. */
static int tent(Truth *t, TruthId weight[4], int *first, int i, int in, int out)
{
    const TruthId half = truth_leaf(t, 0.5), place = truth_binary(t, TRUTH_ADD, truth_leaf(t, i), half);
    const TruthId ratio = truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, in), truth_leaf(t, out));
    const TruthId at = truth_binary(t, TRUTH_SUBTRACT, truth_binary(t, TRUTH_MULTIPLY, place, ratio), half);
    TruthNumber c = t->number[at];
    c.v = c.v < 0.0 ? 0.0 : c.v > in - 1 ? in - 1 : c.v;
    c.e += t->unit;
    const int low = (int)floor(c.v) - 1, high = low + 3;
    *first = low > 0 ? low : 0;
    int used = 0;
    for (int k = *first; k <= high && k < in; k++) {
        const double w = 1.0 - fabs(c.v - k);
        weight[used++] = truth_inexact(t, w > 0.0 ? w : 0.0, w > -c.e ? c.e : 0.0);
    }
    return used;
}

TruthTensor *truth_bilinear(Truth *t, const TruthTensor *x, int H, int W)
{
    int at[TENSOR_RANK];
    TruthTensor *y = resized(t, x, H, W);
    for (size_t k = 0, n = y != NULL ? truth_count(y) : 0; k < n && !t->failed; k++) {
        TruthId down[4], along[4], row[4];
        int top, left;
        indices(at, y, k);
        const int rows = tent(t, down, &top, at[2], x->dim[2], H);
        const int columns = tent(t, along, &left, at[3], x->dim[3], W);
        for (int r = 0; r < rows; r++) {
            truth_sum_begin(t);
            for (int c = 0; c < columns; c++)
                truth_sum_multiply_add(t, pixel(x, at, top + r, left + c), along[c]);
            row[r] = truth_sum_end(t);
        }
        truth_sum_begin(t);
        for (int r = 0; r < rows; r++)
            truth_sum_multiply_add(t, row[r], down[r]);
        y->id[k] = truth_sum_end(t);
    }
    return y;
}

/* The mean of rows top .. bottom - 1 and columns left .. right - 1, as far as they are in the picture. */
static TruthId window_mean(Truth *t, const TruthTensor *x, const int *at, const int window[4], double count)
{
    truth_sum_begin(t);
    for (int i = window[0]; i < window[1]; i++)
        for (int j = window[2]; j < window[3]; j++)
            if (i >= 0 && i < x->dim[2] && j >= 0 && j < x->dim[3])
                truth_sum_add(t, pixel(x, at, i, j));
    return truth_scale(t, truth_sum_end(t), 1.0 / count);
}

TruthTensor *truth_adaptive_average_pool(Truth *t, const TruthTensor *x, int H, int W)
{
    int at[TENSOR_RANK];
    TruthTensor *y = resized(t, x, H, W);
    for (size_t k = 0, n = y != NULL ? truth_count(y) : 0; k < n && !t->failed; k++) {
        indices(at, y, k);
        const int h = x->dim[2], w = x->dim[3];
        const int window[4] = {at[2] * h / H, ((at[2] + 1) * h + H - 1) / H, at[3] * w / W,
                               ((at[3] + 1) * w + W - 1) / W};
        y->id[k] = window_mean(t, x, at, window,
                               (double)(window[1] - window[0]) * (double)(window[3] - window[2]));
    }
    return y;
}

/* The first of the largest; a NaN is larger than all. */
static TruthId window_most(const Truth *t, const TruthTensor *x, const int *at, const int window[4])
{
    TruthId most = 0;
    for (int i = window[0]; i < window[1]; i++)
        for (int j = window[2]; j < window[3]; j++) {
            if (i < 0 || i >= x->dim[2] || j < 0 || j >= x->dim[3])
                continue;
            const TruthId id = pixel(x, at, i, j);
            const double v = t->number[id].v, best = t->number[most].v;
            if (most == 0 || v > best || (v != v && best == best))
                most = id;
        }
    return most;
}

static int pooled_size(int size, const PoolOptions *o)
{
    const int stride = o->stride > 0 ? o->stride : o->kernel, room = size + 2 * o->pad - o->kernel;
    const int count = (o->ceil_mode ? room + stride - 1 : room) / stride + 1;
    return o->ceil_mode && (count - 1) * stride >= size + o->pad ? count - 1 : count;
}

/* Places of the window that count: in the picture, or also in its padding. */
static double window_places(const int from, const int size, const PoolOptions *o)
{
    const int low = o->count_padding || from > 0 ? from : 0, end = from + o->kernel;
    const int high = o->count_padding ? size + o->pad : size;
    return (end < high ? end : high) - low;
}

TruthTensor *truth_pool(Truth *t, const TruthTensor *x, PoolOptions options, bool average)
{
    const PoolOptions *o = &options;
    const int stride = o->stride > 0 ? o->stride : o->kernel;
    int at[TENSOR_RANK];
    TruthTensor *y = x != NULL ? resized(t, x, pooled_size(x->dim[2], o), pooled_size(x->dim[3], o)) : NULL;
    for (size_t k = 0, n = y != NULL ? truth_count(y) : 0; k < n && !t->failed; k++) {
        indices(at, y, k);
        const int top = at[2] * stride - o->pad, left = at[3] * stride - o->pad;
        const int window[4] = {top, top + o->kernel, left, left + o->kernel};
        y->id[k] = average
                       ? window_mean(t, x, at, window,
                                     window_places(top, x->dim[2], o) * window_places(left, x->dim[3], o))
                       : window_most(t, x, at, window);
    }
    return y;
}
