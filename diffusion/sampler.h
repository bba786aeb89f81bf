/* diffusion/sampler.h - the shape that all samplers have.
 *
 * A sampler turns one network call after another into a step towards the image.  The loop
 * (diffusion/denoise.h) is written once and knows nothing of the method:
 *
 *     for each call i:   input = sampler->input(x)          what the network sees
 *                        out   = network(input, time[i])    guided if asked for
 *                        sampler->step(x, out)              x becomes the state for call i + 1
 *
 * A method that needs several calls a step (Heun, DPM2, PNDM's Runge-Kutta start, correctors) plans one
 * call after the other in `time`, which need not fall and may be fractional, and keeps what it has to
 * remember in `state`; x is its own (a sigma-space method keeps x = x0 + sigma eps, and
 * unscales it in `input`).
 *
 * Noise is drawn inside `step` alone, by sampler_draw or sampler_add_noise, once for each term of the method's formula that has
 * a noise, in the order of the calls: image k of the batch from its own stream, numbers in (C, H, W) order;
 * never when the term's coefficient is exactly 0.  So a batch of N gives what N runs of one image give.
 *
 * Per-step arithmetic: coefficients in binary64, each rounded once to binary32; then binary32, one
 * operation at a time, in the order that the sampler's source states. */
#ifndef DIFFUSION_SAMPLER_H
#define DIFFUSION_SAMPLER_H

#include "base/rng.h"
#include "diffusion/schedule.h"

typedef struct {
    double eta; /* DDIM: 0 deterministic .. 1 as much noise as DDPM; TCD: gamma, 0 deterministic .. 1 */
    bool clipped_epsilon; /* DDIM: eps anew from the limited x0 (diffusers: use_clipped_model_output) */
    double churn; /* Euler: S_churn of [Kar22, algorithm 2], noise added before each step; 0: none */
    double churn_from,
        churn_to;       /* Euler: the sigmas that it is added at, S_tmin and S_tmax; to 0: all above */
    double churn_noise; /* Euler: S_noise; 0: 1 */
    double tau_from,
        tau_to; /* SA-Solver: timesteps between which it is stochastic; both 0: 200 to 800; from > to: never */
    int corrections;       /* pc: corrector steps at each level before the predictor */
    double correction;     /* pc: their length eta; 0: as each level's predictor */
    double correction_snr; /* pc: or their signal-to-noise ratio r, which sets eta; 0: off */
    bool corrector_only;   /* pc: annealed Langevin, no predictor */
    bool compat_f32; /* the schedule's tables and the coefficients with diffusers' bits: sampler_round */

    /* Noise that is given in place of drawn one: draw i of the run takes block i of (images, sample) numbers; later
     * draws are made as ever.  NULL: all are made. */
    const float *noise;
    int noise_count; /* blocks */
} SamplerOptions;

typedef struct SamplerRun {
    const struct Sampler *sampler;
    SchedulerConfig config; /* what the file said over the sampler's defaults */
    SamplerOptions options;
    Schedule schedule;
    int steps;    /* as asked for */
    int calls;    /* of the network */
    int first;    /* the call that the loop starts with; > 0 for img2img and the like */
    int order;    /* calls a step */
    double *time; /* (calls) what the network is told */
    double *
        sigma; /* (calls + 1) the noise level of x before each call and at the end; NULL: the schedule's at time */
    float start_scale; /* pure noise times this is x before the first call */
    int images;
    size_t sample; /* numbers in one image's latent */
    Rng *rng;      /* (images) one stream an image; NULL when nothing is to be drawn */
    int draws;     /* calls of sampler_draw so far */
    void *state;   /* the method's own */
} SamplerRun;

enum { SAMPLER_NUMBERS = 8 };

/* What a call does, for people and records: where it leads, and the method's coefficients by the names of its
 * source. */
typedef struct {
    int previous; /* timestep that x is at afterwards; negative: it is an image */
    int count;
    const char *name[SAMPLER_NUMBERS];
    double value[SAMPLER_NUMBERS]; /* as they are used: binary32 */
} SamplerCall;

typedef struct Sampler {
    const char *name;                /* as typed in --sampling-method */
    const char *class_name;          /* the scheduler class of diffusers with the same conventions */
    const SchedulerConfig *defaults; /* that class's */
    const char *const *keys;         /* that class's keys, in its order, NULL behind the last */
    int order; /* calls a step: a run that leaves out k steps starts with call order k (plans may change run->order) */

    /* Fills calls, time, start_scale (1 unless said) and state from the rest of the run; the arena keeps
     * them.  Refuses what the method cannot do by name. */
    Status (*plan)(SamplerRun *run, Arena *arena, Error *err);

    /* out = what the network sees of x; NULL: x itself. */
    void (*input)(const SamplerRun *run, int call, float *out, const float *x);

    /* out = x0 with the noise of `call`'s level, for one image or many (n numbers); NULL: as
     * schedule_add_noise at timestep time[call]. */
    void (*renoise)(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                    size_t n);

    /* x0 = what the network's output says of all images, which saw `input`; NULL: as predict_x0 at sampler_level. */
    void (*x0)(const SamplerRun *run, int call, float *x0, const float *input, const float *out);

    SamplerCall (*describe)(const SamplerRun *run, int call);

    /* x, of all images, becomes the state for the next call; `out` is the network's (guided) output and may
     * be overwritten.  Cannot fail. */
    void (*step)(SamplerRun *run, int call, float *x, float *out);
} Sampler;

extern const Sampler SAMPLER_DDPM, SAMPLER_DDIM, SAMPLER_DDIM_INVERSE, SAMPLER_PNDM;
extern const Sampler SAMPLER_LCM, SAMPLER_TCD, SAMPLER_CM, SAMPLER_UNCLIP;
extern const Sampler SAMPLER_EULER, SAMPLER_EULER_A, SAMPLER_HEUN, SAMPLER_LMS, SAMPLER_PC;
extern const Sampler SAMPLER_DPM2, SAMPLER_DPM2_A;
extern const Sampler SAMPLER_DPM_MULTI, SAMPLER_DPM_SINGLE, SAMPLER_DEIS, SAMPLER_UNIPC, SAMPLER_SA,
    SAMPLER_DPM_INVERSE;
extern const Sampler SAMPLER_EDM_EULER, SAMPLER_EDM_DPM_MULTI;

/* All samplers, NULL behind the last. */
extern const Sampler *const SAMPLERS[];

/* By name ("ddim") or by class ("DDIMScheduler"); NULL when there is none. */
const Sampler *sampler_find(const char *name);

/* Whether the sampler's class has that key of scheduler_config.json. */
bool sampler_takes(const Sampler *sampler, const char *key);

/* Plans a run of `steps` steps for a batch.  `read` is the model's scheduler_config.json.
 * On failure *out is untouched. */
MUST_CHECK Status sampler_begin(SamplerRun *out, const Sampler *sampler, const SchedulerConfig *read,
                                SamplerOptions options, int steps, int images, size_t sample, Rng *rng,
                                Arena *arena, Error *err);

/* For plans: one call a timestep of schedule_timesteps, into calls and time.  Refuses, besides what that
 * refuses, a timestep without any signal for a network that predicts epsilon: x0 = (x - eps) / 0. */
MUST_CHECK Status sampler_timesteps(SamplerRun *run, Arena *arena, Error *err);

/* For plans of networks distilled to few steps (LCM, TCD): N of the K = original_inference_steps that they were distilled
 * with.  Of the list k floor(T / K) - 1, k = K .. 1, those with the numbers floor(i K / N), i = 0 .. N-1.
 * (timestep_spacing and steps_offset have no part in it, as in diffusers.) */
MUST_CHECK Status sampler_distilled_timesteps(SamplerRun *run, Arena *arena, Error *err);

/* For plans: an intermediate result of a coefficient, as it is; or rounded to binary32 where compat_f32
 * asks for the coefficients of diffusers, which computes them with binary32 scalars.  (1 - abar_t of a
 * small t has lost three digits there, so that DDPM's last steps differ by 3e-4 of a coefficient.) */
double sampler_round(const SamplerRun *run, double x);

/* Noise for all images: (images, sample) numbers, image k from rng[k].  Zeros when there is no rng. */
void sampler_draw(SamplerRun *run, float *noise);

/* The last term of a step: x += sd z with z from sampler_draw, RN(x + RN(sd z)); nothing is drawn for sd = 0.
 * noise has room for all images. */
void sampler_add_noise(SamplerRun *run, float *x, float sd, float *noise);

/* Pure noise becomes x before the first call: x = start_scale noise, in place. */
void sampler_start(const SamplerRun *run, float *x);

/* x0 with the noise of call `call`'s level; out may be x0 or noise. */
void sampler_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                     size_t n);

/* sigma of x before call `call`, the plan's own or the schedule's at its time, and alpha-bar there. */
double sampler_level(double *alpha_bar, const SamplerRun *run, int call);

/* The image without noise that the network's (guided) output says is in what it saw, for all images and before
 * any limit; for people who look on, no step needs it.  Not for the inverse samplers.  x0 may be out. */
void sampler_x0(const SamplerRun *run, int call, float *x0, const float *input, const float *out);

/* Leaves out the first steps, so that x starts as an image with noise; 0 <= steps <= run->steps. */
void sampler_skip(SamplerRun *run, int steps);

#endif
