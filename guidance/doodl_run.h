/* guidance/doodl_run.h - direct optimisation of diffusion latents [WalGEN23, section 4]: the noise of a picture is moved until
 * the finished picture has a small loss, through the whole sampler.
 *
 * With the pair x = y = z ~ N(0, I), in every update m:
 *
 *   (x0, y0) = EDICT(x, y)                                    diffusion/edict.h
 *   L = lambda loss(decode(x0)) + lambda loss(decode(y0))     guidance/decoded_loss.h; crops anew for each
 *   (g_x, g_y) = dL / d(x, y)                                 edict_gradient: memory of one network
 *   (x, y) <- update by (g_x, g_y)                            diffusion/doodl.h
 *
 * The picture of an update is decode(x0) before it; the last one that is reported is made after the last update (the
 * reference leaves it out).  `last` = k > 0: the first N - k steps are run once, the pair is averaged, and the state
 * there is moved through the last k steps.
 *
 * Draws of update m: crops of x0 and then of y0 from the stream (seed, STREAM_CROPS, m), xi from (seed, STREAM_STEP, m); the
 * noise z from (seed, STREAM_NOISE, 0), rounded to binary32.  So a run that is resumed goes on with the same bits. */
#ifndef GUIDANCE_DOODL_RUN_H
#define GUIDANCE_DOODL_RUN_H

#include "diffusion/doodl.h"
#include "diffusion/model.h"
#include "guidance/decoded_loss.h"

typedef struct {
    const char *prompt, *negative; /* NULL: "" */
    double guidance;
    EdictOptions steps;
    int last;    /* k; 0: all steps */
    int updates; /* M >= 1 */
    DoodlUpdate update;
    DecodedLoss loss;  /* with lambda */
    bool first_only;   /* the loss of x0 alone */
    bool check_way;    /* stop where the way back misses its start by 1e-2 of the noise's length */
    int height, width; /* of the latent */
    uint64_t seed;
    RngKind rng;
} DoodlOptions;

extern const DoodlOptions DOODL_DEFAULTS; /* 50 steps, p 0.93, w 7.5, 50 updates, lambda 1 */

/* What an update came to; of the last one (update == options->updates) only loss and picture. */
typedef struct {
    int update;
    double loss;          /* of x0, and of y0 unless first_only, with lambda */
    double clipped;       /* share of the gradient's numbers at the limit */
    double beyond;        /* share of the picture's numbers beyond [-1, 1] */
    double way;           /* largest error of the way back */
    double length[2];     /* of x, y after the update */
    const float *picture; /* (3,H,W) in about [-1, 1] */
} DoodlReport;

typedef struct {
    void *context;
    bool (*seen)(void *context, const DoodlReport *report); /* false: stop, STATUS_INTERRUPTED */
    const EdictWatch *steps;                                /* within an update; NULL: nobody */
} DoodlWatch;

/* All that a run is between two updates. */
typedef struct {
    const Model *model;
    const DoodlOptions *options;
    size_t n;
    Schedule schedule;
    Edict plan;   /* of the steps that are optimised through */
    float *text;  /* (2, T, D): of the negative prompt and the prompt */
    Doodl update; /* with the momentum */
    EdictPair z;  /* (2 n) */
    Arena *arena;
} DoodlRun;

/* noise (2, L, h, w): a pair to start from (doodl_invert's), NULL: drawn.  The arena keeps the run.  Errors: options out of
 * range, renormalised or tied with a pair that is given, first_only untied, lambda 0 is allowed (nothing moves but by kappa). */
MUST_CHECK Status doodl_run_begin(DoodlRun *out, const Model *m, const DoodlOptions *options,
                                  const double *noise, Arena *arena, Error *err);

/* The pair of a picture's latent (L,h,w) under the empty prompt, as its noise for doodl_run_begin. */
MUST_CHECK Status doodl_invert(double *noise, const float *latent, const Model *m,
                               const DoodlOptions *options, const EdictWatch *watch, Arena *arena,
                               Error *err);

/* Updates update.updates .. options->updates - 1, then the last picture.  latent (L,h,w) takes its x0; may be NULL. */
MUST_CHECK Status doodl_run(float *latent, DoodlRun *run, const DoodlWatch *watch, Error *err);

#endif
