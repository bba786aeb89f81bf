/* cli/truth_pointwise.c - number by number (see truth_ops.h). */
#include <math.h>

#include "cli/truth_ops.h"

/* x (1 + erf(x / sqrt 2)) / 2 */
TruthId truth_gelu(Truth *t, TruthId x)
{
    const TruthId e = truth_unary(t, TRUTH_ERF, truth_scale(t, x, 0x1.6a09e667f3bcdp-1));
    const TruthId gate = truth_binary(t, TRUTH_ADD, truth_leaf(t, 1.0), e);
    return truth_binary(t, TRUTH_MULTIPLY, truth_scale(t, x, 0.5), gate);
}

static TruthId activated(Truth *t, TruthId x, Activation kind)
{
    switch (kind) {
    case ACTIVATION_SILU:
        if (t->number[x].v == -INFINITY) /* its limit, where the product is none */
            return truth_leaf(t, -0.0);
        return truth_binary(t, TRUTH_MULTIPLY, x, truth_unary(t, TRUTH_SIGMOID, x));
    case ACTIVATION_GELU: return truth_gelu(t, x);
    case ACTIVATION_QUICK_GELU:
        return truth_binary(t, TRUTH_MULTIPLY, x,
                            truth_unary(t, TRUTH_SIGMOID, truth_scale(t, x, 0x1.b3b646p+0)));
    case ACTIVATION_RELU: return t->number[x].v <= 0.0 ? truth_leaf(t, 0.0) : x; /* its slope at 0 is 0 */
    case ACTIVATION_SIGMOID: return truth_unary(t, TRUTH_SIGMOID, x);
    default: return truth_unary(t, TRUTH_TANH, x);
    }
}

TruthTensor *truth_activate(Truth *t, const TruthTensor *x, Activation kind)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++)
        y->id[i] = activated(t, x->id[i], kind);
    return y;
}

/* max(x, 0) + log(1 + exp(-|x|)) */
TruthTensor *truth_softplus(Truth *t, const TruthTensor *x)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++) {
        const bool negative = t->number[x->id[i]].v < 0.0;
        const TruthId small = truth_scale(t, x->id[i], negative ? 1.0 : -1.0);
        const TruthId tail = truth_unary(t, TRUTH_LOG1P, truth_unary(t, TRUTH_EXP, small));
        y->id[i] = negative ? tail : truth_binary(t, TRUTH_ADD, x->id[i], tail);
    }
    return y;
}

TruthTensor *truth_function(Truth *t, const TruthTensor *x, TruthKind kind)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++)
        y->id[i] = truth_unary(t, kind, x->id[i]);
    return y;
}

TruthTensor *truth_geglu(Truth *t, const TruthTensor *x)
{
    if (x == NULL)
        return NULL;
    int dim[TENSOR_RANK] = {x->dim[0], x->dim[1], x->dim[2], x->dim[3]};
    const size_t C = (size_t)(dim[x->rank - 1] /= 2);
    TruthTensor *y = truth_tensor(t, x->rank, dim);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++) {
        const TruthId *a = x->id + i / C * 2 * C + i % C;
        y->id[i] = truth_binary(t, TRUTH_MULTIPLY, a[0], truth_gelu(t, a[C]));
    }
    return y;
}

/* The place in x, aligned at the last axis, of place `at` of a result of that shape. */
static size_t repeated_place(const TruthTensor *x, int rank, const int *dim, size_t at)
{
    size_t place = 0, stride = 1;
    for (int i = rank - 1, own = x->rank - 1; i >= 0; i--, own--) {
        const size_t index = at % (size_t)dim[i];
        at /= (size_t)dim[i];
        if (own < 0)
            continue;
        place += x->dim[own] > 1 ? index * stride : 0;
        stride *= (size_t)x->dim[own];
    }
    return place;
}

TruthTensor *truth_broadcast(Truth *t, const TruthTensor *a, const TruthTensor *b, TruthKind kind)
{
    if (a == NULL || b == NULL)
        return NULL;
    int dim[TENSOR_RANK];
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < rank; i++) {
        const int p = i - rank + a->rank, q = i - rank + b->rank;
        const int own = p >= 0 ? a->dim[p] : 1, other = q >= 0 ? b->dim[q] : 1;
        dim[i] = own == 1 ? other : own;
    }
    TruthTensor *y = truth_tensor(t, rank, dim);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++)
        y->id[i] = truth_binary(t, kind, a->id[repeated_place(a, rank, dim, i)],
                                b->id[repeated_place(b, rank, dim, i)]);
    return y;
}

TruthTensor *truth_times(Truth *t, const TruthTensor *x, double factor)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++)
        y->id[i] = truth_scale(t, x->id[i], factor);
    return y;
}

TruthTensor *truth_plus(Truth *t, const TruthTensor *x, double term)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    const TruthId one = truth_leaf(t, term);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++)
        y->id[i] = truth_binary(t, TRUTH_ADD, x->id[i], one);
    return y;
}

TruthTensor *truth_clamp(Truth *t, const TruthTensor *x, double low, double high)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    const TruthId least = truth_leaf(t, low), most = truth_leaf(t, high);
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++) {
        const double v = t->number[x->id[i]].v;
        y->id[i] = v < low ? least : high < v ? most : x->id[i];
    }
    return y;
}

TruthTensor *truth_absolute(Truth *t, const TruthTensor *x)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, n = y != NULL ? truth_count(y) : 0; i < n && !t->failed; i++) {
        const double v = t->number[x->id[i]].v;
        y->id[i] = v == 0.0 ? truth_leaf(t, 0.0) : v < 0.0 ? truth_scale(t, x->id[i], -1.0) : x->id[i];
    }
    return y;
}
