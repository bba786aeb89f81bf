/* nn/permute.c - the same numbers in another order of axes (see nn/reshape.h). */
#include <string.h>

#include "nn/ranges.h"
#include "nn/reshape.h"

/* The loops over y, outermost first, with their strides in x. */
typedef struct {
    float *y;
    const float *x;
    int loops, along; /* `along`: the loop whose stride in x is 1 */
    size_t size[TENSOR_RANK], stride[TENSOR_RANK];
} PermuteTask;

enum { TILE = 16 }; /* 16 x 16 numbers: rows of one cache line on either side */

/* Where row `row` of y begins in x. */
static size_t row_offset(const PermuteTask *t, size_t row)
{
    size_t offset = 0;
    for (int k = t->loops - 2; k >= 0; k--) {
        offset += row % t->size[k] * t->stride[k];
        row /= t->size[k];
    }
    return offset;
}

/* The last loop runs along x: whole runs are copied. */
static void copy_rows(void *context, size_t begin, size_t end)
{
    const PermuteTask *t = context;
    const size_t n = t->size[t->loops - 1];
    for (size_t r = begin; r < end; r++)
        memcpy(t->y + r * n, t->x + row_offset(t, r), n * sizeof *t->y);
}

/* The last loop strides through x, and the loop `along` runs along x.  A task is a band of TILE steps of `along`
 * at one place of the other loops; inside it TILE columns at a time, so that each cache line that is fetched is
 * used whole. */
static void transpose_bands(void *context, size_t begin, size_t end)
{
    const PermuteTask *t = context;
    const int last = t->loops - 1, along = t->along;
    const size_t rows = t->size[along], columns = t->size[last], stride = t->stride[last];
    const size_t bands = (rows + TILE - 1) / TILE;
    for (size_t task = begin; task < end; task++) {
        size_t at = task / bands, x = 0, y = 0, step = columns, along_step = 1; /* steps in y */
        for (int k = last - 1; k >= 0; k--) {
            if (k == along) {
                along_step = step;
            } else {
                x += at % t->size[k] * t->stride[k];
                y += at % t->size[k] * step;
                at /= t->size[k];
            }
            step *= t->size[k];
        }
        const size_t r0 = task % bands * TILE, r1 = r0 + TILE < rows ? r0 + TILE : rows;
        for (size_t c0 = 0; c0 < columns; c0 += TILE)
            for (size_t r = r0; r < r1; r++)
                for (size_t c = c0; c < columns && c < c0 + TILE; c++)
                    t->y[y + r * along_step + c] = t->x[x + r + c * stride];
    }
}

/* Joins axes that stay neighbours. */
static PermuteTask permute_loops(int rank, const int *dim, const int *order)
{
    PermuteTask t = {0};
    size_t stride[TENSOR_RANK] = {1, 1, 1, 1};
    for (int k = rank - 2; k >= 0; k--)
        stride[k] = stride[k + 1] * (size_t)dim[k + 1];
    for (int k = 0; k < rank; k++) {
        const size_t size = (size_t)dim[order[k]], step = stride[order[k]];
        if (size == 1)
            continue;
        if (t.loops > 0 && t.stride[t.loops - 1] == size * step) {
            t.size[t.loops - 1] *= size;
            t.stride[t.loops - 1] = step;
            continue;
        }
        t.size[t.loops] = size;
        t.stride[t.loops++] = step;
    }
    if (t.loops == 0)
        t = (PermuteTask){.loops = 1, .size = {1}, .stride = {1}};
    while (t.along < t.loops - 1 && t.stride[t.along] != 1)
        t.along++;
    return t;
}

void permute_forward(float *y, const float *x, int rank, const int *dim, const int *order)
{
    PermuteTask t = permute_loops(rank, dim, order);
    t.y = y;
    t.x = x;
    size_t count = 1;
    for (int k = 0; k < t.loops; k++)
        count *= t.size[k];
    if (count == 0)
        return;
    const size_t columns = t.size[t.loops - 1], rows = t.size[t.along];
    if (t.along == t.loops - 1) {
        parallel_ranges(count / columns, rows_per_task(columns, RANGE_CHEAP), copy_rows, &t);
        return;
    }
    parallel_ranges(count / columns / rows * ((rows + TILE - 1) / TILE),
                    rows_per_task(TILE * columns, RANGE_CHEAP), transpose_bands, &t);
}

typedef struct {
    TapeNode node;
    Tensor *x;
    int back[TENSOR_RANK]; /* the order that undoes it */
} PermuteNode;

static void permute_backward(Tape *tape, const TapeNode *node)
{
    const PermuteNode *self = (const PermuteNode *)node;
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    permute_forward(dx, node->out->grad, node->out->rank, node->out->dim, self->back);
    tape_grad_end(tape, self->x, dx);
}

Tensor *permute(Tape *tape, Tensor *x, const int *order)
{
    char text[64];
    int dim[TENSOR_RANK] = {0}, back[TENSOR_RANK] = {-1, -1, -1, -1};
    if (x == NULL)
        return NULL;
    for (int k = 0; k < x->rank; k++) {
        if (order[k] < 0 || order[k] >= x->rank || back[order[k]] >= 0)
            return tape_fail(tape, STATUS_ARGUMENT,
                             "permute: the order is not a permutation of the axes of %s",
                             tensor_shape_text(x, text));
        back[order[k]] = k;
        dim[k] = x->dim[order[k]];
    }
    Tensor *y = tape_result(tape, x, x->rank, dim);
    if (y == NULL)
        return NULL;
    permute_forward(y->data, x->data, x->rank, x->dim, order);
    PermuteNode *node = tape_push(tape, y, sizeof *node, permute_backward);
    if (node != NULL) {
        node->x = x;
        memcpy(node->back, back, sizeof back);
    }
    return y;
}
