/* cli/truth_net.h - whole networks in binary64, operator by operator, with the references of cli/truth_ops.h.
 *
 * Between operators only values are kept.  A probe (probe > 0) is the same network as a correct binary32 program might
 * have computed it: each number that an operator gives is moved at random within that operator's own bound.  How far
 * probes come from the truth at a stage says how much the network magnifies rounding errors; bounds that are carried
 * through a whole network would grow to nothing useful.
 *
 * Parameters come from the structs of diffusion/; nothing of how those compute is used.  NULL in gives NULL. */
#ifndef CLI_TRUTH_NET_H
#define CLI_TRUTH_NET_H

#include "base/rng.h"
#include "cli/truth_ops.h"
#include "diffusion/clip_text.h"
#include "diffusion/unet.h"
#include "diffusion/vae.h"

typedef struct {
    int rank, dim[TENSOR_RANK];
    double *v, *grad; /* grad: d loss / d v, NULL until something came back */
} WideTensor;

enum {
    WIDE_INPUTS = 3,
    WIDE_PARAMETERS = 2,
    WIDE_OPERANDS = WIDE_INPUTS + WIDE_PARAMETERS,
    WIDE_GIVEN = 4
};

/* One operator with what it was given: enough to run it again on the way back. */
typedef struct WideStep {
    struct WideStep *before;
    TruthTensor *(*run)(Truth *t, const struct WideStep *s, TruthTensor *const *operands);
    WideTensor *y, *in[WIDE_INPUTS];
    const Tensor *parameter[WIDE_PARAMETERS];
    Conv2dOptions conv;
    int whole[1 + TENSOR_RANK];
    const int *ids;
    double real;
} WideStep;

/* The gradient of a parameter that somebody wants. */
typedef struct {
    const Tensor *parameter;
    double *grad; /* from wide_backward */
} WideGradient;

typedef struct {
    Arena *arena;  /* values */
    Arena scratch; /* of one operator; freed by truth_net_end */
    bool failed;   /* no memory */
    bool probing;
    bool recording; /* keep the steps for wide_backward */
    Rng rng;        /* of the probe */
    WideStep *last;
    WideTensor *input[WIDE_GIVEN]; /* of wide_input, in order */
    int inputs;
    void (*observe)(void *context, const char *name, const WideTensor *x);
    void *context;
} TruthNet;

/* probe 0: the truth. */
TruthNet truth_net_begin(Arena *arena, int probe);
void truth_net_end(TruthNet *n);

size_t wide_count(const WideTensor *x);
WideTensor *wide_tensor(TruthNet *n, int rank, const int *dim);
WideTensor *wide_input(TruthNet *n, const float *data, int rank, const int *dim);

/* Shows x under "prefix.name" and returns it, as tape_named does. */
WideTensor *wide_named(TruthNet *n, WideTensor *x, const char *prefix, const char *name);

/* ---- the way back (cli/truth_net_backward.c) ---- */

/* Walks back from y with d loss / d y = dy, one operator at a time: its numbers are made again with their history, and
 * gradients go through it by truth_backward.  Leaves the gradients of inputs in n->input[i]->grad (NULL: nothing came
 * back) and of the wanted parameters; in a probe each is moved within its own bound, like all other numbers. */
void wide_backward(TruthNet *n, WideTensor *y, const float *dy, WideGradient *wanted, int count);

/* For both ways: the operator with its operands as new numbers; a value, in a probe anywhere within its bound. */
TruthTensor *wide_rerun(Truth *t, const WideStep *s, TruthTensor *in[WIDE_OPERANDS]);
double wide_moved(TruthNet *n, TruthNumber x);

/* ---- operators (cli/truth_net.c) ---- */
WideTensor *wide_linear(TruthNet *n, const Affine *a, WideTensor *x);
WideTensor *wide_conv2d(TruthNet *n, const Affine *a, WideTensor *x, Conv2dOptions options);
WideTensor *wide_group_norm(TruthNet *n, const Affine *a, WideTensor *x, int groups, float eps);
WideTensor *wide_layer_norm(TruthNet *n, const Affine *a, WideTensor *x, float eps);
WideTensor *wide_activate(TruthNet *n, WideTensor *x, Activation kind);
WideTensor *wide_geglu(TruthNet *n, WideTensor *x);
WideTensor *wide_add(TruthNet *n, WideTensor *a, WideTensor *b);
WideTensor *wide_divide(TruthNet *n, WideTensor *x, float divisor);
WideTensor *wide_attention(TruthNet *n, WideTensor *q, WideTensor *k, WideTensor *v, int heads,
                           bool causal);
WideTensor *wide_nearest(TruthNet *n, WideTensor *x, int H, int W);
WideTensor *wide_concat(TruthNet *n, WideTensor *a, WideTensor *b); /* axis 1 */
WideTensor *wide_time_embedding(TruthNet *n, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                                double freq_shift);
WideTensor *wide_embedding(TruthNet *n, const Tensor *table, const int *ids, int N, int T);
WideTensor *wide_transposed(TruthNet *n, WideTensor *x); /* (N,A,B) -> (N,B,A) */
WideTensor *wide_shaped(TruthNet *n, WideTensor *x, int rank, const int *dim);

/* ---- layers (cli/truth_layers.c) ---- */
WideTensor *wide_res_block(TruthNet *n, const ResBlock *b, WideTensor *x, WideTensor *emb);
WideTensor *wide_attention_layer(TruthNet *n, const AttentionLayer *a, WideTensor *x, WideTensor *text);
WideTensor *wide_res_unit(TruthNet *n, const ResUnit *u, WideTensor *x, WideTensor *skip, WideTensor *emb,
                          WideTensor *text);
WideTensor *wide_downsample(TruthNet *n, const ResampleLayer *l, WideTensor *x);
WideTensor *wide_upsample(TruthNet *n, const ResampleLayer *l, WideTensor *x, int H, int W);
WideTensor *wide_pixels_to_tokens(TruthNet *n, WideTensor *x);
WideTensor *wide_tokens_to_pixels(TruthNet *n, WideTensor *x, int H, int W);

/* ---- networks (cli/truth_networks.c): the last stage; all are observed ---- */
WideTensor *wide_clip_text(TruthNet *n, const ClipText *text, const int *ids, int N, int T);
WideTensor *wide_vae_decode(TruthNet *n, const Vae *vae, WideTensor *z);
WideTensor *wide_vae_encode(TruthNet *n, const Vae *vae, WideTensor *x);
WideTensor *wide_unet(TruthNet *n, const Unet *net, WideTensor *x, const float *timesteps,
                      WideTensor *text);

#endif
