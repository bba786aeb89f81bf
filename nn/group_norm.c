#include "nn/group_norm.h"

#include "base/sum.h"
#include "base/sum_inline.h"
#include "nn/ranges.h"

typedef struct {
    float *y;
    Moments *moments;
    const float *x, *gamma, *beta;
    size_t G, D, P; /* groups, channels of a group, positions */
    double eps;
} ForwardTask;

/* Groups begin <= ng < end of all N * G; in (N,C,P) order a group is one run of D * P numbers. */
static void forward_groups(void *context, size_t begin, size_t end)
{
    const ForwardTask *t = context;
    const NormTable *loops = norm_table();
    for (size_t ng = begin; ng < end; ng++) {
        const size_t run = ng * t->D * t->P, channel = ng % t->G * t->D;
        const Moments m = moments_of(t->x + run, t->D * t->P, t->eps);
        for (size_t c = 0; c < t->D; c++)
            loops->apply_scalar(t->y + run + c * t->P, t->x + run + c * t->P, t->P, m,
                                t->gamma + channel + c, t->beta + channel + c);
        if (t->moments != NULL)
            t->moments[ng] = m;
    }
}

void group_norm_forward(float *y, Moments *moments, const float *x, const float *gamma, const float *beta,
                        size_t N, size_t C, size_t P, size_t G, float eps)
{
    ForwardTask task = {y, moments, x, gamma, beta, G, C / G, P, (double)eps};
    parallel_ranges(N * G, rows_per_task(C / G * P, RANGE_CHEAP), forward_groups, &task);
}

typedef struct {
    float *dx;
    const float *dy, *x, *gamma;
    const Moments *moments;
    NormSums *sums;
    size_t G, D, P;
} BackwardTask;

/* a and b of one group from its channels' sums. */
static NormSums group_means(const NormSums *sums, const float *gamma, size_t D, size_t P)
{
    double s[SUM_LANES] = {0}, d[SUM_LANES] = {0};
    const double count = (double)D * (double)P;
    for (size_t c = 0; c < D; c++) {
        s[c % SUM_LANES] += (double)gamma[c] * sums[c].h;
        d[c % SUM_LANES] += (double)gamma[c] * sums[c].hx;
    }
    return (NormSums){sum8_fold(s) / count, sum8_fold(d) / count};
}

static void backward_groups(void *context, size_t begin, size_t end)
{
    const BackwardTask *t = context;
    const NormTable *loops = norm_table();
    const float one = 1.0f;
    for (size_t ng = begin; ng < end; ng++) {
        const size_t run = ng * t->D * t->P;
        const float *gamma = t->gamma + ng % t->G * t->D;
        const Moments m = t->moments[ng];
        NormSums *sums = t->sums + ng * t->D;
        for (size_t c = 0; c < t->D; c++)
            sums[c] = loops->sums_scalar(t->dy + run + c * t->P, t->x + run + c * t->P, t->P, m, &one);
        if (t->dx == NULL)
            continue;
        const NormSums mean = group_means(sums, gamma, t->D, t->P);
        for (size_t c = 0; c < t->D; c++)
            loops->back_scalar(t->dx + run + c * t->P, t->dy + run + c * t->P, t->x + run + c * t->P, t->P,
                               m, gamma + c, mean.h, mean.hx);
    }
}

void group_norm_backward(float *dx, float *dgamma, float *dbeta, const float *dy, const float *x,
                         const float *gamma, const Moments *moments, NormSums *sums, size_t N, size_t C,
                         size_t P, size_t G)
{
    BackwardTask task = {dx, dy, x, gamma, moments, sums, G, C / G, P};
    parallel_ranges(N * G, rows_per_task(C / G * P, RANGE_CHEAP), backward_groups, &task);
    norm_add_samples(dgamma, dbeta, sums, N, C);
}

typedef struct {
    TapeNode node;
    Tensor *x, *gamma, *beta;
    Moments *moments;
    size_t groups;
} GroupNormNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const GroupNormNode *self = (const GroupNormNode *)node;
    Tensor *x = self->x;
    const size_t N = (size_t)x->dim[0], C = (size_t)x->dim[1];
    NormSums *sums = (NormSums *)(void *)tape_scratch(tape, N * C * (sizeof *sums / sizeof(float)));
    if (sums == NULL)
        return;
    float *dx = tape_grad_begin(tape, x);
    float *dgamma = tape_grad_add(tape, self->gamma), *dbeta = tape_grad_add(tape, self->beta);
    if (tape->error.status == STATUS_OK)
        group_norm_backward(dx, dgamma, dbeta, node->out->grad, x->data, self->gamma->data, self->moments,
                            sums, N, C, tensor_positions(x), self->groups);
    tape_grad_end(tape, x, dx);
    tape_scratch_end(tape, (float *)(void *)sums);
}

Tensor *group_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, int groups, float eps)
{
    char text[64];
    if (x == NULL || gamma == NULL || beta == NULL)
        return NULL;
    if (x->rank < 2 || groups < 1 || x->dim[1] % groups != 0 || tensor_count(gamma) != (size_t)x->dim[1] ||
        tensor_count(beta) != (size_t)x->dim[1])
        return tape_fail(tape, STATUS_SHAPE,
                         "group_norm: x is %s; got %d groups, %zu scales and %zu shifts",
                         tensor_shape_text(x, text), groups, tensor_count(gamma), tensor_count(beta));
    const size_t N = (size_t)x->dim[0], C = (size_t)x->dim[1], G = (size_t)groups;
    Tensor *y = tape_result3(tape, x, gamma, beta, x->rank, x->dim);
    if (y == NULL)
        return NULL;
    Moments *moments = y->wants_grad ? tape_alloc(tape, N * G, sizeof *moments) : NULL;
    group_norm_forward(y->data, moments, x->data, gamma->data, beta->data, N, C, tensor_positions(x), G,
                       eps);
    GroupNormNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->gamma = gamma;
        node->beta = beta;
        node->moments = moments;
        node->groups = G;
    }
    return y;
}
