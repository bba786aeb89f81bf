/* diffusion/sampler_lcm.c - multistep sampling of latent consistency models [Luo23, algorithm 3].
 *
 *   The timesteps are those of sampler_distilled_timesteps.
 *
 *   u       timestep_scaling t
 *   c_skip  0.25 / (u^2 + 0.25),  c_out = u / sqrt(u^2 + 0.25)          boundary condition, sigma_data = 0.5
 *   x0      predicted from x and the output, limited (diffusion/prediction.h)
 *
 *   d = c_out x0 + c_skip x
 *   x <- sqrt(abar_p) d + sqrt(1 - abar_p) z,  p the next of the list, z ~ N(0, 1);  x <- d in the last step */
#include <math.h>
#include <string.h>

#include "diffusion/prediction.h"
#include "diffusion/sigma_table.h"

typedef struct {
    float *x0, *noise; /* (images, sample) */
    float *scratch;    /* (2, sample) */
} LcmState;

typedef struct {
    float a, s, skip, out;
    float to_x0, sd; /* 1 and 0 in the last step */
} LcmStep;

static LcmStep coefficients(const SamplerRun *run, int call)
{
    const double t = run->time[call], abar = schedule_alpha_bar(&run->schedule, (int)t);
    const double u = t * run->config.timestep_scaling, under = u * u + 0.25;
    const bool last = call + 1 == run->calls;
    const double next = last ? 1.0 : schedule_alpha_bar(&run->schedule, (int)run->time[call + 1]);
    return (LcmStep){.a = (float)sqrt(abar),
                     .s = (float)sqrt(sampler_round(run, 1.0 - abar)),
                     .skip = (float)(0.25 / under),
                     .out = (float)(u / sqrt(under)),
                     .to_x0 = (float)sqrt(next),
                     .sd = (float)sqrt(sampler_round(run, 1.0 - next))};
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    LcmState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    float *scratch = arena_raw(arena, run->sample, 2 * sizeof *scratch);
    if (state == NULL || latents == NULL || scratch == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of LCM", run->steps);
    state->x0 = latents;
    state->noise = latents + (size_t)run->images * run->sample;
    state->scratch = scratch;
    run->state = state;
    return sampler_distilled_timesteps(run, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LcmStep c = coefficients(run, call);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 4,
                         .name = {"c_skip", "c_out", "to_x0", "sd"},
                         .value = {(double)c.skip, (double)c.out, (double)c.to_x0, (double)c.sd}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const LcmState *state = run->state;
    const LcmStep c = coefficients(run, call);
    const size_t n = (size_t)run->images * run->sample;

    predict_x0(state->x0, x, out, n, run->config.prediction_type, c.a, c.s);
    limit_x0(state->x0, run->images, run->sample, &run->config, state->scratch);
    schedule_mix(x, c.out, state->x0, c.skip, x, n);
    if (call + 1 < run->calls) {
        sampler_draw(run, state->noise);
        schedule_mix(x, c.to_x0, x, c.sd, state->noise, n);
    }
}

/* diffusers 0.27.2, schedulers/scheduling_lcm.py, LCMScheduler.__init__. */
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

const Sampler SAMPLER_LCM = {
    .name = "lcm",
    .class_name = "LCMScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
