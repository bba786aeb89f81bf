/* diffusion/sampler_pc.c - predictor and corrector [SonY21, algorithm 3], as score-based guidance uses them.
 *
 *   symbol    here             what it is (level i, y = x0 + sigma eps)
 *   S         -d / sigma_i     the score at y: d = (y - x0) / sigma_i is the predicted noise
 *   M         corrections      corrector steps a level
 *   eta_i     -                sigma_i (sigma_i - sigma_(i+1)): the predictor's own step
 *
 *   corrector, M times   y <- y + eta S + sqrt(2 eta) z     (Langevin; z ~ N(0, 1))
 *                        eta = `correction`, or eta_i when that is 0,
 *                        or, per image, 2 (r |z| / |S|)^2 with r = `correction_snr`
 *   predictor, once      y <- y + eta_i S = y + (sigma_(i+1) - sigma_i) d
 *
 * Each is one call.  `corrector_only` leaves the predictor out: annealed Langevin dynamics [SonE19, algorithm 1].  With
 * no corrections this is Euler's method.  Levels are chosen as Euler's are; there is no such class in diffusers. */
#include <math.h>

#include "base/sum.h"
#include "diffusion/sigma_table.h"

typedef struct {
    SigmaTable table;
    float *d, *noise; /* (images, sample) */
} PcState;

static bool corrects(const SamplerRun *run, int call)
{
    return call % run->order < run->options.corrections;
}

static Status check(const SamplerOptions *o, Error *err)
{
    if (o->corrections < 0 || o->corrections > 1000)
        return error_set(err, STATUS_ARGUMENT, "corrections is %d, expected 0 to 1000", o->corrections);
    if (o->corrector_only && o->corrections == 0)
        return error_set(err, STATUS_ARGUMENT, "without predictor there must be corrections");
    if (!(o->correction >= 0.0 && o->correction_snr >= 0.0) ||
        (o->correction > 0.0 && o->correction_snr > 0.0))
        return error_set(
            err, STATUS_ARGUMENT,
            "correction is %g and its signal-to-noise ratio %g, expected one of them above 0, or none",
            o->correction, o->correction_snr);
    return STATUS_OK;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const SamplerOptions *o = &run->options;
    Status status = check(o, err);
    if (status != STATUS_OK)
        return status;
    run->order = o->corrections + (o->corrector_only ? 0 : 1);
    const size_t calls = (size_t)run->steps * (size_t)run->order;
    PcState *state = arena_alloc(arena, 1, sizeof *state);
    double *time = arena_raw(arena, calls, sizeof *time), *sigma = arena_raw(arena, calls + 1, sizeof *sigma);
    float *latents = sampler_latents(run, 2, arena);
    if (state == NULL || time == NULL || sigma == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of predictor and corrector",
                         run->steps);
    status = sigma_plan(&state->table, run, arena, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < calls; i++) {
        time[i] = state->table.time[i / (size_t)run->order];
        sigma[i] = state->table.sigma[i / (size_t)run->order];
    }
    sigma[calls] = state->table.sigma[run->steps];
    run->calls = (int)calls;
    run->time = time;
    run->sigma = sigma;
    state->d = latents;
    state->noise = latents + (size_t)run->images * run->sample;
    run->state = state;
    return STATUS_OK;
}

/* eta of all images but where the ratio sets it. */
static double step_length(const SamplerRun *run, int call)
{
    const PcState *state = run->state;
    const double *sigma = &state->table.sigma[call / run->order];
    return corrects(run, call) && run->options.correction > 0.0 ? run->options.correction
                                                                : sigma[0] * (sigma[0] - sigma[1]);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const PcState *state = run->state;
    const bool by_image = run->options.correction_snr > 0.0 && corrects(run, call);
    const double eta = by_image ? 0.0 : step_length(run, call);
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 3,
                         .name = {"sigma_next", "corrects", "eta"},
                         .value = {state->table.sigma[call / run->order + 1], corrects(run, call), eta}};
}

static double norm(const float *x, size_t n)
{
    return sqrt(sum8_squares(x, n, 0.0));
}

static void correct(SamplerRun *run, int call, float *x)
{
    const PcState *state = run->state;
    const double sigma = run->sigma[call];
    sampler_draw(run, state->noise);
    for (int k = 0; k < run->images; k++) {
        const size_t at = (size_t)k * run->sample;
        double eta = step_length(run, call);
        if (run->options.correction_snr > 0.0) {
            const double score = norm(state->d + at, run->sample) / sigma;
            const double ratio = run->options.correction_snr * norm(state->noise + at, run->sample) / score;
            eta = score > 0.0 ? 2.0 * ratio * ratio : 0.0;
        }
        schedule_mix(x + at, 1.0f, x + at, (float)(-eta / sigma), state->d + at, run->sample);
        schedule_mix(x + at, 1.0f, x + at, (float)sqrt(2.0 * eta), state->noise + at, run->sample);
    }
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    const PcState *state = run->state;
    const double sigma = run->sigma[call];
    sigma_slope(state->d, run, x, out, sigma, sigma, false);
    if (corrects(run, call))
        correct(run, call, x);
    else
        schedule_mix(x, 1.0f, x, (float)(state->table.sigma[call / run->order + 1] - sigma), state->d,
                     (size_t)run->images * run->sample);
}

static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.00085,
    .beta_end = 0.012,
    .beta_schedule = BETA_SCALED_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "use_karras_sigmas",
                                   "prediction_type",
                                   "timestep_spacing",
                                   "steps_offset",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_PC = {
    .name = "pc",
    .class_name = "PredictorCorrectorScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .input = sigma_input,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step,
};
