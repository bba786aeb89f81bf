/* diffusion/sampler_lms.c - linear multistep in sigma space; k-diffusion, sampling.py, sample_lms.
 *
 *   d_i  (y - x0) / sigma_i at this level; d_(i-1), d_(i-2), d_(i-3) are remembered
 *   c_j  the integral from sigma_i to sigma_(i+1) of the polynomial that is 1 at sigma_(i-j) and 0 at the other
 *        remembered levels: Adams and Bashforth's method with unequal steps
 *
 *   y <- y + (c_0 d_i + c_1 d_(i-1) + c_2 d_(i-2) + c_3 d_(i-3)),     as many terms as there are levels, at most 4
 *
 * A run that leaves out steps has the coefficients of its place in the list, but not yet the slopes of the levels
 * before; as in diffusers, whose terms end with the shorter list. */
#include <math.h>

#include "diffusion/sigma_table.h"

enum { ORDER = 4 }; /* diffusers 0.27.2, LMSDiscreteScheduler.step */

typedef struct {
    SigmaTable table;
    float *slope[ORDER]; /* (images, sample) each; call i's lies at i mod ORDER */
    float *sum;
} LmsState;

static double basis(const double *sigma, int call, int order, int j, double at)
{
    double product = 1.0;
    for (int k = 0; k < order; k++)
        if (k != j)
            product *= (at - sigma[call - k]) / (sigma[call - j] - sigma[call - k]);
    return product;
}

/* Two points of Gauss integrate polynomials of degree 3 exactly. */
static double integral(const double *sigma, int call, int order, int j)
{
    const double middle = (sigma[call] + sigma[call + 1]) / 2.0,
                 half = (sigma[call + 1] - sigma[call]) / 2.0;
    const double off = half / sqrt(3.0);
    return half * (basis(sigma, call, order, j, middle - off) + basis(sigma, call, order, j, middle + off));
}

/* c_0 ... ; how many of them have a slope. */
static int coefficients(float c[ORDER], const SamplerRun *run, int call)
{
    const LmsState *state = run->state;
    const int order = call + 1 < ORDER ? call + 1 : ORDER, known = call - run->first + 1;
    for (int j = 0; j < order; j++)
        c[j] = (float)integral(state->table.sigma, call, order, j);
    return known < order ? known : order;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    LmsState *state = arena_alloc(arena, 1, sizeof *state);
    float *latents = sampler_latents(run, ORDER + 1, arena);
    if (state == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of LMS", run->steps);
    for (int j = 0; j < ORDER; j++)
        state->slope[j] = latents + (size_t)j * (size_t)run->images * run->sample;
    state->sum = latents + ORDER * (size_t)run->images * run->sample;
    run->state = state;
    return sigma_plan(&state->table, run, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LmsState *state = run->state;
    float c[ORDER] = {0};
    const int known = coefficients(c, run, call);
    SamplerCall result = {.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                          .count = 1 + ORDER,
                          .name = {"sigma_next", "c0", "c1", "c2", "c3"},
                          .value = {state->table.sigma[call + 1]}};
    for (int j = 0; j < known; j++)
        result.value[1 + j] = (double)c[j];
    return result;
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const LmsState *state = run->state;
    const size_t n = (size_t)run->images * run->sample;
    const double sigma = state->table.sigma[call];
    float c[ORDER];
    const int known = coefficients(c, run, call);

    sigma_slope(state->slope[call % ORDER], run, x, out, sigma, sigma, false);
    for (size_t i = 0; i < n; i++)
        state->sum[i] = c[0] * state->slope[call % ORDER][i];
    for (int j = 1; j < known; j++)
        schedule_mix(state->sum, 1.0f, state->sum, c[j], state->slope[(call - j) % ORDER], n);
    schedule_mix(x, 1.0f, x, 1.0f, state->sum, n);
}

/* diffusers 0.27.2, schedulers/scheduling_lms_discrete.py, LMSDiscreteScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {
    "num_train_timesteps", "beta_start",      "beta_end",         "beta_schedule", "trained_betas",
    "use_karras_sigmas",   "prediction_type", "timestep_spacing", "steps_offset",  NULL};

const Sampler SAMPLER_LMS = {
    .name = "lms",
    .class_name = "LMSDiscreteScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
