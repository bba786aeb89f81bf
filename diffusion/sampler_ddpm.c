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
 * UnCLIPScheduler [Ram22] has timesteps of its own, round(k (T - 1) / (N - 1)), k = N-1 .. 0, always goes to the next of
 * its list, and takes beta' from the schedule as it is where p = t - 1; its schedule is squaredcos_cap_v2.
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
    const bool listed = run->sampler == &SAMPLER_UNCLIP && p == t - 1;
    const double alpha = sampler_round(run, listed ? 1.0 - run->schedule.beta[t] : abar / abar_p);
    const double beta = listed ? run->schedule.beta[t] : sampler_round(run, 1.0 - alpha);
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
    if (run->options.compat_f32 && run->sampler != &SAMPLER_UNCLIP)
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

static Status check_unclip(const SamplerRun *run, Error *err)
{
    const SchedulerConfig *c = &run->config;
    if (run->steps < 2)
        return error_set(err, STATUS_ARGUMENT, "steps is %d, expected at least 2 for unclip", run->steps);
    if (c->beta_schedule != BETA_SQUAREDCOS_CAP_V2)
        return error_set(err, STATUS_ARGUMENT, "beta_schedule is %s; unclip has squaredcos_cap_v2",
                         scheduler_value_name("beta_schedule", c->beta_schedule));
    if (c->variance_type != VARIANCE_FIXED_SMALL_LOG)
        return error_set(err, STATUS_ARGUMENT, "variance_type is %s; unclip samples with fixed_small_log",
                         scheduler_value_name("variance_type", c->variance_type));
    if (c->prediction_type == PREDICT_V)
        return error_set(err, STATUS_ARGUMENT,
                         "prediction_type is v_prediction; unclip takes epsilon and sample");
    return STATUS_OK;
}

/* UnCLIP's timesteps. */
static Status unclip_timesteps(SamplerRun *run, Arena *arena, Error *err)
{
    const int N = run->steps, T = run->schedule.steps;
    double *time = arena_raw(arena, (size_t)N, sizeof *time);
    if (time == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d timesteps", N);
    for (int i = 0; i < N; i++)
        time[i] = rint((N - 1 - i) * ((double)(T - 1) / (N - 1)));
    run->calls = N;
    run->time = time;
    return STATUS_OK;
}

static Status make_state(SamplerRun *run, Arena *arena, Error *err)
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
    run->state = state;
    return STATUS_OK;
}

static void fill_steps(SamplerRun *run)
{
    const DdpmState *state = run->state;
    for (int i = 0; i < run->calls; i++)
        state->step[i] = coefficients(run, (int)run->time[i], previous(run, i));
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    Status status = make_state(run, arena, err);
    if (status == STATUS_OK)
        status = check(&run->config, err);
    if (status == STATUS_OK)
        status = sampler_timesteps(run, arena, err);
    if (status == STATUS_OK)
        fill_steps(run);
    return status;
}

static Status plan_unclip(SamplerRun *run, Arena *arena, Error *err)
{
    Status status = make_state(run, arena, err);
    if (status == STATUS_OK)
        status = check_unclip(run, err);
    if (status == STATUS_OK)
        status = unclip_timesteps(run, arena, err);
    if (status == STATUS_OK)
        fill_steps(run);
    return status;
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

/* diffusers 0.27.2, schedulers/scheduling_unclip.py, UnCLIPScheduler.__init__. */
static const SchedulerConfig UNCLIP_DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001, /* of no schedule here */
    .beta_end = 0.02,
    .beta_schedule = BETA_SQUAREDCOS_CAP_V2,
    .variance_type = VARIANCE_FIXED_SMALL_LOG,
    .clip_sample = true,
    .clip_sample_range = 1.0,
    .prediction_type = PREDICT_EPSILON,
};

static const char *const UNCLIP_KEYS[] = {
    "num_train_timesteps", "variance_type", "clip_sample", "clip_sample_range",
    "prediction_type",     "beta_schedule", NULL};

const Sampler SAMPLER_UNCLIP = {
    .name = "unclip",
    .class_name = "UnCLIPScheduler",
    .defaults = &UNCLIP_DEFAULTS,
    .keys = UNCLIP_KEYS,
    .order = 1,
    .plan = plan_unclip,
    .describe = describe,
    .step = step,
};
