/* diffusion/clip_layer.h - one layer of CLIP's transformers, text
 * or vision; transformers' CLIPEncoderLayer.
 *
 *   x <- x + out(attention(q(h), k(h), v(h))),   h = layer_norm1(x)
 *   x <- x + fc2(act(fc1(layer_norm2(x))))
 *
 * Source: Radford et al. 2021 [Rad21], section 2.4 (the transformer of Radford et al. 2019, pre-norm). */
#ifndef DIFFUSION_CLIP_LAYER_H
#define DIFFUSION_CLIP_LAYER_H

#include "nn/activation.h"
#include "weights/weights.h"

/* The sizes that all layers of a model share. */
typedef struct {
    int width, inner; /* hidden_size and intermediate_size */
    int layers, heads;
    Activation act; /* quick_gelu for OpenAI's weights, gelu for OpenCLIP's */
    float eps;      /* of the layer norms */
    bool causal;    /* text: a token sees none that follow it */
} ClipShape;

typedef struct {
    const char *name; /* "encoder.layers.0": the prefix without "text_model." and the like */
    Affine norm1, norm2;
    Affine q, k, v, out;
    Affine fc1, fc2;
    ClipShape shape;
    const struct UnetHooks *hooks; /* LoRA at the linear layers (UnetHooks.layer); NULL: none */
} ClipLayer;

/* Parameters "prefix.layer_norm1.weight", "prefix.self_attn.q_proj.weight" and so on.  Create mode draws as
 * openai/CLIP, model.py, initialize_parameters: q, k, v N(0, 1/width), out and fc2 N(0, 1/(2 width
 * layers)), fc1 N(0, 1/(2 width)); biases 0. */
void clip_layer_load(ClipLayer *l, Weights *w, const char *prefix, const ClipShape *shape);

/* x (N,T,width), as a segment of the tape. */
Tensor *clip_layer(Tape *tape, const ClipLayer *l, Tensor *x);

/* name.weight (out,in) drawn from N(0, deviation^2), name.bias (out) zero. */
Affine clip_linear(Weights *w, const char *prefix, const char *name, int out, int in, double deviation);

#endif
