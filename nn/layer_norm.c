#include "nn/layer_norm.h"

#include "nn/position_sum.h"
#include "nn/ranges.h"

typedef struct {
    float *y;
    Moments *moments;
    const float *x, *gamma, *beta;
    size_t C;
    double eps;
} ForwardTask;

static void forward_rows(void *context, size_t begin, size_t end)
{
    const ForwardTask *t = context;
    const NormTable *loops = norm_table();
    for (size_t r = begin; r < end; r++) {
        const float *x = t->x + r * t->C;
        const Moments m = moments_of(x, t->C, t->eps);
        if (t->gamma != NULL)
            loops->apply_vector(t->y + r * t->C, x, t->C, m, t->gamma, t->beta);
        else
            loops->plain(t->y + r * t->C, x, t->C, m);
        if (t->moments != NULL)
            t->moments[r] = m;
    }
}

void layer_norm_forward(float *y, Moments *moments, const float *x, const float *gamma, const float *beta,
                        size_t N, size_t T, size_t C, float eps)
{
    ForwardTask task = {y, moments, x, gamma, beta, C, (double)eps};
    parallel_ranges(N * T, rows_per_task(C, RANGE_CHEAP), forward_rows, &task);
}

typedef struct {
    float *dx, *dgamma, *dbeta;
    const float *dy, *x, *gamma;
    const Moments *moments;
    size_t N, T, C;
} BackwardTask;

static void backward_rows(void *context, size_t begin, size_t end)
{
    const BackwardTask *t = context;
    const NormTable *loops = norm_table();
    const double count = (double)t->C;
    const float one = 1.0f;
    for (size_t r = begin; r < end; r++) {
        const size_t row = r * t->C;
        const float *dy = t->dy + row, *x = t->x + row;
        const Moments m = t->moments[r];
        if (t->gamma != NULL) {
            const NormSums s = loops->sums_vector(dy, x, t->C, m, t->gamma);
            loops->back_vector(t->dx + row, dy, x, t->C, m, t->gamma, s.h / count, s.hx / count);
        } else {
            const NormSums s = loops->sums_scalar(dy, x, t->C, m, &one);
            loops->back_scalar(t->dx + row, dy, x, t->C, m, &one, s.h / count, s.hx / count);
        }
    }
}

/* Columns of dgamma and dbeta; a task owns COLUMN_BLOCK of them and takes the samples in order. */
static void backward_columns(void *context, size_t begin, size_t end)
{
    const BackwardTask *t = context;
    NormSums sums[COLUMN_BLOCK];
    for (size_t n = 0; n < t->N; n++) {
        const size_t first = n * t->T * t->C + begin;
        norm_table()->columns(sums, t->dy + first, t->x + first, t->T, t->C, end - begin,
                              t->moments + n * t->T);
        norm_add_samples(t->dgamma != NULL ? t->dgamma + begin : NULL,
                         t->dbeta != NULL ? t->dbeta + begin : NULL, sums, 1, end - begin);
    }
}

void layer_norm_backward(float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                         const float *gamma, const Moments *moments, size_t N, size_t T, size_t C)
{
    BackwardTask task = {dx, dgamma, dbeta, dy, x, gamma, moments, N, T, C};
    if (dx != NULL)
        parallel_ranges(N * T, rows_per_task(C, RANGE_CHEAP), backward_rows, &task);
    if (dgamma != NULL || dbeta != NULL)
        parallel_ranges(C, COLUMN_BLOCK, backward_columns, &task);
}

typedef struct {
    TapeNode node;
    Tensor *x, *gamma, *beta;
    Moments *moments;
    size_t N, T;
} LayerNormNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const LayerNormNode *self = (const LayerNormNode *)node;
    Tensor *x = self->x;
    float *dx = tape_grad_begin(tape, x);
    float *dgamma = tape_grad_add(tape, self->gamma), *dbeta = tape_grad_add(tape, self->beta);
    if (tape->error.status == STATUS_OK)
        layer_norm_backward(dx, dgamma, dbeta, node->out->grad, x->data,
                            self->gamma != NULL ? self->gamma->data : NULL, self->moments, self->N, self->T,
                            (size_t)x->dim[x->rank - 1]);
    tape_grad_end(tape, x, dx);
}

Tensor *layer_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, float eps)
{
    char text[64];
    if (x == NULL)
        return NULL;
    const size_t C = x->rank > 0 ? (size_t)x->dim[x->rank - 1] : 0;
    if (C == 0 || (gamma == NULL) != (beta == NULL) ||
        (gamma != NULL && (tensor_count(gamma) != C || tensor_count(beta) != C)))
        return tape_fail(tape, STATUS_SHAPE, "layer_norm: x is %s; got %zu scales and %zu shifts",
                         tensor_shape_text(x, text), gamma != NULL ? tensor_count(gamma) : 0,
                         beta != NULL ? tensor_count(beta) : 0);
    const size_t rows = tensor_count(x) / C, N = x->rank > 1 ? (size_t)x->dim[0] : 1;
    Tensor *y = tape_result3(tape, x, gamma, beta, x->rank, x->dim);
    if (y == NULL)
        return NULL;
    Moments *moments = y->wants_grad ? tape_alloc(tape, rows, sizeof *moments) : NULL;
    layer_norm_forward(y->data, moments, x->data, gamma != NULL ? gamma->data : NULL,
                       beta != NULL ? beta->data : NULL, 1, rows, C, eps);
    LayerNormNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->gamma = gamma;
        node->beta = beta;
        node->moments = moments;
        node->N = N;
        node->T = N > 0 ? rows / N : 0;
    }
    return y;
}
