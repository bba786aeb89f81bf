/* diffusion/pipeline_txt2img.h - pictures from prompts: latent diffusion as a whole [RomB22], as diffusers'
 * StableDiffusionPipeline runs it.
 *
 *   prompts -> tokens -> text rows (conditions) ----------------------.
 *   seed    -> z ~ N(0, I), (L, h, w) each -> sampler_start(z) -> denoise with guidance -> latents
 *           -> VAE -> pictures
 *
 * Picture i of a run has a generator of its own, seeded with seed + i: first its starting latent is drawn
 * from it, then what the sampler draws.  So a run of N pictures gives what N runs of one give, bit for bit.
 * Generators: philox (stream STREAM_NOISE, index 0) or torch, with which seed + i gives the noise of
 * torch.Generator("cpu").manual_seed(seed + i) (modulo 2^32).
 *
 * guidance w: 1 runs the network under the prompt alone, everything else under the
 * empty (negative) prompt too.
 *
 * Rows of text may be given in place of prompts, noise in place of drawn noise, and latents of pictures to start from
 * part of the way (SDEdit).  api/ldm_sample.c is this page for programs that embed the library. */
#ifndef DIFFUSION_PIPELINE_TXT2IMG_H
#define DIFFUSION_PIPELINE_TXT2IMG_H

#include "diffusion/denoise_hooks.h"
#include "diffusion/latent_pictures.h"
#include "diffusion/text_conditions.h"
#include "diffusion/unet_denoiser.h"

/* What the pipelines beside this one put in place of its parts, or between them; each may be NULL. */
typedef struct {
    void *context;
    /* Fills x (pictures, L, h, w), the state before the first call, and may leave out steps (sampler_skip).  What is
     * drawn from run->rng here comes before what the sampler draws.  NULL: noise. */
    Status (*begin)(void *context, float *x, SamplerRun *run, Arena *arena, Error *err);
    const DenoiseHooks
        *loop; /* inside the caller's: its `before` comes after theirs, its `after` before theirs */
    const float
        *extra; /* (pictures, extra_channels, h, w): channels that the network sees behind x; `begin` may
                               * fill them */
    int extra_channels;
    UnetSteer steer; /* what enters the network, asked anew for each of its runs; with context above */
} PipelineParts;

typedef struct {
    const char *const *prompts; /* `count` of them, UTF-8 */
    const char *negative;       /* for all of them; NULL: "" */
    int count;
    int images;        /* pictures a prompt: the run makes count * images, those of a prompt side by side */
    int width, height; /* pixels, multiples of the VAE's factor; 0: what the model was trained for */
    int steps;
    double guidance; /* w */
    double rescale;  /* 0..1, diffusion/denoise.h */
    int clip_skip;   /* layers of the text encoder left out at its end */
    RngKind rng;
    uint64_t seed;
    const Sampler *sampler;           /* NULL: the one that the model's scheduler names */
    SamplerOptions options;           /* of the sampler */
    const SchedulerConfig *scheduler; /* NULL: the model's */
    const float *latents; /* (count * images, L, h, w) starting noise instead of drawn one; NULL: drawn */

    const float *text;          /* (count, T, D) rows in place of prompts; NULL: none */
    const float *negative_text; /* (T, D) in place of the negative prompt; NULL: none */
    int text_tokens;            /* T; 0: the tokenizer's, which encoded prompts have */

    /* (count * images, L, h, w): latents of pictures, to which the noise of the step after the `skip` steps that are
     * left out is added, 0 <= skip <= steps.  NULL: from noise alone, and skip is 0. */
    const float *start;
    int skip;

    const UnetHooks *unet;      /* what enters the U-Net from outside; NULL: nothing */
    const DenoiseHooks *loop;   /* progress, cancelling, guidance of other kinds; NULL: none */
    const PipelineParts *parts; /* NULL: text to image */
} Txt2ImgOptions;

/* diffusers' defaults but for the generator: 50 steps, w = 7.5, one picture; philox, seed 0. */
extern const Txt2ImgOptions TXT2IMG_DEFAULTS;

typedef struct {
    int count;                   /* of pictures */
    Image *pictures;             /* (count) RGB; NULL when the model was opened without its VAE */
    float *latents;              /* (count, L, h, w), what the VAE decodes times its scaling factor */
    int channels, height, width; /* of a latent */
    PromptReport *prompts;       /* (options->count), then one for the negative prompt */
} Txt2ImgResult;

/* The parts (diffusion/model.h) without which no latents can be made. */
unsigned txt2img_parts(const Txt2ImgOptions *options);

/* The first half: from prompts to latents. */
typedef struct {
    int pictures;                /* count * images */
    int channels, height, width; /* of a latent */
} Txt2ImgShape;

MUST_CHECK Status txt2img_shape(Txt2ImgShape *out, const Model *m, const Txt2ImgOptions *options,
                                Error *err);

/* x (pictures, L, h, w) of that shape.  report (count + 1) may be NULL; its texts lie in the arena. */
MUST_CHECK Status txt2img_latents(float *x, PromptReport *report, const Model *m,
                                  const Txt2ImgOptions *options, Arena *arena, Error *err);

/* Both halves.  The arena keeps the result.  On failure *out is untouched. */
MUST_CHECK Status txt2img(Txt2ImgResult *out, const Model *m, const Txt2ImgOptions *options, Arena *arena,
                          Error *err);

#endif
