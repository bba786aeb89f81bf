/* diffusion/vae_latent.h - from the encoder's moments to latents, and between the VAE's
 * latents and the U-Net's.
 *
 *   moments = (mean, logvar), logvar clamped to [-30, 20];   sample = mean + exp(logvar / 2) * noise
 *   U-Net's latent = (z - shift_factor) * scaling_factor
 *
 * Source: Kingma and Welling 2014 [Kin14]; diffusers' DiagonalGaussianDistribution. */
#ifndef DIFFUSION_VAE_LATENT_H
#define DIFFUSION_VAE_LATENT_H

#include "diffusion/vae_config.h"
#include "nn/tape.h"

/* moments (N,2L,h,w) to (N,L,h,w). */
Tensor *latent_mean(Tape *tape, Tensor *moments);
Tensor *latent_logvar(Tape *tape, Tensor *moments); /* clamped */

/* mean + exp(logvar / 2) * noise; noise (N,L,h,w). */
Tensor *latent_sample(Tape *tape, Tensor *moments, Tensor *noise);

/* To what the U-Net works on, and back to what the decoder takes. */
Tensor *latent_scale(Tape *tape, const VaeConfig *c, Tensor *z);
Tensor *latent_unscale(Tape *tape, const VaeConfig *c, Tensor *z);

#endif
