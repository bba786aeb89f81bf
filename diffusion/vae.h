/* diffusion/vae.h - the autoencoder between pictures and latents; diffusers' AutoencoderKL.
 *
 *   encode: x (N,3,H,W) in [-1,1] -> encoder -> quant_conv -> moments (N,2L,h,w): mean, log variance
 *   decode: z (N,L,h,w) -> post_quant_conv -> decoder -> picture (N,3,H,W), about [-1,1]
 *
 * h = H/f, f = 2^(levels-1).  Latents here are the VAE's own; the U-Net's are vae_config's scaling_factor
 * times them (diffusion/vae_latent.h).  Source: Rombach et al. 2022 [RomB22]. */
#ifndef DIFFUSION_VAE_H
#define DIFFUSION_VAE_H

#include "diffusion/vae_config.h"
#include "diffusion/vae_decoder.h"
#include "diffusion/vae_encoder.h"

typedef struct {
    VaeConfig config;
    VaeEncoder encoder;
    VaeDecoder decoder;
    Affine quant_conv, post_quant_conv; /* weight is NULL when the config has none */
} Vae;

/* Parameters named as in diffusers' files (also with the attention names query, key, value, proj_attn),
 * below `prefix` ("" for a model folder).  Failures are in w. */
void vae_load(Vae *vae, const VaeConfig *config, Weights *w, const char *prefix);

/* Not recording, everything but the result is given back. */
Tensor *vae_encode(Tape *tape, const Vae *vae, Tensor *x);
Tensor *vae_decode(Tape *tape, const Vae *vae, Tensor *z);

/* One evaluation and its gradient, as unet_vjp: y and dx may be NULL; x is read only. */
MUST_CHECK Status vae_encode_vjp(float *moments, float *dx,                                           // out
                                 Tape *tape, const Vae *vae, const Tensor *x, const float *dmoments); // in
MUST_CHECK Status vae_decode_vjp(float *y, float *dz,                                                 // out
                                 Tape *tape, const Vae *vae, const Tensor *z, const float *dy);       // in

#endif
