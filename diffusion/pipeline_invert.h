/* diffusion/pipeline_invert.h - DDIM inversion: from a picture's latent to the noise from which DDIM makes it
 * [SonME21].
 *
 * The steps of DDIM taken upwards by the sampler ddim_inverse (diffusers' DDIMInverseScheduler), under the prompts and
 * the guidance of the options; text to image with the result as its starting noise, the same prompts, steps and guidance
 * and the sampler ddim leads back.  The way back is the way there but for the error of each step, in which the
 * network is asked at the neighbour's latent; guidance makes it larger. */
#ifndef DIFFUSION_PIPELINE_INVERT_H
#define DIFFUSION_PIPELINE_INVERT_H

#include "diffusion/pipeline_txt2img.h"

typedef struct {
    Txt2ImgOptions
        text; /* prompts, steps, guidance, size ...; nothing is drawn.  `sampler`, `latents`, `start`, `skip`
                           * and `parts` do not count */
    const float *latents; /* (pictures, L, h, w) of pictures */
} InvertOptions;

/* x (pictures, L, h, w) becomes the noise.  Errors as txt2img_latents. */
MUST_CHECK Status ddim_invert(float *x, const Model *m, const InvertOptions *options, Arena *arena,
                              Error *err);

/* The way back: the options of the same run from noise x to pictures. */
Txt2ImgOptions ddim_return(const InvertOptions *options, const float *x);

#endif
