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
    if (n->inputs < WIDE_GIVEN)
        n->input[n->inputs++] = y;
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

double wide_moved(TruthNet *n, TruthNumber x)
{
    return n->probing ? x.v + x.e * (2.0 * (double)rng_uniform(&n->rng) - 1.0) : x.v;
}

TruthTensor *wide_rerun(Truth *t, const WideStep *s, TruthTensor *in[WIDE_OPERANDS])
{
    for (int k = 0; k < WIDE_OPERANDS; k++) {
        const WideTensor *x = k < WIDE_INPUTS ? s->in[k] : NULL;
        const Tensor *p = k < WIDE_INPUTS ? NULL : s->parameter[k - WIDE_INPUTS];
        in[k] = x != NULL ? truth_tensor(t, x->rank, x->dim) : NULL;
        for (size_t i = 0, count = in[k] != NULL ? truth_count(in[k]) : 0; i < count; i++)
            in[k]->id[i] = truth_leaf(t, x->v[i]);
        if (p != NULL)
            in[k] = truth_input(t, p->data, p->rank, p->dim);
    }
    return t->failed ? NULL : s->run(t, s, in);
}

/* The values of the step's result; in a probe, each anywhere within its bound. */
static WideTensor *taken(TruthNet *n, WideStep step)
{
    TruthTensor *in[WIDE_OPERANDS];
    Truth t = truth_begin(&n->scratch, false);
    const TruthTensor *y = n->failed ? NULL : wide_rerun(&t, &step, in);
    n->failed = n->failed || t.failed || y == NULL;
    WideTensor *out = n->failed ? NULL : wide_tensor(n, y->rank, y->dim);
    for (size_t i = 0, count = out != NULL ? wide_count(out) : 0; i < count; i++)
        out->v[i] = wide_moved(n, t.number[y->id[i]]);
    arena_release(&n->scratch, (ArenaMark){0});
    WideStep *kept = out != NULL && n->recording ? arena_alloc(n->arena, 1, sizeof *kept) : NULL;
    n->failed = n->failed || (n->recording && kept == NULL);
    if (kept != NULL) {
        *kept = step;
        kept->y = out;
        kept->before = n->last;
        n->last = kept;
    }
    return out;
}

/* ---- operators: how each is run again from its step, and the step ---- */

static TruthTensor *run_linear(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    (void)s;
    return truth_linear(t, in[0], in[WIDE_INPUTS], in[WIDE_INPUTS + 1]);
}

WideTensor *wide_linear(TruthNet *n, const Affine *a, WideTensor *x)
{
    return x == NULL
               ? NULL
               : taken(n, (WideStep){.run = run_linear, .in = {x}, .parameter = {a->weight, a->bias}});
}

static TruthTensor *run_conv2d(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_conv2d(t, in[0], in[WIDE_INPUTS], in[WIDE_INPUTS + 1], s->conv);
}

WideTensor *wide_conv2d(TruthNet *n, const Affine *a, WideTensor *x, Conv2dOptions options)
{
    const WideStep step = {
        .run = run_conv2d, .in = {x}, .parameter = {a->weight, a->bias}, .conv = options};
    return x == NULL ? NULL : taken(n, step);
}

static TruthTensor *run_group_norm(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_group_norm(t, in[0], in[WIDE_INPUTS], in[WIDE_INPUTS + 1], s->whole[0], s->real);
}

WideTensor *wide_group_norm(TruthNet *n, const Affine *a, WideTensor *x, int groups, float eps)
{
    const WideStep step = {.run = run_group_norm,
                           .in = {x},
                           .parameter = {a->weight, a->bias},
                           .whole = {groups},
                           .real = (double)eps};
    return x == NULL ? NULL : taken(n, step);
}

static TruthTensor *run_layer_norm(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_layer_norm(t, in[0], in[WIDE_INPUTS], in[WIDE_INPUTS + 1], s->real);
}

WideTensor *wide_layer_norm(TruthNet *n, const Affine *a, WideTensor *x, float eps)
{
    const WideStep step = {
        .run = run_layer_norm, .in = {x}, .parameter = {a->weight, a->bias}, .real = (double)eps};
    return x == NULL ? NULL : taken(n, step);
}

static TruthTensor *run_activate(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_activate(t, in[0], (Activation)s->whole[0]);
}

WideTensor *wide_activate(TruthNet *n, WideTensor *x, Activation kind)
{
    return x == NULL ? NULL : taken(n, (WideStep){.run = run_activate, .in = {x}, .whole = {(int)kind}});
}

static TruthTensor *run_geglu(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    (void)s;
    return truth_geglu(t, in[0]);
}

WideTensor *wide_geglu(TruthNet *n, WideTensor *x)
{
    return x == NULL ? NULL : taken(n, (WideStep){.run = run_geglu, .in = {x}});
}

static TruthTensor *run_add(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    (void)s;
    return truth_broadcast(t, in[0], in[1], TRUTH_ADD);
}

WideTensor *wide_add(TruthNet *n, WideTensor *a, WideTensor *b)
{
    return a == NULL || b == NULL ? NULL : taken(n, (WideStep){.run = run_add, .in = {a, b}});
}

static TruthTensor *run_divide(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    const float divisor = (float)s->real;
    return truth_broadcast(t, in[0], truth_input(t, &divisor, 0, NULL), TRUTH_DIVIDE);
}

WideTensor *wide_divide(TruthNet *n, WideTensor *x, float divisor)
{
    return x == NULL ? NULL : taken(n, (WideStep){.run = run_divide, .in = {x}, .real = (double)divisor});
}

static TruthTensor *run_attention(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_attention(t, in[0], in[1], in[2], NULL, s->whole[0], s->whole[1] != 0, 0.0);
}

WideTensor *wide_attention(TruthNet *n, WideTensor *q, WideTensor *k, WideTensor *v, int heads, bool causal)
{
    const WideStep step = {.run = run_attention, .in = {q, k, v}, .whole = {heads, causal}};
    return q == NULL || k == NULL || v == NULL ? NULL : taken(n, step);
}

static TruthTensor *run_nearest(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_nearest(t, in[0], s->whole[0], s->whole[1]);
}

WideTensor *wide_nearest(TruthNet *n, WideTensor *x, int H, int W)
{
    return x == NULL ? NULL : taken(n, (WideStep){.run = run_nearest, .in = {x}, .whole = {H, W}});
}

static TruthTensor *run_concat(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    (void)s;
    return truth_concat(t, in[0], in[1], 1);
}

WideTensor *wide_concat(TruthNet *n, WideTensor *a, WideTensor *b)
{
    return a == NULL || b == NULL ? NULL : taken(n, (WideStep){.run = run_concat, .in = {a, b}});
}

static TruthTensor *run_time(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_time_embedding(t, in[0], s->whole[0], s->whole[1] != 0, s->real);
}

WideTensor *wide_time_embedding(TruthNet *n, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                                double freq_shift)
{
    WideTensor *time = wide_tensor(n, 1, &N);
    for (int i = 0; time != NULL && i < N; i++)
        time->v[i] = timesteps[i];
    const WideStep step = {
        .run = run_time, .in = {time}, .whole = {width, flip_sin_to_cos}, .real = freq_shift};
    return time == NULL ? NULL : taken(n, step);
}

static TruthTensor *run_embedding(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_embedding(t, in[WIDE_INPUTS], s->ids, 2, s->whole);
}

WideTensor *wide_embedding(TruthNet *n, const Tensor *table, const int *ids, int N, int T)
{
    return taken(n, (WideStep){.run = run_embedding, .parameter = {table}, .whole = {N, T}, .ids = ids});
}

static TruthTensor *run_transposed(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    (void)s;
    return truth_permute(t, in[0], (const int[3]){0, 2, 1});
}

WideTensor *wide_transposed(TruthNet *n, WideTensor *x)
{
    return x == NULL ? NULL : taken(n, (WideStep){.run = run_transposed, .in = {x}});
}

static TruthTensor *run_shaped(Truth *t, const WideStep *s, TruthTensor *const *in)
{
    return truth_reshape(t, in[0], s->whole[0], s->whole + 1);
}

WideTensor *wide_shaped(TruthNet *n, WideTensor *x, int rank, const int *dim)
{
    WideStep step = {.run = run_shaped, .in = {x}, .whole = {rank}};
    for (int i = 0; i < rank; i++)
        step.whole[1 + i] = dim[i];
    return x == NULL ? NULL : taken(n, step);
}
