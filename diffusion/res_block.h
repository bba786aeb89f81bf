/* diffusion/res_block.h - residual block of the U-Net and the VAE; diffusers' ResnetBlock2D.
 *
 *   h = conv1(silu(norm1(x))) + time_emb_proj(silu(emb))      (the second term only in the U-Net)
 *   y = (conv_shortcut(x) + conv2(silu(norm2(h)))) / scale
 *
 * Source: Ho et al. 2020 [HoJA20]; Rombach et al. 2022 [RomB22]. */
#ifndef DIFFUSION_RES_BLOCK_H
#define DIFFUSION_RES_BLOCK_H

#include "diffusion/unet_hooks.h"

typedef struct {
    int in, out; /* channels */
    int emb;     /* width of the time embedding; 0: the block has none */
    int groups;  /* of the norms; divides in and out */
    float eps;   /* of the norms: 1e-5 in the U-Net (norm_eps), 1e-6 in the VAE */
    float scale; /* output_scale_factor, 1 but in a middle block that says otherwise */
} ResBlockShape;

typedef struct {
    const char *name; /* "down_blocks.0.resnets.0" */
    ResBlockShape shape;
    Affine norm1, conv1, time, norm2, conv2;
    Affine shortcut; /* weight is NULL when in == out: the input is added as it is */
} ResBlock;

void res_block_load(ResBlock *b, Weights *w, const char *prefix, ResBlockShape shape);

/* x (N,in,H,W), emb (N,emb) or NULL; returns (N,out,H,W). */
Tensor *res_block(Tape *tape, const ResBlock *b, Tensor *x, Tensor *emb, const UnetHooks *hooks);

#endif
