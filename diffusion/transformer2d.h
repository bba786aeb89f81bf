/* diffusion/transformer2d.h - transformer layers over the pixels of a feature map; diffusers'
 * Transformer2DModel (the "spatial transformer" of [RomB22]).
 *
 *   y = x + proj_out( blocks( proj_in( norm(x) ) ) ),   pixels as a row of H*W tokens in between
 *
 * proj_in and proj_out are 1x1 convolutions, or linear layers when use_linear_projection: the same sums. */
#ifndef DIFFUSION_TRANSFORMER2D_H
#define DIFFUSION_TRANSFORMER2D_H

#include "diffusion/transformer_block.h"

typedef struct {
    int channels, groups, heads, layers, cross_attention_dim;
    bool use_linear_projection, only_cross_attention;
} Transformer2dShape;

typedef struct {
    const char *name; /* "down_blocks.0.attentions.0" */
    Transformer2dShape shape;
    Affine norm, proj_in, proj_out;
    TransformerBlock *block; /* shape.layers of them */
} Transformer2d;

void transformer2d_load(Transformer2d *t, Weights *w, const char *prefix, Transformer2dShape shape);

/* x (N,C,H,W), text (N,S,cross_attention_dim); returns (N,C,H,W). */
Tensor *transformer2d(Tape *tape, const Transformer2d *t, Tensor *x, Tensor *text, const UnetHooks *hooks);

/* (N,C,H,W) to (N,H*W,C), and back. */
Tensor *pixels_to_tokens(Tape *tape, Tensor *x);
Tensor *tokens_to_pixels(Tape *tape, Tensor *x, int H, int W);

#endif
