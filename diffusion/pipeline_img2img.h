/* diffusion/pipeline_img2img.h - pictures from a picture and a prompt [Men22], as diffusers'
 * StableDiffusionImg2ImgPipeline makes them.
 *
 *   picture -> VAE -> sample of the posterior -> z0
 *   x = z0 with the noise of the first step that is taken; the last `strength` of the steps are taken
 *
 * The generator of each picture gives first the noise of the posterior, then the noise that is added, then what the
 * sampler draws.  strength 1 takes all steps and still starts from z0 with noise. */
#ifndef DIFFUSION_PIPELINE_IMG2IMG_H
#define DIFFUSION_PIPELINE_IMG2IMG_H

#include "diffusion/pipeline_txt2img.h"

typedef struct {
    Txt2ImgOptions
        text; /* prompts, steps, seed ...; width and height are those of the picture; with latents they
                            * are the noise that is added.  `start`, `skip` and `parts` do not count */
    PicturePlanes picture; /* one for all, or as many as are made */
    double strength;       /* share of the steps, in (0, 1] */
} Img2ImgOptions;

/* How many of the steps are taken: floor(steps * strength). */
int strength_steps(int steps, double strength);

/* That, checked.  STATUS_ARGUMENT for a strength outside (0, 1] or one that leaves no step. */
MUST_CHECK Status strength_read(int *taken, int steps, double strength, Error *err);

/* As txt2img.  STATUS_SHAPE when the picture does not fit. */
MUST_CHECK Status img2img(Txt2ImgResult *out, const Model *m, const Img2ImgOptions *options, Arena *arena,
                          Error *err);

#endif
