/* diffusion/resample_layer.h - half and double resolution; diffusers' Downsample2D
 * and Upsample2D with conv.
 *
 *   down: 3x3 convolution of stride 2, padded by 1 all round (U-Net) or by one row below and one column at
 *         the right (VAE, and a U-Net whose downsample_padding is 0)
 *   up:   nearest neighbour to a given size, then a 3x3 convolution */
#ifndef DIFFUSION_RESAMPLE_LAYER_H
#define DIFFUSION_RESAMPLE_LAYER_H

#include "diffusion/unet_hooks.h"

typedef struct {
    const char *name; /* "down_blocks.0.downsamplers.0" */
    Affine conv;      /* conv.weight is NULL: the block changes no resolution */
    int padding;      /* of down: 1 all round, 0 right and below only */
} ResampleLayer;

void resample_layer_load(ResampleLayer *l, Weights *w, const char *prefix, int channels, int padding);

/* x (N,C,H,W) to (N,C,ceil(H/2),ceil(W/2)) with padding 1, (N,C,floor(H/2),floor(W/2)) with padding 0. */
Tensor *downsample(Tape *tape, const ResampleLayer *l, Tensor *x, const UnetHooks *hooks);

/* x (N,C,h,w) to (N,C,H,W).  Runs as a segment. */
Tensor *upsample(Tape *tape, const ResampleLayer *l, Tensor *x, int H, int W, const UnetHooks *hooks);

#endif
