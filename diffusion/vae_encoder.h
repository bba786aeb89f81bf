/* diffusion/vae_encoder.h - picture to moments of the latent; diffusers' Encoder.
 *
 *   conv_in -> [residual blocks -> down] x levels -> mid -> norm, silu, conv_out
 *
 * Source: Rombach et al. 2022 [RomB22]; Esser et al. 2021 [Ess21]; diffusers 0.27,
 * models/autoencoders/vae.py. */
#ifndef DIFFUSION_VAE_ENCODER_H
#define DIFFUSION_VAE_ENCODER_H

#include "diffusion/resample_layer.h"
#include "diffusion/vae_mid.h"

typedef struct {
    const char *name; /* "encoder.down_blocks.0" */
    int units;
    ResUnit *unit;
    ResampleLayer down; /* none in the coarsest block */
} VaeDownBlock;

typedef struct {
    int levels, groups;
    Affine conv_in, norm_out, conv_out;
    VaeDownBlock *block;
    VaeMid mid;
} VaeEncoder;

void vae_encoder_load(VaeEncoder *e, Weights *w, const char *prefix, const VaeConfig *c);

/* x (N,in_channels,H,W) to (N,2*latent_channels,h,w); each level but the last halves, rounding down. */
Tensor *vae_encoder(Tape *tape, const VaeEncoder *e, Tensor *x);

#endif
