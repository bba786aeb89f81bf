/* cli/truth_norms.c - softmax and the normalisations (see truth_ops.h). */
#include "cli/truth_ops.h"

/* y[i] = exp(x[i] - max) / sum; which constant is taken off does not matter, so the largest counts as exact. */
static void softmax_row(Truth *t, TruthId *y, const TruthId *x, size_t n)
{
    size_t most = 0;
    for (size_t i = 1; i < n && !t->failed; i++)
        if (t->number[x[i]].v > t->number[x[most]].v)
            most = i;
    const TruthId largest = t->failed ? 0 : truth_leaf(t, t->number[x[most]].v);
    for (size_t i = 0; i < n; i++)
        y[i] = truth_unary(t, TRUTH_EXP, truth_binary(t, TRUTH_SUBTRACT, x[i], largest));
    truth_sum_begin(t);
    for (size_t i = 0; i < n; i++)
        truth_sum_add(t, y[i]);
    const TruthId sum = truth_sum_end(t);
    for (size_t i = 0; i < n; i++)
        y[i] = truth_binary(t, TRUTH_DIVIDE, y[i], sum);
}

TruthTensor *truth_softmax(Truth *t, const TruthTensor *x)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    if (y == NULL)
        return NULL;
    const size_t C = (size_t)x->dim[x->rank - 1], count = truth_count(x);
    for (size_t i = 0; C > 0 && i < count; i += C)
        softmax_row(t, y->id + i, x->id + i, C);
    return y;
}

/* x - mean, where both may be rounded once more: so does an implementation that folds normalisation and affine into one
 * scale and one shift, x (rstd gamma) + (beta - mean rstd gamma). */
static TruthId centred(Truth *t, TruthId x, TruthId mean)
{
    const TruthId one = truth_leaf(t, 1.0), far = truth_binary(t, TRUTH_MULTIPLY, x, one);
    return truth_binary(t, TRUTH_SUBTRACT, far, truth_binary(t, TRUTH_MULTIPLY, mean, one));
}

static TruthId mean_of(Truth *t, const TruthId *x, size_t n)
{
    truth_sum_begin(t);
    for (size_t i = 0; i < n; i++)
        truth_sum_add(t, x[i]);
    return truth_scale(t, truth_sum_end(t), 1.0 / (double)n);
}

/* 1 / sqrt(variance + eps) */
static TruthId reciprocal_deviation(Truth *t, TruthId variance, double eps)
{
    const TruthId root =
        truth_unary(t, TRUTH_SQRT, truth_binary(t, TRUTH_ADD, variance, truth_leaf(t, eps)));
    return truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, 1.0), root);
}

/* y[i] = (x[i] - mean) rstd over the n numbers. */
static void normalise(Truth *t, TruthId *y, const TruthId *x, size_t n, double eps)
{
    const TruthId mean = mean_of(t, x, n);
    for (size_t i = 0; i < n; i++)
        y[i] = centred(t, x[i], mean);
    truth_sum_begin(t);
    for (size_t i = 0; i < n; i++)
        truth_sum_multiply_add(t, y[i], y[i]);
    const TruthId variance = truth_scale(t, truth_sum_end(t), 1.0 / (double)n);
    const TruthId rstd = reciprocal_deviation(t, variance, eps);
    for (size_t i = 0; i < n; i++)
        y[i] = truth_binary(t, TRUTH_MULTIPLY, y[i], rstd);
}

static TruthId affine(Truth *t, TruthId x, const TruthTensor *gamma, const TruthTensor *beta, size_t c)
{
    if (gamma != NULL)
        x = truth_binary(t, TRUTH_MULTIPLY, x, gamma->id[c]);
    return beta != NULL ? truth_binary(t, TRUTH_ADD, x, beta->id[c]) : x;
}

/* Numbers in one channel of one sample. */
static size_t positions(const TruthTensor *x)
{
    return (size_t)x->dim[2] * (size_t)x->dim[3];
}

TruthTensor *truth_group_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, int groups, double eps)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    if (y == NULL)
        return NULL;
    const size_t C = (size_t)x->dim[1], count = truth_count(x);
    const size_t P = positions(x), n = C / (size_t)groups * P;
    for (size_t i = 0; i < count; i += n)
        normalise(t, y->id + i, x->id + i, n, eps);
    for (size_t i = 0; i < count; i++)
        y->id[i] = affine(t, y->id[i], gamma, beta, i / P % C);
    return y;
}

TruthTensor *truth_layer_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, double eps)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    if (y == NULL)
        return NULL;
    const size_t C = (size_t)x->dim[x->rank - 1], count = truth_count(x);
    for (size_t i = 0; i < count; i += C)
        normalise(t, y->id + i, x->id + i, C, eps);
    for (size_t i = 0; i < count; i++)
        y->id[i] = affine(t, y->id[i], gamma, beta, i % C);
    return y;
}

TruthTensor *truth_batch_norm(Truth *t, const TruthTensor *x, const TruthTensor *gamma,
                              const TruthTensor *beta, const TruthTensor *mean, const TruthTensor *variance,
                              double eps)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    if (y == NULL || mean == NULL || variance == NULL)
        return NULL;
    const size_t C = (size_t)x->dim[1], count = truth_count(x), P = positions(x);
    for (size_t i = 0; i < count; i++) {
        const size_t c = i / P % C;
        const TruthId rstd = reciprocal_deviation(t, variance->id[c], eps);
        const TruthId d = centred(t, x->id[i], mean->id[c]);
        y->id[i] = affine(t, truth_binary(t, TRUTH_MULTIPLY, d, rstd), gamma, beta, c);
    }
    return y;
}
