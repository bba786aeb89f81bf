#include "nn/reduce.h"

#include <string.h>

#include "nn/position_sum.h"
#include "nn/ranges.h"

/* x (outer, count, inner) -> y (outer, inner), each sum divided by `divisor`. */
typedef struct {
    size_t outer, count, inner;
    double divisor;
    bool samples; /* the sum runs over axis 0 */
} Reduction;

typedef struct {
    float *y;
    const float *x;
    const Reduction *shape;
} ReduceTask;

/* Sums over samples: elements begin <= i < end of one sample. */
static void sum_samples(void *context, size_t begin, size_t end)
{
    const ReduceTask *t = context;
    for (size_t i = begin; i < end; i++) {
        double sum = 0.0;
        for (size_t n = 0; n < t->shape->count; n++)
            sum += (double)t->x[n * t->shape->inner + i];
        t->y[i] = (float)(sum / t->shape->divisor);
    }
}

static void reduce_forward(float *y, const float *x, const Reduction *r)
{
    ReduceTask task = {y, x, r};
    if (r->samples) {
        parallel_ranges(r->inner, rows_per_task(r->count, RANGE_CHEAP), sum_samples, &task);
        return;
    }
    PositionSum sum = {.samples = r->outer, .keep0 = 1, .keep1 = r->inner, .divisor = r->divisor};
    sum.sum0 = r->inner == 1 ? 1 : r->count; /* a run of its own is summed as one */
    sum.sum1 = r->inner == 1 ? r->count : 1;
    position_sum(y, x, &sum);
}

/* Rows begin <= i < end of dx, `inner` numbers each. */
static void spread_rows(void *context, size_t begin, size_t end)
{
    const ReduceTask *t = context;
    const Reduction *r = t->shape;
    for (size_t row = begin; row < end; row++) {
        const float *dy = t->x + row / r->count * r->inner;
        for (size_t i = 0; i < r->inner; i++)
            t->y[row * r->inner + i] = (float)((double)dy[i] / r->divisor);
    }
}

typedef struct {
    TapeNode node;
    Tensor *x;
    Reduction shape;
} ReduceNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const ReduceNode *self = (const ReduceNode *)node;
    const Reduction *r = &self->shape;
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    ReduceTask task = {dx, node->out->grad, r};
    parallel_ranges(r->outer * r->count, rows_per_task(r->inner, RANGE_CHEAP), spread_rows, &task);
    tape_grad_end(tape, self->x, dx);
}

static Tensor *reduce(Tape *tape, Tensor *x, Reduction shape, int rank, const int *dim)
{
    Tensor *y = tape_result(tape, x, rank, dim);
    if (y == NULL)
        return NULL;
    reduce_forward(y->data, x->data, &shape);
    ReduceNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->shape = shape;
    }
    return y;
}

static Tensor *along_axis(Tape *tape, Tensor *x, int axis, bool mean, const char *name)
{
    char text[64];
    int dim[TENSOR_RANK];
    if (x == NULL)
        return NULL;
    const int own = axis < 0 ? axis + x->rank : axis;
    if (own < 0 || own >= x->rank)
        return tape_fail(tape, STATUS_ARGUMENT, "%s: %s has no axis %d", name, tensor_shape_text(x, text),
                         axis);
    Reduction r = {
        .outer = 1, .count = (size_t)x->dim[own], .inner = 1, .divisor = 1.0, .samples = own == 0};
    for (int k = 0; k < own; k++)
        r.outer *= (size_t)x->dim[k];
    for (int k = own + 1; k < x->rank; k++)
        r.inner *= (size_t)x->dim[k];
    if (mean && r.count == 0)
        return tape_fail(tape, STATUS_SHAPE, "%s: axis %d of %s is empty", name, axis,
                         tensor_shape_text(x, text));
    if (mean)
        r.divisor = (double)r.count;
    memcpy(dim, x->dim, sizeof dim);
    dim[own] = 1;
    return reduce(tape, x, r, x->rank, dim);
}

Tensor *sum_axis(Tape *tape, Tensor *x, int axis)
{
    return along_axis(tape, x, axis, false, "sum_axis");
}

Tensor *mean_axis(Tape *tape, Tensor *x, int axis)
{
    return along_axis(tape, x, axis, true, "mean_axis");
}

static Tensor *samples(Tape *tape, Tensor *x, double divisor)
{
    const Reduction r = {x->rank > 0 ? (size_t)x->dim[0] : 1, tensor_sample(x), 1, divisor, false};
    return reduce(tape, x, r, 1, x->rank > 0 ? x->dim : (int[]){1});
}

Tensor *sum_sample(Tape *tape, Tensor *x)
{
    return x != NULL ? samples(tape, x, 1.0) : NULL;
}

Tensor *mean_sample(Tape *tape, Tensor *x)
{
    if (x != NULL && tensor_sample(x) == 0)
        return tape_fail(tape, STATUS_SHAPE, "mean_sample: empty samples");
    return x != NULL ? samples(tape, x, (double)tensor_sample(x)) : NULL;
}

static Tensor *all(Tape *tape, Tensor *x, double divisor)
{
    Tensor *sums = samples(tape, x, 1.0);
    if (sums == NULL)
        return NULL;
    const Reduction r = {1, (size_t)sums->dim[0], 1, divisor, true};
    return reduce(tape, sums, r, 1, (int[]){1});
}

Tensor *sum_all(Tape *tape, Tensor *x)
{
    return x != NULL ? all(tape, x, 1.0) : NULL;
}

Tensor *mean_all(Tape *tape, Tensor *x)
{
    if (x != NULL && tensor_count(x) == 0)
        return tape_fail(tape, STATUS_SHAPE, "mean_all: no numbers");
    return x != NULL ? all(tape, x, (double)tensor_count(x)) : NULL;
}
