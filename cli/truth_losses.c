/* cli/truth_losses.c - sums, losses and the embedding of time (see truth_ops.h). */
#include <math.h>

#include "base/elementary64.h"
#include "cli/truth_ops.h"

/* The sum of n numbers, `stride` apart, times `factor`. */
static TruthId sum_of(Truth *t, const TruthId *x, size_t n, size_t stride, double factor)
{
    truth_sum_begin(t);
    for (size_t i = 0; i < n; i++)
        truth_sum_add(t, x[i * stride]);
    const TruthId sum = truth_sum_end(t);
    return factor == 1.0 ? sum : truth_scale(t, sum, factor);
}

TruthTensor *truth_reduce(Truth *t, const TruthTensor *x, int axis, bool mean)
{
    if (x == NULL)
        return NULL;
    int dim[TENSOR_RANK] = {x->dim[0], x->dim[1], x->dim[2], x->dim[3]};
    axis = axis < 0 ? axis + x->rank : axis;
    const size_t n = (size_t)x->dim[axis];
    size_t inner = 1;
    for (int i = axis + 1; i < x->rank; i++)
        inner *= (size_t)x->dim[i];
    dim[axis] = 1;
    TruthTensor *y = truth_tensor(t, x->rank, dim);
    for (size_t i = 0, count = y != NULL ? truth_count(y) : 0; i < count && !t->failed; i++)
        y->id[i] =
            sum_of(t, x->id + i / inner * n * inner + i % inner, n, inner, mean ? 1.0 / (double)n : 1.0);
    return y;
}

TruthTensor *truth_reduce_sample(Truth *t, const TruthTensor *x, bool mean)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, 1, x->dim) : NULL;
    const size_t N = y != NULL ? (size_t)x->dim[0] : 0, n = N > 0 ? truth_count(x) / N : 0;
    for (size_t i = 0; i < N && !t->failed; i++)
        y->id[i] = sum_of(t, x->id + i * n, n, 1, mean ? 1.0 / (double)n : 1.0);
    return y;
}

TruthTensor *truth_mse_loss(Truth *t, const TruthTensor *x, const TruthTensor *target)
{
    const TruthTensor *d = truth_broadcast(t, x, target, TRUTH_SUBTRACT);
    return truth_reduce_sample(t, truth_broadcast(t, d, d, TRUTH_MULTIPLY), true);
}

/* log(sum of exp(x - max)) - (x_label - max) of each row. */
TruthTensor *truth_cross_entropy(Truth *t, const TruthTensor *logits, const int *labels)
{
    TruthTensor *y = logits != NULL ? truth_tensor(t, 1, logits->dim) : NULL;
    for (int i = 0; y != NULL && i < logits->dim[0] && !t->failed; i++) {
        const int K = logits->dim[1];
        const TruthId *x = logits->id + (size_t)i * (size_t)K;
        double most = t->number[x[0]].v;
        for (int k = 1; k < K; k++)
            most = t->number[x[k]].v > most ? t->number[x[k]].v : most;
        const TruthId largest = truth_leaf(t, most);
        const TruthId own = truth_binary(t, TRUTH_SUBTRACT, x[labels[i]], largest);
        TruthTensor *e = truth_tensor(t, 1, &K);
        for (int k = 0; e != NULL && k < K; k++)
            e->id[k] = truth_unary(t, TRUTH_EXP, truth_binary(t, TRUTH_SUBTRACT, x[k], largest));
        if (e != NULL)
            y->id[i] = truth_binary(t, TRUTH_SUBTRACT,
                                    truth_unary(t, TRUTH_LOG, sum_of(t, e->id, (size_t)K, 1, 1.0)), own);
    }
    return y;
}

/* The mean of max(x, 0) + log(1 + exp(-|x|)) - x target. */
TruthTensor *truth_bce_with_logits(Truth *t, const TruthTensor *x, const TruthTensor *target)
{
    const TruthTensor *chosen = truth_broadcast(t, x, target, TRUTH_MULTIPLY);
    return truth_reduce_sample(t, truth_broadcast(t, truth_softplus(t, x), chosen, TRUTH_SUBTRACT), true);
}

/* Half the sum of mean^2 + exp(logvar) - 1 - logvar. */
TruthTensor *truth_gaussian_kl(Truth *t, const TruthTensor *mean, const TruthTensor *logvar)
{
    const TruthTensor *square = truth_broadcast(t, mean, mean, TRUTH_MULTIPLY);
    const TruthTensor *sum = truth_broadcast(t, square, truth_function(t, logvar, TRUTH_EXP), TRUTH_ADD);
    sum = truth_broadcast(t, truth_plus(t, sum, -1.0), logvar, TRUTH_SUBTRACT);
    return truth_times(t, truth_reduce_sample(t, sum, false), 0.5);
}

/* The mean of the cross entropies of rows and of columns of exp(logit_scale) text image^T against its diagonal. */
TruthTensor *truth_contrastive_loss(Truth *t, const TruthTensor *image, const TruthTensor *text,
                                    const TruthTensor *logit_scale)
{
    const int N = image != NULL ? image->dim[0] : 0;
    const TruthTensor *logits = truth_broadcast(t, truth_matmul(t, text, image, true),
                                                truth_function(t, logit_scale, TRUTH_EXP), TRUTH_MULTIPLY);
    int *label = arena_alloc(t->arena, (size_t)N + 1, sizeof *label);
    if (label == NULL || logits == NULL)
        return NULL;
    for (int i = 0; i < N; i++)
        label[i] = i;
    const TruthTensor *rows = truth_cross_entropy(t, logits, label);
    const TruthTensor *columns =
        truth_cross_entropy(t, truth_permute(t, logits, (const int[2]){1, 0}), label);
    const TruthTensor *both =
        truth_broadcast(t, truth_reduce(t, rows, 0, true), truth_reduce(t, columns, 0, true), TRUTH_ADD);
    return truth_times(t, both, 0.5);
}

/* sin and cos of timestep * 10000^(-i / (half - freq_shift)). */
TruthTensor *truth_time_embedding(Truth *t, const TruthTensor *timesteps, int width, bool flip_sin_to_cos,
                                  double freq_shift)
{
    if (timesteps == NULL)
        return NULL;
    const int N = timesteps->dim[0], half = width / 2, dim[2] = {N, width};
    TruthTensor *y = truth_tensor(t, 2, dim);
    for (int i = 0; y != NULL && i < N * width && !t->failed; i++) {
        const int column = i % width, k = column % half;
        if (column >= 2 * half) {
            y->id[i] = truth_leaf(t, 0.0);
            continue;
        }
        const bool cosine = (column < half) == flip_sin_to_cos;
        const TruthId power =
            truth_scale(t, truth_leaf(t, k * -log_f64(10000.0)), 1.0 / (half - freq_shift));
        const TruthId angle =
            truth_binary(t, TRUTH_MULTIPLY, timesteps->id[i / width], truth_unary(t, TRUTH_EXP, power));
        y->id[i] = truth_unary(t, cosine ? TRUTH_COS : TRUTH_SIN, angle);
    }
    return y;
}
