/* diffusion/denoise.h - the loop from noise to an image, written once for every
 * sampler, network and guidance.
 *
 *   for each call i of the run:
 *       in        = sampler's input(x)
 *       out_c     = network(in, time[i]) under condition c              for every condition
 *       out       = the conditions joined: classifier-free guidance     (below)
 *       x         = sampler's step(x, out)
 *
 * Classifier-free guidance [HoS22, equation 6], with condition 0 the empty (negative) prompt and condition
 * 1 the prompt, w the guidance scale:
 *       out = out_0 + w (out_1 - out_0)          RN(out_1 - out_0), then RN(w ...), then RN(out_0 + ...)
 * and, when `rescale` phi > 0 [Lin24, section 3.4], per image with std over all its numbers,
 *       out <- phi (out std(out_1) / std(out)) + (1 - phi) out
 * With one condition out = out_0: no guidance, which is also what w = 1 means. */
#ifndef DIFFUSION_DENOISE_H
#define DIFFUSION_DENOISE_H

#include "diffusion/sampler.h"

/* A network of noise.  x holds `images` latents; out takes the outputs under all conditions, (conditions,
 * images, sample), condition 0 first. */
typedef struct {
    Status (*predict)(void *context, float *out, const float *x, double time, Error *err);
    void *context;
    int conditions; /* 1, or 2 for guidance */
} Denoiser;

typedef struct {
    int call, calls; /* this call and how many there are; the first is run->first */
    double time;     /* what the network was told */
    const float *x;  /* the state after the step, all images */
} DenoiseProgress;

/* What may look on or interfere; each may be NULL. */
typedef struct {
    void *context;
    /* Before a call: may change x. */
    Status (*before)(void *context, const SamplerRun *run, int call, float *x, Error *err);
    /* After guidance: may change out, given what the network saw. */
    Status (*guided)(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err);
    /* After the step: may change x. */
    Status (*after)(void *context, const SamplerRun *run, int call, float *x, Error *err);
    /* Last of all; false stops the run with STATUS_INTERRUPTED. */
    bool (*progress)(void *context, const DenoiseProgress *progress);
} DenoiseHooks;

typedef struct {
    double guidance; /* w */
    double rescale;  /* phi in [0, 1]; 0: off */
} GuidanceOptions;

/* Runs all calls from run->first on.  x (images, sample): on entry sampler_start's noise, or an image with
 * noise when steps are left out; on return the result.  hooks may be NULL; scratch is given back.
 * Errors: STATUS_NOT_FINITE names the call, its time and the image where the network's
 * output is no number. */
MUST_CHECK Status denoise(float *x, SamplerRun *run, const Denoiser *network, GuidanceOptions guidance,
                          const DenoiseHooks *hooks, Arena *scratch, Error *err);

/* The formulas of guidance on n numbers; out may be any of the inputs. */
void guide_classifier_free(float *out, const float *without, const float *with, size_t n, float w);
void guide_rescale(float *out, const float *with, size_t n, float phi); /* one image */

#endif
