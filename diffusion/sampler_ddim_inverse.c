/* diffusion/sampler_ddim_inverse.c - DDIM from an image to noise [SonME21, section 4.3], deterministic.
 *
 *   The list of DDIM is walked upwards.  At t the state is taken to be at q = min(t - floor(T / N), T - 1) and goes
 *   to t: the network is asked about t, where x has not arrived yet.  abar_q before the first timestep is 1 or that
 *   of timestep 0 (set_alpha_to_one).
 *
 *   x0, eps from x and the output with a = sqrt(abar_q), s = sqrt(1 - abar_q)   (diffusion/prediction.h)
 *   x <- sqrt(abar_t) x0 + sqrt(1 - abar_t) eps
 *
 * Going back with DDIM gives the image again but for an error of first order in the step. */
#include <math.h>

#include "diffusion/prediction.h"
#include "diffusion/sigma_table.h"

typedef struct {
    float *x0, *eps;
} InverseState;

typedef struct {
    float a, s, to_x0, to_epsilon;
} InverseStep;

static InverseStep coefficients(const SamplerRun *run, int t)
{
    const int ratio = run->schedule.steps / run->steps;
    const int q = t - ratio < run->schedule.steps - 1 ? t - ratio : run->schedule.steps - 1;
    const double from = schedule_alpha_bar(&run->schedule, q), to = schedule_alpha_bar(&run->schedule, t);
    return (InverseStep){.a = (float)sqrt(from),
                         .s = (float)sqrt(sampler_round(run, 1.0 - from)),
                         .to_x0 = (float)sqrt(to),
                         .to_epsilon = (float)sqrt(sampler_round(run, 1.0 - to))};
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    InverseState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    int *list = arena_raw(arena, (size_t)run->steps, sizeof *list);
    double *time = arena_raw(arena, (size_t)run->steps, sizeof *time);
    if (state == NULL || latents == NULL || list == NULL || time == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of DDIM", run->steps);
    const Status status = schedule_timesteps(list, run->steps, &run->config, err);
    if (status != STATUS_OK)
        return status;
    if (run->config.prediction_type == PREDICT_SAMPLE && run->config.set_alpha_to_one)
        return error_set(
            err, STATUS_ARGUMENT,
            "an image without any noise (set_alpha_to_one) has no noise for ddim_inverse to find with a "
            "network that predicts the sample");
    for (int i = 0; i < run->steps; i++)
        time[i] = list[run->steps - 1 - i];
    state->x0 = latents;
    state->eps = latents + (size_t)run->images * run->sample;
    run->calls = run->steps;
    run->time = time;
    run->state = state;
    return STATUS_OK;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const InverseStep c = coefficients(run, (int)run->time[call]);
    return (SamplerCall){.previous = (int)run->time[call],
                         .count = 4,
                         .name = {"a", "s", "to_x0", "to_epsilon"},
                         .value = {(double)c.a, (double)c.s, (double)c.to_x0, (double)c.to_epsilon}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const InverseState *state = run->state;
    const InverseStep c = coefficients(run, (int)run->time[call]);
    const int type = run->config.prediction_type;
    const size_t n = (size_t)run->images * run->sample;

    predict_x0(state->x0, x, out, n, type, c.a, c.s);
    predict_epsilon(state->eps, x, out, n, type, c.a, c.s);
    limit_x0(state->x0, run->images, run->sample, &run->config, NULL);
    schedule_mix(x, c.to_x0, state->x0, c.to_epsilon, state->eps, n);
}

/* diffusers 0.27.2, schedulers/scheduling_ddim_inverse.py, DDIMInverseScheduler.__init__; it has no thresholding. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .clip_sample = true,
    .set_alpha_to_one = true,
    .prediction_type = PREDICT_EPSILON,
    .clip_sample_range = 1.0,
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
                                   "clip_sample_range",
                                   "timestep_spacing",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_DDIM_INVERSE = {
    .name = "ddim_inverse",
    .class_name = "DDIMInverseScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
