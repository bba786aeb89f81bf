/* diffusion/sampler_cm.c - multistep sampling of consistency models [Song23]; of one step with --steps 1.
 *
 *   symbol   here           what it is
 *   sigma_i  run->sigma     of T levels between sigma_max and sigma_min (diffusion/edm.h) those with the numbers i floor(T / N)
 *   -        run->time      250 log(sigma_i), what the network is told
 *   c_skip   -              sigma_d^2 / ((sigma - sigma_min)^2 + sigma_d^2)
 *   c_out    -              (sigma - sigma_min) sigma_d / sqrt(sigma^2 + sigma_d^2)
 *
 *   d = c_out out + c_skip y, within -1 .. 1 for clip_denoised
 *   y <- d + s_noise sqrt(sigma_(i+1)^2 - sigma_min^2) z, z ~ N(0, 1), sigma_(i+1) at least sigma_min;
 *   y <- d in the last step
 *
 * Source: diffusers 0.27.2, schedulers/scheduling_consistency_models.py. */
#include <math.h>

#include "base/elementary64.h"
#include "diffusion/edm.h"

typedef struct {
    float skip, out, sd;
} CmStep;

static CmStep coefficients(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    const double sigma = run->sigma[call], data = c->sigma_data;
    double next = run->sigma[call + 1];
    if (next < c->sigma_min) /* by an ulp, where the variance would be negative */
        next = c->sigma_min;
    const double above = sigma - c->sigma_min, square = data * data;
    const bool last = call + 1 == run->calls;
    return (CmStep){.skip = (float)(square / (above * above + square)),
                    .out = (float)(above * data / sqrt(sigma * sigma + square)),
                    .sd = last ? 0.0f
                               : (float)(c->s_noise * sqrt(next * next - c->sigma_min * c->sigma_min))};
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const SchedulerConfig *c = &run->config;
    const int N = run->steps, T = c->num_train_timesteps;
    double *time = arena_raw(arena, (size_t)N, sizeof *time);
    double *sigma = arena_raw(arena, (size_t)N + 1, sizeof *sigma);
    float *noise = sampler_latents(run, 1, arena);
    if (time == NULL || sigma == NULL || noise == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d noise levels", N);
    const Status status = edm_check(run, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < N; i++) {
        const double share = T > 1 ? (double)(i * (T / N)) / (T - 1) : 0.0;
        const double level = karras_sigma(share, c->sigma_max, c->sigma_min, c->rho, false);
        time[i] = 250.0 * log_f64(level);
        sigma[i] = sampler_round(run, level);
    }
    sigma[N] = c->sigma_min;
    run->calls = N;
    run->time = time;
    run->sigma = sigma;
    run->start_scale = (float)c->sigma_max;
    run->state = noise;
    return STATUS_OK;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const CmStep c = coefficients(run, call);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 3,
                         .name = {"c_skip", "c_out", "sd"},
                         .value = {(double)c.skip, (double)c.out, (double)c.sd}};
}

static void seen_x0(const SamplerRun *run, int call, float *x0, const float *input, const float *out)
{
    const CmStep c = coefficients(run, call);
    const double sigma = run->sigma[call], data = run->config.sigma_data;
    schedule_mix(x0, (float)((double)c.skip * sqrt(sigma * sigma + data * data)), input, c.out, out,
                 (size_t)run->images * run->sample);
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const CmStep c = coefficients(run, call);
    const size_t n = (size_t)run->images * run->sample;
    schedule_mix(x, c.out, out, c.skip, x, n);
    for (size_t i = 0; run->config.clip_denoised && i < n; i++) {
        x[i] = x[i] < -1.0f ? -1.0f : x[i];
        x[i] = 1.0f < x[i] ? 1.0f : x[i];
    }
    sampler_add_noise(run, x, c.sd, run->state);
}

/* CMStochasticIterativeScheduler.__init__ */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 40,
    .beta_start = 0.0001, /* of no schedule here */
    .beta_end = 0.02,
    .sigma_min = 0.002,
    .sigma_max = 80.0,
    .sigma_data = 0.5,
    .s_noise = 1.0,
    .rho = 7.0,
    .clip_denoised = true,
};

static const char *const KEYS[] = {
    "num_train_timesteps", "sigma_min", "sigma_max", "sigma_data", "s_noise", "rho", "clip_denoised", NULL};

const Sampler SAMPLER_CM = {
    .name = "cm",
    .class_name = "CMStochasticIterativeScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .input = edm_input,
    .x0 = seen_x0,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
