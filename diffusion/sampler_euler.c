/* diffusion/sampler_euler.c - Euler's method in sigma space [Kar22, algorithm 2 without its second half].
 *
 *   symbol     here        what it is (i: this call, y = x0 + sigma eps)
 *   gamma      -           min(S_churn / N, sqrt(2) - 1) where S_tmin <= sigma_i <= S_tmax, else 0
 *   sigma^     sigma_hat   sigma_i (1 + gamma)
 *
 *   y <- y + S_noise sqrt(sigma^^2 - sigma_i^2) z      z ~ N(0, 1), only where gamma > 0
 *   d = (y - x0) / sigma^                              x0 predicted at sigma^ (diffusion/sigma_table.h)
 *   y <- y + (sigma_(i+1) - sigma^) d
 *
 * The network saw y before the noise was added, as in diffusers.  With churn every call draws, also one whose gamma
 * is 0, because diffusers' does.
 *
 * edm_euler is the same for networks trained as in [Kar22]: levels, what the network sees and x0 by diffusion/edm.h, x0
 * from y with the noise; it draws where gamma > 0. */
#include <math.h>

#include "base/elementary64.h"
#include "diffusion/edm.h"

typedef struct {
    SigmaTable table;
    float *d, *noise; /* (images, sample) */
} EulerState;

typedef struct {
    double sigma_hat;
    float sd, dt; /* of the noise; sigma_(i+1) - sigma^ */
} EulerStep;

static EulerStep coefficients(const SamplerRun *run, int call)
{
    const EulerState *state = run->state;
    const SamplerOptions *o = &run->options;
    const double sigma = state->table.sigma[call], most = sqrt(2.0) - 1.0;
    const bool inside = sigma >= o->churn_from && (o->churn_to == 0.0 || sigma <= o->churn_to);
    const double share = o->churn / run->calls, gamma = !inside ? 0.0 : share < most ? share : most;
    const double hat = sampler_round(run, sigma * sampler_round(run, gamma + 1.0));
    const double extra = sampler_round(run, hat * hat) - sampler_round(run, sigma * sigma);
    return (EulerStep){
        .sigma_hat = hat,
        .sd = gamma > 0.0 ? (float)((o->churn_noise != 0.0 ? o->churn_noise : 1.0) * sqrt(extra)) : 0.0f,
        .dt = (float)(state->table.sigma[call + 1] - hat)};
}

/* The network is told log(sigma) / 4 in place of a timestep, as EDM's and Stable Video Diffusion's. */
static void continuous_times(SamplerRun *run)
{
    for (int i = 0; i < run->calls; i++)
        run->time[i] = (float)(0.25 * sampler_round(run, log_f64(run->sigma[i])));
}

/* sigma_0 ... sigma_N: equal steps of the logarithm over the whole table. */
static void log_linear(SigmaTable *table, const SamplerRun *run)
{
    const int N = table->count, T = run->schedule.steps;
    const double first = table->log[T - 1], last = table->log[0];
    for (int i = 0; i <= N; i++)
        table->sigma[i] = sampler_round(run, exp_f64(first + (double)i / N * (last - first)));
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const SchedulerConfig *c = &run->config;
    EulerState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    if (state == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of Euler", run->steps);
    if (!(run->options.churn >= 0.0))
        return error_set(err, STATUS_ARGUMENT, "churn is %g, expected at least 0", run->options.churn);
    const bool respaced = c->interpolation_type == INTERPOLATE_LOG_LINEAR;
    if (respaced && c->use_karras_sigmas)
        return error_set(err, STATUS_ARGUMENT,
                         "euler takes interpolation_type log_linear without use_karras_sigmas");
    if (c->timestep_type == TIMESTEP_CONTINUOUS && c->prediction_type == PREDICT_V && respaced)
        return error_set(err, STATUS_ARGUMENT,
                         "euler takes timestep_type continuous with interpolation_type linear");
    const Status status = sigma_plan(&state->table, run, arena, err);
    if (status != STATUS_OK)
        return status;
    if (respaced)
        log_linear(&state->table, run);
    run->start_scale = sigma_start_scale(run, &state->table);
    if (c->timestep_type == TIMESTEP_CONTINUOUS && c->prediction_type == PREDICT_V)
        continuous_times(run);
    state->d = latents;
    state->noise = latents + (size_t)run->images * run->sample;
    run->state = state;
    return STATUS_OK;
}

static Status plan_edm(SamplerRun *run, Arena *arena, Error *err)
{
    EulerState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, 2, arena);
    if (state == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of Euler", run->steps);
    if (!(run->options.churn >= 0.0))
        return error_set(err, STATUS_ARGUMENT, "churn is %g, expected at least 0", run->options.churn);
    state->d = latents;
    state->noise = latents + (size_t)run->images * run->sample;
    run->state = state;
    return edm_table_make(&state->table, run, 0.0, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const EulerState *state = run->state;
    const EulerStep c = coefficients(run, call);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 4,
                         .name = {"sigma_hat", "sigma_next", "dt", "sd"},
                         .value = {c.sigma_hat, state->table.sigma[call + 1], (double)c.dt, (double)c.sd}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const EulerState *state = run->state;
    const EulerStep c = coefficients(run, call);
    const size_t n = (size_t)run->images * run->sample;

    if (run->options.churn > 0.0)
        sampler_draw(run, state->noise);
    if (c.sd > 0.0f)
        schedule_mix(x, 1.0f, x, c.sd, state->noise, n);
    sigma_slope(state->d, run, x, out, c.sigma_hat, state->table.sigma[call], false);
    schedule_mix(x, 1.0f, x, c.dt, state->d, n);
}

static void step_edm(SamplerRun *run, int call, float *x, float *out)
{
    const EulerState *state = run->state;
    const EulerStep c = coefficients(run, call);
    const size_t n = (size_t)run->images * run->sample;
    const float hat = (float)c.sigma_hat;

    sampler_add_noise(run, x, c.sd, state->noise);
    edm_x0(out, run, x, out, c.sigma_hat);
    for (size_t i = 0; i < n; i++) {
        const float noise = x[i] - out[i];
        state->d[i] = noise / hat;
    }
    schedule_mix(x, 1.0f, x, c.dt, state->d, n);
}

/* diffusers 0.27.2, schedulers/scheduling_euler_discrete.py, EulerDiscreteScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .interpolation_type = INTERPOLATE_LINEAR,
    .timestep_spacing = SPACING_LINSPACE,
    .timestep_type = TIMESTEP_DISCRETE,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "prediction_type",
                                   "interpolation_type",
                                   "use_karras_sigmas",
                                   "sigma_min",
                                   "sigma_max",
                                   "timestep_spacing",
                                   "timestep_type",
                                   "steps_offset",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_EULER = {
    .name = "euler",
    .class_name = "EulerDiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};

/* diffusers 0.27.2, schedulers/scheduling_edm_euler.py, EDMEulerScheduler.__init__. */
static const SchedulerConfig EDM_DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001, /* of no schedule here */
    .beta_end = 0.02,
    .sigma_min = 0.002,
    .sigma_max = 80.0,
    .sigma_data = 0.5,
    .rho = 7.0,
    .prediction_type = PREDICT_EPSILON,
};

static const char *const EDM_KEYS[] = {"sigma_min",       "sigma_max", "sigma_data", "num_train_timesteps",
                                       "prediction_type", "rho",       NULL};

const Sampler SAMPLER_EDM_EULER = {
    .name = "edm_euler",
    .class_name = "EDMEulerScheduler",
    .defaults = &EDM_DEFAULTS,
    .keys = EDM_KEYS,
    .order = 1,
    .plan = plan_edm,
    .input = edm_input,
    .x0 = edm_seen_x0,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step_edm,
};
