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

enum { SAMPLE = 64, STEPS_MOST = 16 };

typedef struct {
    const char *name;
    const Sampler *sampler;
    int steps, prediction, spacing;
    double eta;
    bool clip_sample, clipped_epsilon;
    int variance; /* VARIANCE_...: DDPM */
} SamplerCase;

static const SamplerCase cases[] = {
    {"ddim_epsilon", &SAMPLER_DDIM, 10, PREDICT_EPSILON, SPACING_LEADING, 0.0, false, false, 0},
    {"ddim_v", &SAMPLER_DDIM, 10, PREDICT_V, SPACING_TRAILING, 0.0, false, false, 0},
    {"ddim_sample", &SAMPLER_DDIM, 10, PREDICT_SAMPLE, SPACING_LINSPACE, 0.0, false, false, 0},
    {"ddim_eta_1", &SAMPLER_DDIM, 10, PREDICT_V, SPACING_LEADING, 1.0, false, false, 0},
    {"ddim_clipped", &SAMPLER_DDIM, 6, PREDICT_EPSILON, SPACING_LEADING, 0.5, true, true, 0},
    {"ddpm_epsilon", &SAMPLER_DDPM, 10, PREDICT_EPSILON, SPACING_LEADING, 0.0, false, false,
     VARIANCE_FIXED_SMALL},
    {"ddpm_v", &SAMPLER_DDPM, 10, PREDICT_V, SPACING_TRAILING, 0.0, false, false, VARIANCE_FIXED_SMALL},
    {"ddpm_sample", &SAMPLER_DDPM, 10, PREDICT_SAMPLE, SPACING_LEADING, 0.0, true, false,
     VARIANCE_FIXED_LARGE},
};

/* Numbers of one run: what is given, and the truth so far. */
typedef struct {
    const SamplerCase *k;
    SamplerRun *run;
    Truth t;
    TruthId x[SAMPLE];
    float noise[STEPS_MOST][SAMPLE], out[STEPS_MOST][SAMPLE];
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
    for (int i = 0; i < SAMPLE; i++) {
        const TruthId out = truth_leaf(t, r->out[call][i]), x = r->x[i];
        TruthId x0 = true_x0(t, r->k->prediction, x, out, a, s);
        TruthId epsilon = true_epsilon(t, r->k->prediction, x, out, a, s);
        x0 = r->k->clip_sample ? clipped(t, x0) : x0;
        if (r->k->clipped_epsilon)
            epsilon = true_epsilon(t, PREDICT_SAMPLE, x, x0, a, s);
        r->x[i] = truth_binary(t, TRUTH_ADD, times(t, to_x0, x0), times(t, to_epsilon, epsilon));
        if (sd > 0.0)
            r->x[i] =
                truth_binary(t, TRUTH_ADD, r->x[i], times(t, to_noise, truth_leaf(t, r->noise[call][i])));
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
    for (int i = 0; i < SAMPLE; i++) {
        TruthId x0 = true_x0(t, r->k->prediction, r->x[i], truth_leaf(t, r->out[call][i]), a, s);
        x0 = r->k->clip_sample ? clipped(t, x0) : x0;
        r->x[i] = truth_binary(t, TRUTH_ADD, times(t, to_x0, x0), times(t, to_x, r->x[i]));
        if (draws)
            r->x[i] =
                truth_binary(t, TRUTH_ADD, r->x[i], times(t, to_noise, truth_leaf(t, r->noise[call][i])));
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
    const int dim[2] = {1, SAMPLE};
    double truth[SAMPLE], bound[SAMPLE];
    for (int i = 0; i < SAMPLE; i++) {
        const TruthNumber y = truth_number(&r->t, r->x[i]);
        truth[i] = y.v;
        bound[i] = y.e;
    }
    snprintf(name, sizeof name, "step_%02d", call);
    golden_result(file, c, GOLDEN_OUTPUT, name, 2, dim, x, truth, bound, SAMPLE);
}

static void add_given(GoldenFile *file, GoldenCase *c, Run *r, const float *x, Rng noise)
{
    char name[400];
    float time[STEPS_MOST];
    const int dim[2] = {r->run->calls, SAMPLE};
    memset(r->noise, 0, sizeof r->noise);
    for (int i = 0; i < r->run->calls; i++) {
        snprintf(name, sizeof name, "%s/model_output/%d", c->name, i);
        golden_fill(r->out[i], SAMPLE, name, FILL_NORMAL);
        if (draws(r, i))
            rng_normal_fill(&noise, r->noise[i], SAMPLE);
        time[i] = (float)r->run->time[i];
    }
    golden_given(file, c, GOLDEN_INPUT, "timesteps", I64, 1, dim, time);
    golden_given(file, c, GOLDEN_INPUT, "latents", F32, 2, (const int[2]){1, SAMPLE}, x);
    golden_given(file, c, GOLDEN_INPUT, "model_output", F32, 2, dim, r->out[0]);
    golden_given(file, c, GOLDEN_INPUT, "noise", F32, 2, dim, r->noise[0]);
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
}

static void run_sampler(GoldenFile *file, const SamplerCase *k, Arena arena[2])
{
    SchedulerConfig config = SCHEDULER_STABLE_DIFFUSION;
    SamplerRun run;
    config.prediction_type = k->prediction;
    config.timestep_spacing = k->spacing;
    config.steps_offset = k->spacing == SPACING_LEADING;
    config.clip_sample = k->clip_sample;
    config.clip_sample_range = 1.0;
    if (k->sampler == &SAMPLER_DDPM) {
        config.variance_type = k->variance;
        scheduler_config_say(&config, "variance_type");
    }
    const SamplerOptions options = {.eta = k->eta, .clipped_epsilon = k->clipped_epsilon};
    Rng rng = rng_stream(RNG_PHILOX, 99, STREAM_NOISE, (uint64_t)(k - cases));
    GoldenCase *c = golden_case(file, k->name);
    Run *r = arena_alloc(&arena[0], 1, sizeof *r);
    if (c == NULL || r == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    describe(c, k, &config);
    float x[SAMPLE];
    rng_normal_fill(&rng, x, SAMPLE);
    if (sampler_begin(&run, k->sampler, &config, options, k->steps, 1, SAMPLE, &rng, &arena[0],
                      &file->error) != STATUS_OK)
        return;
    *r = (Run){.k = k, .run = &run, .t = truth_begin(&arena[1], false)};
    sampler_start(&run, x);
    add_given(file, c, r, x, rng);
    for (int i = 0; i < SAMPLE; i++)
        r->x[i] = truth_leaf(&r->t, x[i]);
    for (int call = 0; call < run.calls && !r->t.failed; call++) {
        float out[SAMPLE];
        memcpy(out, r->out[call], sizeof out);
        run.sampler->step(&run, call, x, out);
        true_step(r, call);
        add_step(file, c, r, call, x);
    }
    if (r->t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
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
