/* guidance/one_step.h - classifier guidance by a one-step estimate of the picture: the baseline of [WalGEN23, section 3.2.1],
 * as a hook of the denoising loop.
 *
 * At a state z of signal a = sqrt(abar_t) and noise f = sqrt(1 - abar_t), for each picture:
 *
 *   e = eps(z, t) under the empty prompt,   z0 = (z - f e) / a
 *   m = f z0 + (1 - f) z                       (GUIDE_BLEND [reference: salesforce/DOODL]), or z0 (GUIDE_X0 [the paper])
 *   G = d lambda loss(decode(m)) / dz          through the decoder and, unless `through_unet` is false, the network
 *   eps <- eps + f G                           of the guided prediction; so x0 moves by -(f^2 / a) G, downhill
 *
 * With a noise-aware classifier in place of the loss, G = d lambda (-log softmax(vgg(z / a, level))_k) / dz
 * (diffusion/train_style_noisy.h says what the level is), and nothing is decoded.
 * A network that predicts v or the sample gets the same change of eps: v + (f / a) G, x0 - (f^2 / a) G.
 *
 * Crops of picture i at call k are drawn from the stream (seed + i, STREAM_CROPS, k), so that the sampler's noise stays what it
 * is.  lambda = 0 asks nothing, and the bits are those without guidance. */
#ifndef GUIDANCE_ONE_STEP_H
#define GUIDANCE_ONE_STEP_H

#include "diffusion/denoise.h"
#include "diffusion/model.h"
#include "diffusion/train_style_noisy.h"
#include "guidance/decoded_loss.h"

typedef enum { GUIDE_BLEND, GUIDE_X0 } GuideOn;

typedef struct {
    const Vgg *vgg; /* with noise_levels = NOISY_LEVELS, on latents; NULL: the decoded loss is used */
    int head, label;
} NoisyClass;

typedef struct {
    int call, image;
    double loss;    /* lambda times the loss */
    double clipped; /* share of the decoded picture beyond [-1, 1] */
    double length;  /* |f G| */
} GuideReport;

typedef struct {
    const Model *model;
    DecodedLoss decoded; /* its factor is lambda */
    NoisyClass noisy;
    GuideOn on;
    bool through_unet;
    int height, width; /* of the latent */
    uint64_t seed;
    const float *text; /* (T, D): the rows of the empty prompt */
    int tokens;
    Arena *arena; /* scratch, given back after each call */
    /* Told of each picture at each call; NULL: nobody. */
    void (*seen)(void *context, const GuideReport *report);
    void *context;
} OneStepGuide;

/* Blend, through the network; the rest is the caller's. */
extern const OneStepGuide ONE_STEP_GUIDE;

/* The rows of the empty prompt into g->text.  Errors: lambda that is not a number; a classifier without the label. */
MUST_CHECK Status one_step_begin(OneStepGuide *g, Arena *arena, Error *err);

/* *g must outlive the hooks. */
DenoiseHooks one_step_hooks(OneStepGuide *g);

/* G of one picture: z, G (L,h,w); signal a and noise f of its level, `time` as the network is told.  What the hook
 * calls. */
MUST_CHECK Status one_step_gradient(float *G, GuideReport *report, const OneStepGuide *g, const float *z,
                                    double signal, double noise, double time, int prediction_type,
                                    const Schedule *schedule, Rng *rng, Error *err);

#endif
