/* diffusion/vae_decoder.h - latent to picture; diffusers' Decoder.
 *
 *   conv_in -> mid -> [residual blocks -> up] x levels, coarsest first -> norm, silu, conv_out
 *
 * Source: Rombach et al. 2022 [RomB22]; Esser et al. 2021 [Ess21]; diffusers 0.27,
 * models/autoencoders/vae.py. */
#ifndef DIFFUSION_VAE_DECODER_H
#define DIFFUSION_VAE_DECODER_H

#include "diffusion/resample_layer.h"
#include "diffusion/vae_mid.h"

typedef struct {
    const char *name; /* "decoder.up_blocks.0" */
    int units;
    ResUnit *unit;
    ResampleLayer up; /* none in the finest block */
} VaeUpBlock;

typedef struct {
    int levels, groups;
    Affine conv_in, norm_out, conv_out;
    VaeMid mid;
    VaeUpBlock *block; /* coarsest first */
} VaeDecoder;

void vae_decoder_load(VaeDecoder *d, Weights *w, const char *prefix, const VaeConfig *c);

/* z (N,latent_channels,h,w) to (N,out_channels,h*f,w*f), f = 2^(levels-1). */
Tensor *vae_decoder(Tape *tape, const VaeDecoder *d, Tensor *z);

#endif
