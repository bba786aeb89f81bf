/* diffusion/attention_layer.h - multi-head attention with its four
 * projections [Vas17]; diffusers' Attention.
 *
 *   y = to_out( softmax( q k^T / sqrt(d) ) v ),   q = to_q(x), k = to_k(context), v = to_v(context)
 *
 * for each of `heads` heads of d = channels / heads numbers. */
#ifndef DIFFUSION_ATTENTION_LAYER_H
#define DIFFUSION_ATTENTION_LAYER_H

#include "diffusion/unet_hooks.h"

typedef struct {
    const char *name; /* "down_blocks.0.attentions.0.transformer_blocks.0.attn1" */
    Affine to_q, to_k, to_v, to_out;
    int heads;
} AttentionLayer;

/* The layer `prefix` of the U-Net's transformers: projections without bias but the last.  `context` is the
 * width of what is attended to (channels for self-attention); heads divides channels. */
void attention_layer_load(AttentionLayer *a, Weights *w, const char *prefix, int channels, int context,
                          int heads);

/* The VAE's: self-attention, all with bias; also under the names of diffusers before 0.14, query, key,
 * value and proj_attn. */
void attention_layer_load_vae(AttentionLayer *a, Weights *w, const char *prefix, int channels);

/* x (N,T,channels); context (N,S,context), NULL for self-attention.  Returns (N,T,channels). */
Tensor *attention_layer(Tape *tape, const AttentionLayer *a, Tensor *x, Tensor *context,
                        const UnetHooks *hooks);

#endif
