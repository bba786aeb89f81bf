/* diffusion/sampler_ddpm.c - ancestral sampling of denoising diffusion models [HoJA20, equations 6 and 7].
 *
 *   symbol      here       what it is (t: this timestep, p: the next of the list, -1 behind the last)
 *   abar_p      -          alpha-bar at p, 1 for p < 0
 *   alpha'      -          abar_t / abar_p;   beta' = 1 - alpha'
 *   x0          x0         predicted from x and the network's output, limited (diffusion/prediction.h)
 *   variance    sd^2       fixed_small, fixed_small_log: max(beta' (1 - abar_p) / (1 - abar_t), 1e-20)
 *                          fixed_large: beta'
 *
 *   x <- (sqrt(abar_p) beta' / (1 - abar_t)) x0 + (sqrt(alpha') (1 - abar_p) / (1 - abar_t)) x + sd z
 *        (products first, then the sums from left to right); z ~ N(0, 1) is drawn where t > 0
 *
 * diffusers 0.27 takes p = t - floor(T / N) for lists that are not custom, as is done here with compat_f32; since then
 * it takes the next of the list, as here without.  The two agree for leading spacing. */
#include <math.h>

#include "diffusion/prediction.h"
#include "diffusion/sampler.h"

typedef struct {
    float a, s; /* sqrt(abar_t), sqrt(1 - abar_t) */
    float to_x0, to_x, sd;
} DdpmStep;

typedef struct {
    DdpmStep *step;    /* (calls) */
    float *x0, *noise; /* (images, sample) */
    float *scratch;    /* (2, sample) */
} DdpmState;

static DdpmStep coefficients(const SamplerRun *run, int t, int p)
{
    const double abar = schedule_alpha_bar(&run->schedule, t);
    const double abar_p = p < 0 ? 1.0 : schedule_alpha_bar(&run->schedule, p);
    const double noise = sampler_round(run, 1.0 - abar), noise_p = sampler_round(run, 1.0 - abar_p);
    const double alpha = sampler_round(run, abar / abar_p), beta = sampler_round(run, 1.0 - alpha);
    double variance = beta;
    if (run->config.variance_type != VARIANCE_FIXED_LARGE) {
        variance = sampler_round(run, sampler_round(run, noise_p / noise) * beta);
        variance = variance > 1e-20 ? variance : 1e-20; /* as in diffusers, which may take its logarithm */
    }
    const double to_x0 = sampler_round(run, sampler_round(run, sqrt(abar_p)) * beta);
    const double to_x = sampler_round(run, sampler_round(run, sqrt(alpha)) * noise_p);
    return (DdpmStep){.a = (float)sqrt(abar),
                      .s = (float)sqrt(noise),
                      .to_x0 = (float)(to_x0 / noise),
                      .to_x = (float)(to_x / noise),
                      .sd = t > 0 ? (float)sqrt(variance) : 0.0f};
}

static int previous(const SamplerRun *run, int call)
{
    if (run->options.compat_f32)
        return (int)run->time[call] - run->schedule.steps / run->steps;
    return call + 1 < run->calls ? (int)run->time[call + 1] : -1;
}

/* What this sampler does not do is refused by name. */
static Status check(const SchedulerConfig *c, Error *err)
{
    if (c->variance_type == VARIANCE_FIXED_SMALL || c->variance_type == VARIANCE_FIXED_SMALL_LOG ||
        c->variance_type == VARIANCE_FIXED_LARGE)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT,
                     "variance_type is %s; ddpm samples with fixed_small, fixed_small_log and fixed_large",
                     scheduler_value_name("variance_type", c->variance_type));
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const size_t N = (size_t)run->steps, n = (size_t)run->images * run->sample;
    DdpmState *state = arena_alloc(arena, 1, sizeof *state);
    if (state != NULL) {
        state->step = arena_raw(arena, N, sizeof *state->step);
        state->x0 = arena_raw(arena, n, sizeof *state->x0);
        state->noise = arena_raw(arena, n, sizeof *state->noise);
        state->scratch = arena_raw(arena, run->sample, 2 * sizeof *state->scratch);
    }
    if (state == NULL || state->step == NULL || state->x0 == NULL || state->noise == NULL ||
        state->scratch == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of DDPM", run->steps);
    Status status = check(&run->config, err);
    if (status == STATUS_OK)
        status = sampler_timesteps(run, arena, err);
    if (status != STATUS_OK)
        return status;
    run->state = state;
    for (int i = 0; i < run->calls; i++)
        state->step[i] = coefficients(run, (int)run->time[i], previous(run, i));
    return STATUS_OK;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const DdpmState *state = run->state;
    const DdpmStep *c = &state->step[call];
    return (SamplerCall){
        .previous = previous(run, call),
        .count = 5,
        .name = {"a", "s", "to_x0", "to_x", "sd"},
        .value = {(double)c->a, (double)c->s, (double)c->to_x0, (double)c->to_x, (double)c->sd}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const DdpmState *state = run->state;
    const DdpmStep *c = &state->step[call];
    const size_t n = (size_t)run->images * run->sample;

    predict_x0(state->x0, x, out, n, run->config.prediction_type, c->a, c->s);
    limit_x0(state->x0, run->images, run->sample, &run->config, state->scratch);
    schedule_mix(x, c->to_x0, state->x0, c->to_x, x, n);
    sampler_add_noise(run, x, c->sd, state->noise);
}

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "variance_type",
                                   "clip_sample",
                                   "prediction_type",
                                   "thresholding",
                                   "dynamic_thresholding_ratio",
                                   "clip_sample_range",
                                   "sample_max_value",
                                   "timestep_spacing",
                                   "steps_offset",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_DDPM = {
    .name = "ddpm",
    .class_name = "DDPMScheduler",
    .defaults = &SCHEDULER_DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
