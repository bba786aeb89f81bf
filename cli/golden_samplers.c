/* cli/golden_samplers.c - golden runs of samplers, step by step.
 *
 * What the network answers is given, not computed: step i takes the latents of step i - 1, model_output[i] and, where
 * it draws, noise[i].  The truth follows all steps in binary64; coefficients come from the schedule in binary64, and
 * the bound allows one rounding for each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "diffusion/sampler.h"

enum {
    SAMPLE = 64,
    LONG_RUN = 100,
    LONG_SAMPLE = 8,
    SHOWN = 50
}; /* long runs: 8 numbers, every 50th step */

typedef struct {
    const char *name;
    const Sampler *sampler;
    int steps, prediction, spacing;
    double eta;
    bool clip_sample, clipped_epsilon;
    int variance;          /* VARIANCE_...: DDPM */
    bool zero_snr, to_one; /* rescale_betas_zero_snr, set_alpha_to_one */
    GoldenLabel label;
} SamplerCase;

static const SamplerCase cases[] = {
    {.name = "ddim_epsilon",
     .sampler = &SAMPLER_DDIM,
     .steps = 10,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING},
    {.name = "ddim_v",
     .sampler = &SAMPLER_DDIM,
     .steps = 10,
     .prediction = PREDICT_V,
     .spacing = SPACING_TRAILING},
    {.name = "ddim_sample",
     .sampler = &SAMPLER_DDIM,
     .steps = 10,
     .prediction = PREDICT_SAMPLE,
     .spacing = SPACING_LINSPACE},
    {.name = "ddim_eta_1",
     .sampler = &SAMPLER_DDIM,
     .steps = 10,
     .prediction = PREDICT_V,
     .spacing = SPACING_LEADING,
     .eta = 1.0},
    {.name = "ddim_clipped",
     .sampler = &SAMPLER_DDIM,
     .steps = 6,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .eta = 0.5,
     .clip_sample = true,
     .clipped_epsilon = true},
    {.name = "ddim_one_step",
     .sampler = &SAMPLER_DDIM,
     .steps = 1,
     .prediction = PREDICT_V,
     .spacing = SPACING_TRAILING},
    {.name = "ddim_zero_snr",
     .sampler = &SAMPLER_DDIM,
     .steps = 8,
     .prediction = PREDICT_V,
     .spacing = SPACING_TRAILING,
     .zero_snr = true},
    {.name = "ddim_alpha_to_one",
     .sampler = &SAMPLER_DDIM,
     .steps = 8,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .to_one = true},
    {.name = "ddim_all_steps",
     .sampler = &SAMPLER_DDIM,
     .steps = 1000,
     .prediction = PREDICT_V,
     .spacing = SPACING_LEADING},
    {.name = "ddpm_epsilon",
     .sampler = &SAMPLER_DDPM,
     .steps = 10,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .variance = VARIANCE_FIXED_SMALL},
    {.name = "ddpm_v",
     .sampler = &SAMPLER_DDPM,
     .steps = 10,
     .prediction = PREDICT_V,
     .spacing = SPACING_TRAILING,
     .variance = VARIANCE_FIXED_SMALL},
    {.name = "ddpm_sample",
     .sampler = &SAMPLER_DDPM,
     .steps = 10,
     .prediction = PREDICT_SAMPLE,
     .spacing = SPACING_LEADING,
     .clip_sample = true,
     .variance = VARIANCE_FIXED_LARGE},
    {.name = "ddpm_one_step",
     .sampler = &SAMPLER_DDPM,
     .steps = 1,
     .prediction = PREDICT_V,
     .spacing = SPACING_TRAILING,
     .variance = VARIANCE_FIXED_SMALL},
    {.name = "ddpm_all_steps",
     .sampler = &SAMPLER_DDPM,
     .steps = 1000,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .variance = VARIANCE_FIXED_SMALL},
    {.name = "no_steps",
     .sampler = &SAMPLER_DDIM,
     .steps = 0,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .label = GOLDEN_INVALID},
    {.name = "more_steps_than_timesteps",
     .sampler = &SAMPLER_DDPM,
     .steps = 1001,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_LEADING,
     .label = GOLDEN_INVALID},
    {.name = "epsilon_without_signal",
     .sampler = &SAMPLER_DDIM,
     .steps = 8,
     .prediction = PREDICT_EPSILON,
     .spacing = SPACING_TRAILING,
     .zero_snr = true,
     .label = GOLDEN_EITHER},
};

/* Numbers of one run: what is given, and the truth so far. */
typedef struct {
    const SamplerCase *k;
    SamplerRun *run;
    Truth t;
    int n; /* numbers in a sample */
    TruthId x[SAMPLE];
    float *noise, *out; /* (calls, n) */
} Run;

/* A coefficient that is known in binary64 and rounded once. */
static TruthId coefficient(Truth *t, double c)
{
    return truth_binary(t, TRUTH_MULTIPLY, truth_leaf(t, c), truth_leaf(t, 1.0));
}

static TruthId times(Truth *t, TruthId a, TruthId b)
{
    return truth_binary(t, TRUTH_MULTIPLY, a, b);
}

/* x0 from x and the output of the network, with a = sqrt(abar), s = sqrt(1 - abar). */
static TruthId true_x0(Truth *t, int prediction, TruthId x, TruthId out, TruthId a, TruthId s)
{
    switch (prediction) {
    case PREDICT_EPSILON:
        return truth_binary(t, TRUTH_DIVIDE, truth_binary(t, TRUTH_SUBTRACT, x, times(t, s, out)), a);
    case PREDICT_V: return truth_binary(t, TRUTH_SUBTRACT, times(t, a, x), times(t, s, out));
    default: return out;
    }
}

/* eps in the same way; from x0 itself where that was predicted. */
static TruthId true_epsilon(Truth *t, int prediction, TruthId x, TruthId out, TruthId a, TruthId s)
{
    switch (prediction) {
    case PREDICT_EPSILON: return out;
    case PREDICT_V: return truth_binary(t, TRUTH_ADD, times(t, a, out), times(t, s, x));
    default: return truth_binary(t, TRUTH_DIVIDE, truth_binary(t, TRUTH_SUBTRACT, x, times(t, a, out)), s);
    }
}

/* Clipping moves numbers beyond its ends onto them; one that may be on either side keeps its bound. */
static TruthId clipped(Truth *t, TruthId x0)
{
    const TruthNumber n = t->number[x0];
    if (n.v > 1.0)
        return n.v - n.e > 1.0 ? truth_leaf(t, 1.0) : x0;
    return n.v < -1.0 && n.v + n.e < -1.0 ? truth_leaf(t, -1.0) : x0;
}

/* One step of DDIM [SonME21, equation 12]; p: alpha-bar of the timestep before in time. */
static void true_ddim(Run *r, int call, double abar, double abar_p)
{
    Truth *t = &r->t;
    const double variance = (1.0 - abar_p) / (1.0 - abar) * (1.0 - abar / abar_p),
                 sd = r->k->eta * sqrt(variance);
    const double rest = 1.0 - abar_p - sd * sd;
    const TruthId a = coefficient(t, sqrt(abar)), s = coefficient(t, sqrt(1.0 - abar));
    const TruthId to_x0 = coefficient(t, sqrt(abar_p)),
                  to_epsilon = coefficient(t, sqrt(rest > 0.0 ? rest : 0.0));
    const TruthId to_noise = coefficient(t, sd);
    for (int i = 0; i < r->n; i++) {
        const TruthId out = truth_leaf(t, r->out[call * r->n + i]), x = r->x[i];
        TruthId x0 = true_x0(t, r->k->prediction, x, out, a, s);
        TruthId epsilon = true_epsilon(t, r->k->prediction, x, out, a, s);
        x0 = r->k->clip_sample ? clipped(t, x0) : x0;
        if (r->k->clipped_epsilon)
            epsilon = true_epsilon(t, PREDICT_SAMPLE, x, x0, a, s);
        r->x[i] = truth_binary(t, TRUTH_ADD, times(t, to_x0, x0), times(t, to_epsilon, epsilon));
        if (sd > 0.0)
            r->x[i] = truth_binary(t, TRUTH_ADD, r->x[i],
                                   times(t, to_noise, truth_leaf(t, r->noise[call * r->n + i])));
    }
}

/* One step of DDPM [HoJA20, equations 6 and 7]; p: alpha-bar of the next timestep of the list. */
static void true_ddpm(Run *r, int call, double abar, double abar_p, bool draws)
{
    Truth *t = &r->t;
    const double beta = 1.0 - abar / abar_p, small = (1.0 - abar_p) / (1.0 - abar) * beta;
    const double variance = r->k->variance == VARIANCE_FIXED_LARGE ? beta : small > 1e-20 ? small : 1e-20;
    const TruthId a = coefficient(t, sqrt(abar)), s = coefficient(t, sqrt(1.0 - abar));
    const TruthId to_x0 = coefficient(t, sqrt(abar_p) * beta / (1.0 - abar));
    const TruthId to_x = coefficient(t, sqrt(abar / abar_p) * (1.0 - abar_p) / (1.0 - abar));
    const TruthId to_noise = coefficient(t, sqrt(variance));
    for (int i = 0; i < r->n; i++) {
        TruthId x0 = true_x0(t, r->k->prediction, r->x[i], truth_leaf(t, r->out[call * r->n + i]), a, s);
        x0 = r->k->clip_sample ? clipped(t, x0) : x0;
        r->x[i] = truth_binary(t, TRUTH_ADD, times(t, to_x0, x0), times(t, to_x, r->x[i]));
        if (draws)
            r->x[i] = truth_binary(t, TRUTH_ADD, r->x[i],
                                   times(t, to_noise, truth_leaf(t, r->noise[call * r->n + i])));
    }
}

static void true_step(Run *r, int call)
{
    const Schedule *s = &r->run->schedule;
    const int at = (int)r->run->time[call];
    const double abar = schedule_alpha_bar(s, at);
    if (r->k->sampler == &SAMPLER_DDIM) {
        true_ddim(r, call, abar, schedule_alpha_bar(s, at - s->steps / r->run->steps));
        return;
    }
    const bool last = call + 1 == r->run->calls;
    true_ddpm(r, call, abar, last ? 1.0 : schedule_alpha_bar(s, (int)r->run->time[call + 1]), at > 0);
}

static bool draws(const Run *r, int call)
{
    return r->k->sampler == &SAMPLER_DDIM ? r->k->eta > 0.0 : r->run->time[call] > 0.0;
}

/* The latents after a step, with the truth as far as it has come. */
static void add_step(GoldenFile *file, GoldenCase *c, const Run *r, int call, const float *x)
{
    char name[32];
    const int dim[2] = {1, r->n};
    double truth[SAMPLE], bound[SAMPLE];
    for (int i = 0; i < r->n; i++) {
        const TruthNumber y = truth_number(&r->t, r->x[i]);
        truth[i] = y.v;
        bound[i] = y.e;
    }
    snprintf(name, sizeof name, "step_%02d", call);
    golden_result(file, c, GOLDEN_OUTPUT, name, 2, dim, x, truth, bound, (size_t)r->n);
}

static void add_given(GoldenFile *file, GoldenCase *c, Run *r, const float *x, Rng noise, Arena *arena)
{
    char name[400];
    const int calls = r->run->calls, n = r->n, dim[2] = {calls, n};
    float *time = arena_alloc(arena, (size_t)calls, sizeof *time);
    r->noise = arena_alloc(arena, (size_t)calls * (size_t)n, sizeof *r->noise);
    r->out = arena_alloc(arena, (size_t)calls * (size_t)n, sizeof *r->out);
    if (time == NULL || r->noise == NULL || r->out == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    for (int i = 0; i < calls; i++) {
        snprintf(name, sizeof name, "%s/model_output/%d", c->name, i);
        golden_fill(r->out + i * n, (size_t)n, name, FILL_NORMAL);
        if (draws(r, i))
            rng_normal_fill(&noise, r->noise + i * n, (size_t)n);
        time[i] = (float)r->run->time[i];
    }
    golden_given(file, c, GOLDEN_INPUT, "timesteps", I64, 1, dim, time);
    golden_given(file, c, GOLDEN_INPUT, "latents", F32, 2, (const int[2]){1, n}, x);
    golden_given(file, c, GOLDEN_INPUT, "model_output", F32, 2, dim, r->out);
    golden_given(file, c, GOLDEN_INPUT, "noise", F32, 2, dim, r->noise);
}

static void describe(GoldenCase *c, const SamplerCase *k, const SchedulerConfig *config)
{
    c->like = k->sampler == &SAMPLER_DDIM ? "diffusers.DDIMScheduler.step" : "diffusers.DDPMScheduler.step";
    c->source = k->sampler == &SAMPLER_DDIM ? "diffusion/sampler_ddim.c" : "diffusion/sampler_ddpm.c";
    golden_attribute(c, "beta_start", config->beta_start); /* scaled_linear over 1000 timesteps */
    golden_attribute(c, "beta_end", config->beta_end);
    golden_attribute(c, "set_alpha_to_one", config->set_alpha_to_one);
    golden_attribute(c, "predicts_epsilon", k->prediction == PREDICT_EPSILON);
    golden_attribute(c, "predicts_v", k->prediction == PREDICT_V);
    golden_attribute(c, "predicts_sample", k->prediction == PREDICT_SAMPLE);
    golden_attribute(c, "eta", k->eta);
    golden_attribute(c, "clip_sample", k->clip_sample);
    golden_attribute(c, "use_clipped_model_output", k->clipped_epsilon);
    golden_attribute(c, "fixed_large_variance", k->variance == VARIANCE_FIXED_LARGE);
    golden_attribute(c, "rescale_betas_zero_snr", k->zero_snr);
    golden_attribute(c, "num_inference_steps", k->steps);
    golden_attribute(c, "trailing", k->spacing == SPACING_TRAILING);
    golden_attribute(c, "linspace", k->spacing == SPACING_LINSPACE);
}

static SchedulerConfig config_of(const SamplerCase *k)
{
    SchedulerConfig config = SCHEDULER_STABLE_DIFFUSION;
    config.prediction_type = k->prediction;
    config.timestep_spacing = k->spacing;
    config.steps_offset = k->spacing == SPACING_LEADING && k->steps < 1000;
    config.clip_sample = k->clip_sample;
    config.clip_sample_range = 1.0;
    config.rescale_betas_zero_snr = k->zero_snr;
    config.set_alpha_to_one = k->to_one || config.set_alpha_to_one;
    if (k->sampler == &SAMPLER_DDPM) {
        config.variance_type = k->variance;
        scheduler_config_say(&config, "variance_type");
    }
    return config;
}

/* From pure noise to the last step, and the truth beside it. */
static void take_steps(GoldenFile *file, GoldenCase *c, Run *r, Rng rng, Arena *arena)
{
    float x[SAMPLE], out[SAMPLE];
    const size_t bytes = (size_t)r->n * sizeof(float);
    rng_normal_fill(&rng, x, (size_t)r->n);
    sampler_start(r->run, x);
    add_given(file, c, r, x, rng, arena);
    *r->run->rng = rng;
    for (int i = 0; i < r->n; i++)
        r->x[i] = truth_leaf(&r->t, x[i]);
    for (int call = 0; call < r->run->calls && file->error.status == STATUS_OK && !r->t.failed; call++) {
        memcpy(out, r->out + call * r->n, bytes);
        r->run->sampler->step(r->run, call, x, out);
        true_step(r, call);
        if (r->n == SAMPLE || (call + 1) % SHOWN == 0)
            add_step(file, c, r, call, x);
    }
    if (r->t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

static void run_sampler(GoldenFile *file, const SamplerCase *k, Arena arena[2])
{
    const SchedulerConfig config = config_of(k);
    const SamplerOptions options = {.eta = k->eta, .clipped_epsilon = k->clipped_epsilon};
    Rng rng = rng_stream(RNG_PHILOX, 99, STREAM_NOISE, (uint64_t)(k - cases)), own = rng;
    SamplerRun run;
    Error refused = {.status = STATUS_OK};
    GoldenCase *c = golden_case(file, k->name);
    Run *r = arena_alloc(&arena[0], 1, sizeof *r);
    if (c == NULL || r == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    describe(c, k, &config);
    c->label = k->label;
    *r = (Run){.k = k, .run = &run, .n = k->steps < LONG_RUN ? SAMPLE : LONG_SAMPLE};
    r->t = truth_begin(&arena[1], false);
    const Status status = sampler_begin(&run, k->sampler, &config, options, k->steps, 1, (size_t)r->n, &own,
                                        &arena[0], &refused);
    if (k->label == GOLDEN_INVALID)
        golden_refused(file, c, status);
    else if (status == STATUS_OK)
        take_steps(file, c, r, rng, &arena[0]);
    else if (k->label == GOLDEN_VALID || status == STATUS_MEMORY)
        error_set(&file->error, status, "%s", refused.text);
}

void golden_samplers_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && file->error.status == STATUS_OK; i++) {
        Arena arena[2] = {{.account = file->arena->account}, {.account = file->arena->account}};
        run_sampler(file, &cases[i], arena);
        arena_free(&arena[0]);
        arena_free(&arena[1]);
    }
}
