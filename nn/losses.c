#include "nn/losses.h"

#include <math.h>

#include "base/elementary.h"
#include "base/sum_inline.h"
#include "nn/ranges.h"

/* Two tensors of one shape with a first axis, met number by number. */
typedef struct {
    TapeNode node;
    Tensor *x, *z;
} PairNode;

/* One sample of a loss: reads x and z, n numbers each. */
typedef float (*SampleLoss)(const float *x, const float *z, size_t n);

/* Writes dx and dz (either may be NULL) of one sample, g = d loss / d its number. */
typedef void (*SampleSlope)(float *dx, float *dz, const float *x, const float *z, size_t n, float g);

typedef struct {
    SampleLoss loss;
    SampleSlope slope;
    float *y, *dx, *dz;
    const float *x, *z, *dy;
    size_t n;
} SampleTask;

static void loss_samples(void *context, size_t begin, size_t end)
{
    const SampleTask *t = context;
    for (size_t i = begin; i < end; i++)
        t->y[i] = t->loss(t->x + i * t->n, t->z + i * t->n, t->n);
}

static void slope_samples(void *context, size_t begin, size_t end)
{
    const SampleTask *t = context;
    for (size_t i = begin; i < end; i++)
        t->slope(t->dx != NULL ? t->dx + i * t->n : NULL, t->dz != NULL ? t->dz + i * t->n : NULL,
                 t->x + i * t->n, t->z + i * t->n, t->n, t->dy[i]);
}

static void pair_backward(Tape *tape, const TapeNode *node, SampleSlope slope)
{
    const PairNode *self = (const PairNode *)node;
    const size_t n = tensor_sample(self->x);
    float *dx = tape_grad_begin(tape, self->x), *dz = tape_grad_begin(tape, self->z);
    SampleTask task = {NULL, slope, NULL, dx, dz, self->x->data, self->z->data, node->out->grad, n};
    if (tape->error.status == STATUS_OK)
        parallel_ranges((size_t)self->x->dim[0], rows_per_task(n, RANGE_COSTLY), slope_samples, &task);
    tape_grad_end(tape, self->x, dx);
    tape_grad_end(tape, self->z, dz);
}

static Tensor *pair(Tape *tape, Tensor *x, Tensor *z, const char *name, SampleLoss loss,
                    void (*backward)(Tape *tape, const TapeNode *self))
{
    char text_x[64], text_z[64];
    if (x == NULL || z == NULL)
        return NULL;
    if (x->rank < 1 || !tensor_same_shape(x, z) || tensor_sample(x) == 0)
        return tape_fail(tape, STATUS_SHAPE, "%s: shapes %s and %s", name, tensor_shape_text(x, text_x),
                         tensor_shape_text(z, text_z));
    Tensor *y = tape_result2(tape, x, z, 1, x->dim);
    if (y == NULL)
        return NULL;
    const size_t n = tensor_sample(x);
    SampleTask task = {.loss = loss, .y = y->data, .x = x->data, .z = z->data, .n = n};
    parallel_ranges((size_t)x->dim[0], rows_per_task(n, RANGE_COSTLY), loss_samples, &task);
    PairNode *node = tape_push(tape, y, sizeof *node, backward);
    if (node != NULL) {
        node->x = x;
        node->z = z;
    }
    return y;
}

/* ---- mse_loss ---- */

static float mse_sample(const float *x, const float *z, size_t n)
{
    double s[SUM_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        const float d = x[i] - z[i];
        s[i % SUM_LANES] += (double)d * (double)d;
    }
    return (float)(sum8_fold(s) / (double)n);
}

static void mse_slope(float *dx, float *dz, const float *x, const float *z, size_t n, float g)
{
    const float step = (float)(2.0 * (double)g / (double)n);
    for (size_t i = 0; i < n; i++) {
        const float d = x[i] - z[i];
        const float slope = step * d;
        if (dx != NULL)
            dx[i] = slope;
        if (dz != NULL)
            dz[i] = -slope;
    }
}

static void mse_backward(Tape *tape, const TapeNode *node)
{
    pair_backward(tape, node, mse_slope);
}

Tensor *mse_loss(Tape *tape, Tensor *x, Tensor *target)
{
    return pair(tape, x, target, "mse_loss", mse_sample, mse_backward);
}

/* ---- bce_with_logits ---- */

static float bce_sample(const float *x, const float *z, size_t n)
{
    double s[SUM_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        const float positive = x[i] < 0.0f ? 0.0f : x[i];
        const float product = x[i] * z[i];
        const float linear = positive - product;
        const float term = linear + softplus_f32(-fabsf(x[i]));
        s[i % SUM_LANES] += (double)term;
    }
    return (float)(sum8_fold(s) / (double)n);
}

static void bce_slope(float *dx, float *dz, const float *x, const float *z, size_t n, float g)
{
    const float step = (float)((double)g / (double)n);
    (void)dz; /* the target asks for none */
    for (size_t i = 0; i < n && dx != NULL; i++) {
        const float difference = sigmoid_f32(x[i]) - z[i];
        dx[i] = step * difference;
    }
}

static void bce_backward(Tape *tape, const TapeNode *node)
{
    pair_backward(tape, node, bce_slope);
}

Tensor *bce_with_logits(Tape *tape, Tensor *x, const Tensor *target)
{
    if (target == NULL)
        return NULL;
    Tensor *fixed = tape_input(tape, target->data, target->rank, target->dim, false);
    return pair(tape, x, fixed, "bce_with_logits", bce_sample, bce_backward);
}

/* ---- gaussian_kl ---- */

static float kl_sample(const float *mean, const float *logvar, size_t n)
{
    double s[SUM_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        const float square = mean[i] * mean[i];
        const float spread = square + exp_f32(logvar[i]);
        const float excess = spread - 1.0f;
        const float term = excess - logvar[i];
        s[i % SUM_LANES] += (double)term;
    }
    return (float)(0.5 * sum8_fold(s));
}

static void kl_slope(float *dmean, float *dlogvar, const float *mean, const float *logvar, size_t n,
                     float g)
{
    for (size_t i = 0; i < n && dmean != NULL; i++)
        dmean[i] = g * mean[i];
    for (size_t i = 0; i < n && dlogvar != NULL; i++) {
        const float excess = exp_f32(logvar[i]) - 1.0f;
        const float half = 0.5f * excess;
        dlogvar[i] = g * half;
    }
}

static void kl_backward(Tape *tape, const TapeNode *node)
{
    pair_backward(tape, node, kl_slope);
}

Tensor *gaussian_kl(Tape *tape, Tensor *mean, Tensor *logvar)
{
    return pair(tape, mean, logvar, "gaussian_kl", kl_sample, kl_backward);
}
