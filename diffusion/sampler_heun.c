/* diffusion/sampler_heun.c - Heun's method in sigma space: the trapezoidal rule [Kar22, algorithm 1].
 *
 *   call 2i      d = (y - x0) / sigma_i,            y' = y + (sigma_(i+1) - sigma_i) d         y and d are kept
 *   call 2i + 1  d' = (y' - x0') / sigma_(i+1),     y <- y + (sigma_(i+1) - sigma_i) (d + d') / 2
 *
 * The last step, to sigma = 0, is its first half alone: 2 N - 1 calls. */
#include "diffusion/sigma_table.h"

typedef struct {
    SigmaTable table;
    float *kept, *slope, *d; /* (images, sample) */
} HeunState;

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const size_t n = (size_t)run->images * run->sample, calls = 2 * (size_t)run->steps - 1;
    HeunState *state = arena_alloc(arena, 1, sizeof *state);
    double *time = arena_raw(arena, calls, sizeof *time), *sigma = arena_raw(arena, calls + 1, sizeof *sigma);
    float *latents = sampler_latents(run, 3, arena);
    if (state == NULL || time == NULL || sigma == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of Heun", run->steps);
    const Status status = sigma_plan(&state->table, run, arena, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < (int)calls; i++) {
        time[i] = state->table.time[(i + 1) / 2];
        sigma[i] = state->table.sigma[(i + 1) / 2];
    }
    sigma[calls] = state->table.sigma[run->steps];
    run->calls = (int)calls;
    run->time = time;
    run->sigma = sigma;
    state->kept = latents;
    state->slope = latents + n;
    state->d = latents + 2 * n;
    run->state = state;
    return STATUS_OK;
}

static float interval(const HeunState *state, int i)
{
    return (float)(state->table.sigma[i + 1] - state->table.sigma[i]);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const HeunState *state = run->state;
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[(call | 1)] : -1,
                         .count = 2,
                         .name = {"sigma_next", "dt"},
                         .value = {state->table.sigma[call / 2 + 1], (double)interval(state, call / 2)}};
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const HeunState *state = run->state;
    const size_t n = (size_t)run->images * run->sample;
    const double sigma = run->sigma[call];
    const float dt = interval(state, call / 2);

    sigma_slope(state->d, run, x, out, sigma, sigma, run->config.clip_sample);
    for (size_t i = 0; i < n; i++) {
        float d = state->d[i];
        if (call % 2 == 0) {
            state->kept[i] = x[i];
            state->slope[i] = d;
        } else {
            d = state->slope[i] + d;
            d = d / 2.0f;
        }
        const float p = d * dt;
        x[i] = state->kept[i] + p;
    }
}

/* diffusers 0.27.2, schedulers/scheduling_heun_discrete.py, HeunDiscreteScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .clip_sample_range = 1.0,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {"num_train_timesteps", "beta_start",    "beta_end",
                                   "beta_schedule",       "trained_betas", "prediction_type",
                                   "use_karras_sigmas",   "clip_sample",   "clip_sample_range",
                                   "timestep_spacing",    "steps_offset",  NULL};

const Sampler SAMPLER_HEUN = {
    .name = "heun",
    .class_name = "HeunDiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 2,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
