#include "nn/concat.h"

#include <limits.h>
#include <string.h>

#include "nn/ranges.h"

/* `rows` runs of n numbers, each at its own step on either side. */
typedef struct {
    float *to;
    const float *from;
    size_t to_step, from_step, n;
} CopyTask;

static void copy_rows(void *context, size_t begin, size_t end)
{
    const CopyTask *t = context;
    for (size_t r = begin; r < end; r++)
        memcpy(t->to + r * t->to_step, t->from + r * t->from_step, t->n * sizeof *t->to);
}

static void copy_runs(float *to, size_t to_step, const float *from, size_t from_step, size_t n, size_t rows)
{
    CopyTask task = {to, from, to_step, from_step, n};
    parallel_ranges(rows, rows_per_task(n, 4 * RANGE_CHEAP), copy_rows, &task);
}

/* Product of the axes before, or after, the axis. */
static size_t before(const Tensor *x, int axis)
{
    size_t count = 1;
    for (int k = 0; k < axis; k++)
        count *= (size_t)x->dim[k];
    return count;
}

static size_t after(const Tensor *x, int axis)
{
    size_t count = 1;
    for (int k = axis + 1; k < x->rank; k++)
        count *= (size_t)x->dim[k];
    return count;
}

/* ---- concat ---- */

typedef struct {
    TapeNode node;
    Tensor **parts;
    int count, axis;
} ConcatNode;

static void concat_backward(Tape *tape, const TapeNode *node)
{
    const ConcatNode *self = (const ConcatNode *)node;
    const Tensor *y = node->out;
    const size_t inner = after(y, self->axis), rows = before(y, self->axis);
    const size_t step = inner * (size_t)y->dim[self->axis];
    size_t at = 0;
    for (int i = 0; i < self->count; i++) {
        Tensor *x = self->parts[i];
        const size_t n = inner * (size_t)x->dim[self->axis];
        float *dx = tape_grad_begin(tape, x);
        if (dx != NULL)
            copy_runs(dx, n, y->grad + at, step, n, rows);
        tape_grad_end(tape, x, dx);
        at += n;
    }
}

/* The result's shape; false after recording why there is none. */
static bool concat_shape(Tape *tape, int dim[TENSOR_RANK], Tensor *const *parts, int count, int axis)
{
    char text[64], first[64];
    long long total = 0;
    memcpy(dim, parts[0]->dim, TENSOR_RANK * sizeof *dim);
    for (int i = 0; i < count; i++) {
        bool fits = parts[i]->rank == parts[0]->rank;
        for (int k = 0; k < parts[0]->rank; k++)
            fits = fits && (k == axis || parts[i]->dim[k] == dim[k]);
        if (!fits) {
            tape_fail(tape, STATUS_SHAPE, "concat: %s does not fit beside %s along axis %d",
                      tensor_shape_text(parts[i], text), tensor_shape_text(parts[0], first), axis);
            return false;
        }
        total += parts[i]->dim[axis];
    }
    if (total > INT_MAX) {
        tape_fail(tape, STATUS_SHAPE, "concat: axis %d would have %lld positions", axis, total);
        return false;
    }
    dim[axis] = (int)total;
    return true;
}

Tensor *concat(Tape *tape, Tensor *const *parts, int count, int axis)
{
    int dim[TENSOR_RANK];
    bool wanted = false;
    for (int i = 0; i < count; i++) {
        if (parts[i] == NULL)
            return NULL;
        wanted = wanted || tape_wants(tape, parts[i]);
    }
    const int own = count > 0 && axis < 0 ? axis + parts[0]->rank : axis;
    if (count < 1 || own < 0 || own >= parts[0]->rank)
        return tape_fail(tape, STATUS_ARGUMENT, "concat: %d tensors along axis %d", count, axis);
    if (!concat_shape(tape, dim, parts, count, own))
        return NULL;
    Tensor *y = tape_result(tape, NULL, parts[0]->rank, dim);
    if (y == NULL)
        return NULL;
    y->wants_grad = wanted;
    const size_t inner = after(y, own), step = inner * (size_t)dim[own];
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const size_t n = inner * (size_t)parts[i]->dim[own];
        copy_runs(y->data + at, step, parts[i]->data, n, n, before(y, own));
        at += n;
    }
    ConcatNode *node = tape_push(tape, y, sizeof *node, concat_backward);
    Tensor **kept = node != NULL ? tape_alloc(tape, (size_t)count, sizeof(Tensor *)) : NULL;
    if (kept != NULL) {
        memcpy(kept, parts, (size_t)count * sizeof(Tensor *));
        node->parts = kept;
        node->count = count;
        node->axis = own;
    }
    return y;
}

/* ---- slice ---- */

typedef struct {
    TapeNode node;
    Tensor *x;
    int axis, start;
} SliceNode;

static void slice_backward(Tape *tape, const TapeNode *node)
{
    const SliceNode *self = (const SliceNode *)node;
    const Tensor *y = node->out;
    Tensor *x = self->x;
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    const size_t inner = after(x, self->axis), step = inner * (size_t)x->dim[self->axis];
    const size_t n = inner * (size_t)y->dim[self->axis];
    memset(dx, 0, tensor_count(x) * sizeof *dx);
    copy_runs(dx + inner * (size_t)self->start, step, y->grad, n, n, before(x, self->axis));
    tape_grad_end(tape, x, dx);
}

Tensor *slice(Tape *tape, Tensor *x, int axis, int start, int length)
{
    char text[64];
    int dim[TENSOR_RANK];
    if (x == NULL)
        return NULL;
    const int own = axis < 0 ? axis + x->rank : axis;
    if (own < 0 || own >= x->rank || start < 0 || length < 0 || start > x->dim[own] - length)
        return tape_fail(tape, STATUS_ARGUMENT, "slice: %d positions from %d on along axis %d of %s",
                         length, start, axis, tensor_shape_text(x, text));
    memcpy(dim, x->dim, sizeof dim);
    dim[own] = length;
    Tensor *y = tape_result(tape, x, x->rank, dim);
    if (y == NULL)
        return NULL;
    const size_t inner = after(x, own), n = inner * (size_t)length;
    copy_runs(y->data, n, x->data + inner * (size_t)start, inner * (size_t)x->dim[own], n, before(x, own));
    SliceNode *node = tape_push(tape, y, sizeof *node, slice_backward);
    if (node != NULL) {
        node->x = x;
        node->axis = own;
        node->start = start;
    }
    return y;
}
