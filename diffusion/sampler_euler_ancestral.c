/* diffusion/sampler_euler_ancestral.c - Euler's method to below the next level, and noise up to it; k-diffusion,
 * sampling.py, sample_euler_ancestral.
 *
 *   sigma_up    sqrt(sigma_(i+1)^2 (sigma_i^2 - sigma_(i+1)^2) / sigma_i^2)
 *   sigma_down  sqrt(sigma_(i+1)^2 - sigma_up^2)
 *   d           (y - x0) / sigma_i
 *
 *   y <- y + (sigma_down - sigma_i) d + sigma_up z,   z ~ N(0, 1) drawn when sigma_up > 0
 *
 * This is DDPM's step (fixed_small) in sigma space. */
#include <math.h>

#include "diffusion/sigma_table.h"

typedef struct {
    SigmaTable table;
    float *d, *noise; /* (images, sample) */
} AncestralState;

static double squared(const SamplerRun *run, double x)
{
    return sampler_round(run, x * x);
}

void sigma_split(double *up, double *down, const SamplerRun *run, double from, double to)
{
    const double gap = sampler_round(run, squared(run, from) - squared(run, to));
    const double variance =
        sampler_round(run, sampler_round(run, squared(run, to) * gap) / squared(run, from));
    *up = sampler_round(run, sqrt(variance));
    *down = sampler_round(run, sqrt(sampler_round(run, squared(run, to) - squared(run, *up))));
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    AncestralState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    if (state == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of Euler", run->steps);
    const Status status = sigma_plan(&state->table, run, arena, err);
    state->d = latents;
    state->noise = latents + (size_t)run->images * run->sample;
    run->state = state;
    return status;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const AncestralState *state = run->state;
    double up, down;
    sigma_split(&up, &down, run, state->table.sigma[call], state->table.sigma[call + 1]);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 3,
                         .name = {"sigma_next", "sigma_down", "sigma_up"},
                         .value = {state->table.sigma[call + 1], down, up}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const AncestralState *state = run->state;
    const double sigma = state->table.sigma[call];
    double up, down;
    sigma_split(&up, &down, run, sigma, state->table.sigma[call + 1]);

    sigma_slope(state->d, run, x, out, sigma, sigma, false);
    schedule_mix(x, 1.0f, x, (float)(down - sigma), state->d, (size_t)run->images * run->sample);
    sampler_add_noise(run, x, (float)up, state->noise);
}

/* diffusers 0.27.2, schedulers/scheduling_euler_ancestral_discrete.py. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {
    "num_train_timesteps", "beta_start",       "beta_end",     "beta_schedule",          "trained_betas",
    "prediction_type",     "timestep_spacing", "steps_offset", "rescale_betas_zero_snr", NULL};

const Sampler SAMPLER_EULER_A = {
    .name = "euler_a",
    .class_name = "EulerAncestralDiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
