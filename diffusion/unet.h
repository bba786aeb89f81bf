/* diffusion/unet.h - the denoiser: diffusers' UNet2DConditionModel.
 *
 *   t --sinusoids, MLP--> emb                                     text (N,S,D)
 *                                                                   |  into every transformer
 *   x -> conv_in -> down 0 -> down 1 -> ... -> mid -> up 0 -> ... -> up n -> norm, silu, conv_out -> y
 *            \________\__________\______skips, last made is first used______/
 *
 * Source: Rombach et al. 2022 [RomB22]; Ho et al. 2020 [HoJA20]; where they leave something
 * open, diffusers 0.27. */
#ifndef DIFFUSION_UNET_H
#define DIFFUSION_UNET_H

#include "diffusion/unet_encoder.h"

typedef struct {
    UnetConfig config;
    UnetEncoder encoder;
    UpBlock *up;     /* config.levels of them, coarsest first */
    Affine norm_out; /* conv_norm_out */
    Affine conv_out;
} Unet;

/* Parameters named as in diffusers' files, below `prefix` ("" for a model folder).  Failures are in w; the
 * config's levels must live as long as the network. */
void unet_load(Unet *net, const UnetConfig *config, Weights *w, const char *prefix);

/* x (N,in_channels,H,W), N timesteps (fractions allowed), text (N,S,cross_attention_dim), hooks or NULL.
 * Returns (N,out_channels,H,W).  Not recording, everything but the result is given back. */
Tensor *unet(Tape *tape, const Unet *net, Tensor *x, const float *timesteps, Tensor *text,
             const UnetHooks *hooks);

/* One evaluation and its gradient: y = unet(x), dx = (dy/dx)^T dy, and the same for the text.
 *   out  y (N,out_channels,H,W), dx (like x), dtext (like text); each may be NULL
 *   in   dy (like y); x and text as for unet(), only shape and data are read
 * The tape is any one with both arenas; its `checkpoint` is honoured, what the call took from its arena is
 * given back, and it can be used again.  Parameters that were loaded trainable get their gradients too. */
MUST_CHECK Status unet_vjp(float *y, float *dx, float *dtext, // out
                           Tape *tape, const Unet *net,       // in
                           const Tensor *x, const float *timesteps, const Tensor *text,
                           const UnetHooks *hooks, const float *dy);

#endif
