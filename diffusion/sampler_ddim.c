/* diffusion/sampler_ddim.c - denoising diffusion implicit models [SonME21, equation 12].
 *
 *   symbol     here       what it is (t: this timestep, p = t - floor(T / N): the one before it in time)
 *   abar_p     -          alpha-bar at p; before the first timestep as set_alpha_to_one says
 *   x0         x0         predicted from x and the network's output, limited (diffusion/prediction.h)
 *   eps        eps        predicted too; with clipped_epsilon anew from the limited x0: (x - a x0) / s
 *   sd         sd         eta sqrt((1 - abar_p) / (1 - abar_t)) sqrt(1 - abar_t / abar_p)
 *
 *   x <- sqrt(abar_p) x0 + sqrt(1 - abar_p - sd^2) eps + sd z,   z ~ N(0, 1) drawn when sd > 0
 *        (products first, then the sums from left to right)
 *
 * p is t - floor(T / N) and not the next of the list, as in diffusers; under trailing spacing, where N does
 * not divide T, the two differ. */
#include <math.h>

#include "diffusion/prediction.h"
#include "diffusion/sampler.h"

typedef struct {
    float a, s;       /* sqrt(abar_t), sqrt(1 - abar_t) */
    float to_x0;      /* sqrt(abar_p) */
    float to_epsilon; /* sqrt(1 - abar_p - sd^2) */
    float sd;
} DdimStep;

typedef struct {
    DdimStep *step;          /* (calls) */
    float *x0, *eps, *noise; /* (images, sample) */
    float *scratch;          /* (2, sample) */
} DdimState;

static int previous(const SamplerRun *run, int t)
{
    return t - run->schedule.steps / run->steps;
}

static DdimStep coefficients(const SamplerRun *run, int t)
{
    const int p = previous(run, t);
    const double abar = schedule_alpha_bar(&run->schedule, t),
                 abar_p = schedule_alpha_bar(&run->schedule, p);
    const double noise = sampler_round(run, 1.0 - abar), noise_p = sampler_round(run, 1.0 - abar_p);
    const double shrink = sampler_round(run, 1.0 - sampler_round(run, abar / abar_p));
    const double variance = sampler_round(run, sampler_round(run, noise_p / noise) * shrink);
    const double sd = sampler_round(run, run->options.eta * sampler_round(run, sqrt(variance)));
    const double rest = sampler_round(run, noise_p - sampler_round(run, sd * sd));
    return (DdimStep){.a = (float)sqrt(abar),
                      .s = (float)sqrt(noise),
                      .to_x0 = (float)sqrt(abar_p),
                      .to_epsilon = (float)sqrt(rest > 0.0 ? rest : 0.0),
                      .sd = (float)sd};
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const size_t N = (size_t)run->steps, n = (size_t)run->images * run->sample;
    DdimState *state = arena_alloc(arena, 1, sizeof *state);
    if (state != NULL) {
        state->step = arena_raw(arena, N, sizeof *state->step);
        state->x0 = arena_raw(arena, n, sizeof *state->x0);
        state->eps = arena_raw(arena, n, sizeof *state->eps);
        state->noise = arena_raw(arena, n, sizeof *state->noise);
        state->scratch = arena_raw(arena, run->sample, 2 * sizeof *state->scratch);
    }
    if (state == NULL || state->step == NULL || state->x0 == NULL || state->eps == NULL ||
        state->noise == NULL || state->scratch == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of DDIM", run->steps);
    if (!(run->options.eta >= 0.0 && run->options.eta <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "eta is %g, expected 0 to 1", run->options.eta);
    const Status status = sampler_timesteps(run, arena, err);
    if (status != STATUS_OK)
        return status;
    run->state = state;
    for (int i = 0; i < run->calls; i++)
        state->step[i] = coefficients(run, (int)run->time[i]);
    return STATUS_OK;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const DdimState *state = run->state;
    const DdimStep *c = &state->step[call];
    return (SamplerCall){
        .previous = previous(run, (int)run->time[call]),
        .count = 5,
        .name = {"a", "s", "to_x0", "to_epsilon", "sd"},
        .value = {(double)c->a, (double)c->s, (double)c->to_x0, (double)c->to_epsilon, (double)c->sd}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const DdimState *state = run->state;
    const DdimStep *c = &state->step[call];
    const int type = run->config.prediction_type;
    const size_t n = (size_t)run->images * run->sample;
    float *x0 = state->x0, *eps = state->eps;

    predict_x0(x0, x, out, n, type, c->a, c->s);
    predict_epsilon(eps, x, out, n, type, c->a, c->s);
    limit_x0(x0, run->images, run->sample, &run->config, state->scratch);
    if (run->options.clipped_epsilon)
        predict_epsilon(eps, x, x0, n, PREDICT_SAMPLE, c->a, c->s);

    schedule_mix(x, c->to_x0, x0, c->to_epsilon, eps, n);
    sampler_add_noise(run, x, c->sd, state->noise);
}

/* diffusers 0.27.2, schedulers/scheduling_ddim.py, DDIMScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .clip_sample = true,
    .set_alpha_to_one = true,
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .clip_sample_range = 1.0,
    .sample_max_value = 1.0,
    .timestep_spacing = SPACING_LEADING,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "clip_sample",
                                   "set_alpha_to_one",
                                   "steps_offset",
                                   "prediction_type",
                                   "thresholding",
                                   "dynamic_thresholding_ratio",
                                   "clip_sample_range",
                                   "sample_max_value",
                                   "timestep_spacing",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_DDIM = {
    .name = "ddim",
    .class_name = "DDIMScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
