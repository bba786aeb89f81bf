/* diffusion/sampler_tcd.c - strategic stochastic sampling of trajectory consistency models [Zheng24].
 *
 *   The timesteps are those of sampler_distilled_timesteps; p is the next of the list, 0 behind the last.
 *
 *   gamma  SamplerOptions.eta: 0 deterministic .. 1 as multistep consistency sampling; diffusers' own default is 0.3
 *   s      floor((1 - gamma) p), the product in binary32; the model jumps to s, noise goes on to p
 *
 *   x0, eps from x and the output at t (diffusion/prediction.h), without any limit, as in diffusers
 *   x <- sqrt(abar_s) x0 + sqrt(1 - abar_s) eps
 *   x <- sqrt(abar_p / abar_s) x + sqrt(1 - abar_p / abar_s) z, z ~ N(0, 1)   for gamma > 0, but not in the last step
 *
 * The last step ends at timestep 0, which has a little noise. */
#include <math.h>

#include "diffusion/prediction.h"
#include "diffusion/sigma_table.h"

typedef struct {
    float *x0, *eps; /* (images, sample); eps becomes the noise */
} TcdState;

typedef struct {
    float a, s;              /* at t */
    float to_x0, to_epsilon; /* at s */
    float on, sd;            /* from s to p: 1 and 0 where nothing is drawn */
} TcdStep;

static int next_timestep(const SamplerRun *run, int call)
{
    return call + 1 < run->calls ? (int)run->time[call + 1] : 0;
}

static TcdStep coefficients(const SamplerRun *run, int call)
{
    const int p = next_timestep(run, call);
    const float share = (float)(1.0 - run->options.eta), at = share * (float)p;
    const double abar = schedule_alpha_bar(&run->schedule, (int)run->time[call]);
    const double abar_s = schedule_alpha_bar(&run->schedule, (int)at);
    const double ratio = sampler_round(run, schedule_alpha_bar(&run->schedule, p) / abar_s);
    const bool drawn = run->options.eta > 0.0 && call + 1 < run->calls;
    return (TcdStep){.a = (float)sqrt(abar),
                     .s = (float)sqrt(sampler_round(run, 1.0 - abar)),
                     .to_x0 = (float)sqrt(abar_s),
                     .to_epsilon = (float)sqrt(sampler_round(run, 1.0 - abar_s)),
                     .on = drawn ? (float)sqrt(ratio) : 1.0f,
                     .sd = drawn ? (float)sqrt(sampler_round(run, 1.0 - ratio)) : 0.0f};
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    TcdState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    if (state == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of TCD", run->steps);
    if (!(run->options.eta >= 0.0 && run->options.eta <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "eta is %g, expected 0 to 1", run->options.eta);
    state->x0 = latents;
    state->eps = latents + (size_t)run->images * run->sample;
    run->state = state;
    return sampler_distilled_timesteps(run, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const TcdStep c = coefficients(run, call);
    return (SamplerCall){.previous = next_timestep(run, call),
                         .count = 6,
                         .name = {"a", "s", "to_x0", "to_epsilon", "on", "sd"},
                         .value = {(double)c.a, (double)c.s, (double)c.to_x0, (double)c.to_epsilon,
                                   (double)c.on, (double)c.sd}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const TcdState *state = run->state;
    const TcdStep c = coefficients(run, call);
    const int type = run->config.prediction_type;
    const size_t n = (size_t)run->images * run->sample;

    predict_x0(state->x0, x, out, n, type, c.a, c.s);
    predict_epsilon(state->eps, x, out, n, type, c.a, c.s);
    schedule_mix(x, c.to_x0, state->x0, c.to_epsilon, state->eps, n);
    if (c.sd > 0.0f) {
        sampler_draw(run, state->eps);
        schedule_mix(x, c.on, x, c.sd, state->eps, n);
    }
}

/* diffusers 0.27.2, schedulers/scheduling_tcd.py, TCDScheduler.__init__.  The keys of limits, spacing and scaling are the class's;
 * it does not look at them. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = BETA_SCALED_LINEAR,
    .original_inference_steps = 50,
    .clip_sample_range = 1.0,
    .set_alpha_to_one = true,
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .timestep_spacing = SPACING_LEADING,
    .timestep_scaling = 10.0,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "original_inference_steps",
                                   "clip_sample",
                                   "clip_sample_range",
                                   "set_alpha_to_one",
                                   "steps_offset",
                                   "prediction_type",
                                   "thresholding",
                                   "dynamic_thresholding_ratio",
                                   "sample_max_value",
                                   "timestep_spacing",
                                   "timestep_scaling",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_TCD = {
    .name = "tcd",
    .class_name = "TCDScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
