/* diffusion/sampler_dpm2.c - the midpoint rule in log sigma, after DPM-Solver-2 [Lu22, algorithm 1]; k-diffusion,
 * sampling.py, sample_dpm_2 and sample_dpm_2_ancestral.
 *
 *   call 2i      d = (y - x0) / sigma_i,      y' = y + (sigma_m - sigma_i) d                    y is kept
 *   call 2i + 1  d = (y' - x0') / sigma_m,    y <- y + (sigma_e - sigma_i) d  (+ sigma_up z)
 *
 * sigma_e is sigma_(i+1), or sigma_down of an ancestral step (diffusion/sigma_table.h), and sigma_m between the
 * two: sqrt(sigma_i sigma_e).  The network is told the timestep of sigma_m, which is no whole number.  The last step,
 * to sigma = 0, is a step of Euler's method: 2 N - 1 calls.
 *
 * diffusers' ancestral class draws noise in every call and uses that of call 2i + 1; so is it done here. */
#include <math.h>
#include <string.h>

#include "base/elementary64.h"
#include "diffusion/sigma_table.h"

typedef struct {
    SigmaTable table;
    bool ancestral;
    double *middle;          /* (N) sigma_m; 0 for the last */
    float *kept, *d, *noise; /* (images, sample) */
} Dpm2State;

/* sigma_e and sigma_up of step i. */
static void ends(double *end, double *up, const SamplerRun *run, int i)
{
    const Dpm2State *state = run->state;
    *up = 0.0;
    *end = state->table.sigma[i + 1];
    if (state->ancestral)
        sigma_split(up, end, run, state->table.sigma[i], state->table.sigma[i + 1]);
}

/* exp((log a + log b) / 2) */
static double between(const SamplerRun *run, double a, double b)
{
    const double low = sampler_round(run, log_f64(a)), high = sampler_round(run, log_f64(b));
    return sampler_round(run, exp_f64(sampler_round(run, low + sampler_round(run, 0.5 * (high - low)))));
}

static void fill_calls(SamplerRun *run, Dpm2State *state, double *time, double *sigma)
{
    const int N = run->steps;
    for (int i = 0; i < N; i++) {
        double end, up;
        ends(&end, &up, run, i);
        time[2 * i] = state->table.time[i];
        sigma[2 * i] = state->table.sigma[i];
        state->middle[i] = i + 1 < N ? between(run, state->table.sigma[i], end) : 0.0;
        if (i + 1 < N) {
            sigma[2 * i + 1] = state->middle[i];
            time[2 * i + 1] = (float)sigma_table_time(&state->table, run->schedule.steps, state->middle[i]);
        }
    }
    sigma[2 * N - 1] = state->table.sigma[N];
    run->calls = 2 * N - 1;
    run->time = time;
    run->sigma = sigma;
}

static Status plan_either(SamplerRun *run, bool ancestral, Arena *arena, Error *err)
{
    const size_t n = (size_t)run->images * run->sample, calls = 2 * (size_t)run->steps - 1;
    Dpm2State *state = arena_alloc(arena, 1, sizeof *state);
    double *time = arena_raw(arena, calls, sizeof *time), *sigma = arena_raw(arena, calls + 1, sizeof *sigma);
    double *middle = arena_raw(arena, (size_t)run->steps, sizeof *middle);
    float *latents = sampler_latents(run, 3, arena);
    if (state == NULL || time == NULL || sigma == NULL || middle == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of DPM2", run->steps);
    const Status status = sigma_plan(&state->table, run, arena, err);
    if (status != STATUS_OK)
        return status;
    if (run->config.use_karras_sigmas)
        for (int i = 0; i < run->steps; i++)
            state->table.time[i] = rint(state->table.time[i]); /* as KDPM2DiscreteScheduler.set_timesteps */
    state->ancestral = ancestral;
    state->middle = middle;
    state->kept = latents;
    state->d = latents + n;
    state->noise = latents + 2 * n;
    run->state = state;
    fill_calls(run, state, time, sigma);
    return STATUS_OK;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    return plan_either(run, false, arena, err);
}

static Status plan_ancestral(SamplerRun *run, Arena *arena, Error *err)
{
    return plan_either(run, true, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const Dpm2State *state = run->state;
    const int i = call / 2;
    double end, up;
    ends(&end, &up, run, i);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 4,
                         .name = {"sigma_next", "sigma_middle", "sigma_end", "sigma_up"},
                         .value = {state->table.sigma[i + 1], state->middle[i], end, up}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const Dpm2State *state = run->state;
    const size_t n = (size_t)run->images * run->sample;
    const int i = call / 2;
    const double sigma = state->table.sigma[i], seen = run->sigma[call];
    double end, up;
    ends(&end, &up, run, i);

    if (state->ancestral)
        sampler_draw(run, state->noise);
    sigma_slope(state->d, run, x, out, seen, seen, false);
    if (call % 2 == 0) {
        memcpy(state->kept, x, n * sizeof *x);
        schedule_mix(x, 1.0f, x, (float)(state->middle[i] - sigma), state->d, n);
        return;
    }
    schedule_mix(x, 1.0f, state->kept, (float)(end - sigma), state->d, n);
    if (up > 0.0)
        schedule_mix(x, 1.0f, x, (float)up, state->noise, n);
}

/* diffusers 0.27.2, schedulers/scheduling_k_dpm_2_discrete.py and scheduling_k_dpm_2_ancestral_discrete.py. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {
    "num_train_timesteps", "beta_start",      "beta_end",         "beta_schedule", "trained_betas",
    "use_karras_sigmas",   "prediction_type", "timestep_spacing", "steps_offset",  NULL};

const Sampler SAMPLER_DPM2 = {
    .name = "dpm2",
    .class_name = "KDPM2DiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 2,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};

const Sampler SAMPLER_DPM2_A = {
    .name = "dpm2_a",
    .class_name = "KDPM2AncestralDiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 2,
    .plan = plan_ancestral,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
