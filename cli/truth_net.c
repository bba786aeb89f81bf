#include "cli/truth_net.h"

#include <stdio.h>
#include <string.h>

TruthNet truth_net_begin(Arena *arena, int probe)
{
    return (TruthNet){.arena = arena,
                      .scratch = {.account = arena->account},
                      .probing = probe > 0,
                      .rng = rng_stream(RNG_PHILOX, 99, STREAM_TEST, (uint64_t)probe)};
}

void truth_net_end(TruthNet *n)
{
    arena_free(&n->scratch);
}

size_t wide_count(const WideTensor *x)
{
    size_t count = 1;
    for (int i = 0; i < x->rank; i++)
        count *= (size_t)x->dim[i];
    return count;
}

WideTensor *wide_tensor(TruthNet *n, int rank, const int *dim)
{
    WideTensor *y = n->failed ? NULL : arena_alloc(n->arena, 1, sizeof *y);
    if (y != NULL) {
        y->rank = rank;
        for (int i = 0; i < TENSOR_RANK; i++)
            y->dim[i] = i < rank ? dim[i] : 1;
        y->v = arena_raw(n->arena, wide_count(y) + 1, sizeof *y->v);
    }
    n->failed = y == NULL || y->v == NULL;
    return n->failed ? NULL : y;
}

WideTensor *wide_input(TruthNet *n, const float *data, int rank, const int *dim)
{
    WideTensor *y = wide_tensor(n, rank, dim);
    for (size_t i = 0, count = y != NULL ? wide_count(y) : 0; i < count; i++)
        y->v[i] = data[i];
    return y;
}

WideTensor *wide_named(TruthNet *n, WideTensor *x, const char *prefix, const char *name)
{
    char text[WEIGHTS_NAME];
    if (x != NULL && n->observe != NULL) {
        snprintf(text, sizeof text, "%s%s%s", prefix, prefix[0] != '\0' && name[0] != '\0' ? "." : "",
                 name);
        n->observe(n->context, text, x);
    }
    return x;
}

/* ---- one operator: from values to numbers with bounds, and back ---- */

/* A Truth for one operator; its memory is given back by `finished`. */
static Truth started(TruthNet *n)
{
    return truth_begin(&n->scratch, false);
}

static TruthTensor *given(Truth *t, const WideTensor *x)
{
    TruthTensor *y = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
    for (size_t i = 0, count = y != NULL ? truth_count(y) : 0; i < count; i++)
        y->id[i] = truth_leaf(t, x->v[i]);
    return y;
}

static TruthTensor *parameter(Truth *t, const Tensor *x)
{
    return x != NULL ? truth_input(t, x->data, x->rank, x->dim) : NULL;
}

/* The values of y; in a probe, each anywhere within its bound. */
static WideTensor *finished(TruthNet *n, Truth *t, const TruthTensor *y)
{
    n->failed = n->failed || t->failed || y == NULL;
    WideTensor *out = n->failed ? NULL : wide_tensor(n, y->rank, y->dim);
    for (size_t i = 0, count = out != NULL ? wide_count(out) : 0; i < count; i++) {
        const TruthNumber x = t->number[y->id[i]];
        out->v[i] = n->probing ? x.v + x.e * (2.0 * (double)rng_uniform(&n->rng) - 1.0) : x.v;
    }
    arena_release(&n->scratch, (ArenaMark){0});
    return out;
}

WideTensor *wide_linear(TruthNet *n, const Affine *a, const WideTensor *x)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *in = given(&t, x), *weight = parameter(&t, a->weight),
                      *bias = parameter(&t, a->bias);
    return finished(n, &t, truth_linear(&t, in, weight, bias));
}

WideTensor *wide_conv2d(TruthNet *n, const Affine *a, const WideTensor *x, Conv2dOptions options)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *in = given(&t, x), *weight = parameter(&t, a->weight),
                      *bias = parameter(&t, a->bias);
    return finished(n, &t, truth_conv2d(&t, in, weight, bias, options));
}

WideTensor *wide_group_norm(TruthNet *n, const Affine *a, const WideTensor *x, int groups, float eps)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *in = given(&t, x), *gamma = parameter(&t, a->weight), *beta = parameter(&t, a->bias);
    return finished(n, &t, truth_group_norm(&t, in, gamma, beta, groups, eps));
}

WideTensor *wide_layer_norm(TruthNet *n, const Affine *a, const WideTensor *x, float eps)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *in = given(&t, x), *gamma = parameter(&t, a->weight), *beta = parameter(&t, a->bias);
    return finished(n, &t, truth_layer_norm(&t, in, gamma, beta, eps));
}

WideTensor *wide_activate(TruthNet *n, const WideTensor *x, Activation kind)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    return finished(n, &t, truth_activate(&t, given(&t, x), kind));
}

WideTensor *wide_geglu(TruthNet *n, const WideTensor *x)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    return finished(n, &t, truth_geglu(&t, given(&t, x)));
}

WideTensor *wide_add(TruthNet *n, const WideTensor *a, const WideTensor *b)
{
    if (a == NULL || b == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *first = given(&t, a), *second = given(&t, b);
    return finished(n, &t, truth_broadcast(&t, first, second, TRUTH_ADD));
}

WideTensor *wide_attention(TruthNet *n, const WideTensor *q, const WideTensor *k, const WideTensor *v,
                           int heads, bool causal)
{
    if (q == NULL || k == NULL || v == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *a = given(&t, q), *b = given(&t, k), *c = given(&t, v);
    return finished(n, &t, truth_attention(&t, a, b, c, NULL, heads, causal, 0.0));
}

WideTensor *wide_nearest(TruthNet *n, const WideTensor *x, int H, int W)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    return finished(n, &t, truth_nearest(&t, given(&t, x), H, W));
}

WideTensor *wide_concat(TruthNet *n, const WideTensor *a, const WideTensor *b)
{
    if (a == NULL || b == NULL)
        return NULL;
    Truth t = started(n);
    const TruthTensor *first = given(&t, a), *second = given(&t, b);
    return finished(n, &t, truth_concat(&t, first, second, 1));
}

WideTensor *wide_time_embedding(TruthNet *n, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                                double freq_shift)
{
    Truth t = started(n);
    const TruthTensor *in = truth_input(&t, timesteps, 1, &N);
    return finished(n, &t, truth_time_embedding(&t, in, width, flip_sin_to_cos, freq_shift));
}

WideTensor *wide_embedding(TruthNet *n, const Tensor *table, const int *ids, int N, int T)
{
    Truth t = started(n);
    const TruthTensor *rows = parameter(&t, table);
    return finished(n, &t, truth_embedding(&t, rows, ids, 2, (const int[2]){N, T}));
}

WideTensor *wide_transposed(TruthNet *n, const WideTensor *x)
{
    if (x == NULL)
        return NULL;
    Truth t = started(n);
    return finished(n, &t, truth_permute(&t, given(&t, x), (const int[3]){0, 2, 1}));
}

WideTensor *wide_shaped(TruthNet *n, const WideTensor *x, int rank, const int *dim)
{
    WideTensor *y = x != NULL ? wide_tensor(n, rank, dim) : NULL;
    if (y != NULL)
        memcpy(y->v, x->v, wide_count(x) * sizeof *y->v);
    return y;
}
