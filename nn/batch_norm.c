#include "nn/batch_norm.h"

#include <math.h>

#include "nn/norm.h"
#include "nn/ranges.h"

typedef struct {
    TapeNode node;
    Tensor *x, *gamma, *beta;
    Moments *moments; /* (C) */
} BatchNormNode;

/* The planes (one channel of one sample) of a forward, or of a backward when dy is given. */
typedef struct {
    float *y; /* y, or dx; NULL: not wanted */
    NormSums *sums;
    const float *x, *dy, *gamma, *beta;
    const Moments *moments;
    size_t C, P;
} PlaneTask;

static void forward_planes(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    for (size_t i = begin; i < end; i++) {
        const size_t c = i % t->C, run = i * t->P;
        norm_table()->apply_scalar(t->y + run, t->x + run, t->P, t->moments[c], t->gamma + c, t->beta + c);
    }
}

static void backward_planes(void *context, size_t begin, size_t end)
{
    const PlaneTask *t = context;
    const float one = 1.0f;
    for (size_t i = begin; i < end; i++) {
        const size_t c = i % t->C, run = i * t->P;
        const Moments m = t->moments[c];
        t->sums[i] = norm_table()->sums_scalar(t->dy + run, t->x + run, t->P, m, &one);
        if (t->y != NULL)
            norm_table()->back_scalar(t->y + run, t->dy + run, t->x + run, t->P, m, t->gamma + c, 0.0, 0.0);
    }
}

static void node_backward(Tape *tape, const TapeNode *node)
{
    const BatchNormNode *self = (const BatchNormNode *)node;
    Tensor *x = self->x;
    const size_t N = (size_t)x->dim[0], C = (size_t)x->dim[1], P = tensor_positions(x);
    NormSums *sums = (NormSums *)(void *)tape_scratch(tape, N * C * (sizeof *sums / sizeof(float)));
    if (sums == NULL)
        return;
    float *dx = tape_grad_begin(tape, x);
    float *dgamma = tape_grad_add(tape, self->gamma), *dbeta = tape_grad_add(tape, self->beta);
    if (tape->error.status == STATUS_OK) {
        PlaneTask task = {dx, sums, x->data, node->out->grad, self->gamma->data, NULL, self->moments, C, P};
        parallel_ranges(N * C, rows_per_task(P, RANGE_CHEAP), backward_planes, &task);
        norm_add_samples(dgamma, dbeta, sums, N, C);
    }
    tape_grad_end(tape, x, dx);
    tape_scratch_end(tape, (float *)(void *)sums);
}

Tensor *batch_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, const Tensor *mean,
                   const Tensor *variance, float eps)
{
    char text[64];
    if (x == NULL || gamma == NULL || beta == NULL || mean == NULL || variance == NULL)
        return NULL;
    const size_t C = x->rank >= 2 ? (size_t)x->dim[1] : 0;
    if (x->rank < 2 || tensor_count(gamma) != C || tensor_count(beta) != C || tensor_count(mean) != C ||
        tensor_count(variance) != C)
        return tape_fail(tape, STATUS_SHAPE,
                         "batch_norm: x is %s; got %zu scales, %zu shifts, %zu means and %zu variances",
                         tensor_shape_text(x, text), tensor_count(gamma), tensor_count(beta),
                         tensor_count(mean), tensor_count(variance));
    const size_t N = (size_t)x->dim[0], P = tensor_positions(x);
    Tensor *y = tape_result3(tape, x, gamma, beta, x->rank, x->dim);
    Moments *moments = tape_alloc(tape, C, sizeof *moments);
    if (y == NULL || moments == NULL)
        return NULL;
    for (size_t c = 0; c < C; c++)
        moments[c] = (Moments){(double)mean->data[c], 1.0 / sqrt((double)variance->data[c] + (double)eps)};
    PlaneTask task = {y->data, NULL, x->data, NULL, gamma->data, beta->data, moments, C, P};
    parallel_ranges(N * C, rows_per_task(P, RANGE_CHEAP), forward_planes, &task);
    BatchNormNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->gamma = gamma;
        node->beta = beta;
        node->moments = moments;
    }
    return y;
}
