/* diffusion/unet_noise.h - a U-Net under guidance as a function eps(z, t) with a gradient, as EDICT asks for it.
 *
 * eps = o_0 + w (o_1 - o_0) of the outputs under the empty prompt and the prompt, brought to noise where the network
 * predicts something else (diffusion/prediction.h).  The network works on z rounded to binary32; all around it is binary64.
 * The gradient treats that rounding as none, and goes to z alone: text, time and weights get none. */
#ifndef DIFFUSION_UNET_NOISE_H
#define DIFFUSION_UNET_NOISE_H

#include "diffusion/edict.h"
#include "diffusion/unet_denoiser.h"

typedef struct {
    UnetDenoiser
        network; /* conditions 1 or 2; its hooks, steer, extra and watch must be NULL for gradients */
    const Schedule *schedule;
    int prediction_type;
    double guidance; /* w; not read when there is one condition */
} UnetNoise;

/* *u must outlive the oracle.  Memory of one call comes from u->network.arena and is given back. */
NoiseOracle unet_noise(UnetNoise *u);

#endif
