#include "diffusion/clip_layer.h"

#include <math.h>
#include <string.h>

#include "diffusion/layer_name.h"
#include "diffusion/unet_hooks.h"
#include "nn/attention.h"
#include "nn/elementwise.h"
#include "nn/layer_norm.h"

Affine clip_linear(Weights *w, const char *prefix, const char *name, int out, int in, double deviation)
{
    char child[WEIGHTS_NAME];
    weights_child(child, prefix, "%s", name);
    return (Affine){
        .weight = weights_tensor(w, child, "weight", (Init){INIT_NORMAL, deviation}, 2, (int[]){out, in}),
        .bias = weights_tensor(w, child, "bias", (Init){INIT_ZEROS, 0.0}, 1, (int[]){out}),
    };
}

void clip_layer_load(ClipLayer *l, Weights *w, const char *prefix, const ClipShape *shape)
{
    const int width = shape->width, inner = shape->inner;
    const double attention = 1.0 / sqrt(width), residual = attention / sqrt(2.0 * shape->layers);
    const char *encoder = strstr(prefix, "encoder.");
    *l = (ClipLayer){.name = layer_name(w, encoder != NULL ? encoder : prefix), .shape = *shape};
    l->norm1 = weights_norm(w, prefix, "layer_norm1", width);
    l->q = clip_linear(w, prefix, "self_attn.q_proj", width, width, attention);
    l->k = clip_linear(w, prefix, "self_attn.k_proj", width, width, attention);
    l->v = clip_linear(w, prefix, "self_attn.v_proj", width, width, attention);
    l->out = clip_linear(w, prefix, "self_attn.out_proj", width, width, residual);
    l->norm2 = weights_norm(w, prefix, "layer_norm2", width);
    l->fc1 = clip_linear(w, prefix, "mlp.fc1", inner, width, 1.0 / sqrt(2.0 * width));
    l->fc2 = clip_linear(w, prefix, "mlp.fc2", width, inner, residual);
}

static Tensor *norm(Tape *tape, const Affine *a, Tensor *x, float eps)
{
    return layer_norm(tape, x, a->weight, a->bias, eps);
}

static Tensor *project(Tape *tape, const ClipLayer *l, const Affine *a, Tensor *x)
{
    return hooked_linear(tape, l->hooks, a, x);
}

static Tensor *show_map(void *context, Tape *tape, Tensor *probabilities)
{
    return tape_named(tape, probabilities, ((const ClipLayer *)context)->name, "self_attn.probabilities");
}

static Tensor *self_attention(Tape *tape, const ClipLayer *l, Tensor *h)
{
    Tensor *q = project(tape, l, &l->q, h), *k = project(tape, l, &l->k, h),
           *v = project(tape, l, &l->v, h);
    AttentionOptions options = {.heads = l->shape.heads, .causal = l->shape.causal};
    if (tape_wants_to_see(tape, l->name, "self_attn.probabilities")) {
        options.edit = show_map;
        options.edit_context = (void *)(size_t)l; /* only read */
    }
    h = attention(tape, q, k, v, options);
    return tape_named(tape, project(tape, l, &l->out, h), l->name, "self_attn");
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    const ClipLayer *l = context;
    const ClipShape *s = &l->shape;
    Tensor *x = inputs[0];
    Tensor *h = norm(tape, &l->norm1, x, s->eps);
    x = add(tape, x, self_attention(tape, l, h));
    h = norm(tape, &l->norm2, x, s->eps);
    h = activate(tape, project(tape, l, &l->fc1, h), s->act);
    h = tape_named(tape, project(tape, l, &l->fc2, h), l->name, "mlp");
    return tape_named(tape, add(tape, x, h), l->name, "");
}

Tensor *clip_layer(Tape *tape, const ClipLayer *l, Tensor *x)
{
    if (x == NULL)
        return NULL;
    return tape_segment(tape, run, l, sizeof *l, &x, 1);
}
