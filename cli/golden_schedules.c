/* cli/golden_schedules.c - golden noise schedules: all beta and alpha-bar, and lists of timesteps. */
#include <math.h>
#include <stdio.h>

#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "diffusion/schedule.h"

enum { STEPS = 1000 };

typedef struct {
    const char *name;
    int beta_schedule;
    double beta_start, beta_end;
    bool zero_snr;
} Betas;

static const Betas tables[] = {
    {"linear", BETA_LINEAR, 0.0001, 0.02, false},
    {"scaled_linear", BETA_SCALED_LINEAR, 0.00085, 0.012, false},
    {"squaredcos_cap_v2", BETA_SQUAREDCOS_CAP_V2, 0.0001, 0.02, false},
    {"sigmoid", BETA_SIGMOID, 0.0001, 0.02, false},
    {"scaled_linear_zero_snr", BETA_SCALED_LINEAR, 0.00085, 0.012, true},
};

/* a + (b - a) i / (STEPS - 1) */
static TruthId between(Truth *t, TruthId a, TruthId b, int i)
{
    const TruthId range = truth_binary(t, TRUTH_SUBTRACT, b, a);
    const TruthId part = truth_binary(t, TRUTH_MULTIPLY, range, truth_leaf(t, i));
    return truth_binary(t, TRUTH_ADD, a, truth_binary(t, TRUTH_DIVIDE, part, truth_leaf(t, STEPS - 1)));
}

/* cos^2((i / STEPS + 0.008) / 1.008 pi / 2) */
static TruthId squared_cosine(Truth *t, int i)
{
    const TruthId u = truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, i), truth_leaf(t, STEPS));
    const TruthId moved = truth_binary(t, TRUTH_ADD, u, truth_leaf(t, 0.008));
    const TruthId part = truth_binary(t, TRUTH_DIVIDE, moved, truth_leaf(t, 1.008));
    const TruthId cosine = truth_unary(t, TRUTH_COS, truth_scale(t, part, 0x1.921fb54442d18p+0));
    return truth_binary(t, TRUTH_MULTIPLY, cosine, cosine);
}

static TruthId true_beta(Truth *t, const Betas *b, int i)
{
    const TruthId one = truth_leaf(t, 1.0), b0 = truth_leaf(t, b->beta_start),
                  b1 = truth_leaf(t, b->beta_end);
    TruthId r;
    switch (b->beta_schedule) {
    case BETA_LINEAR: return between(t, b0, b1, i);
    case BETA_SCALED_LINEAR:
        r = between(t, truth_unary(t, TRUTH_SQRT, b0), truth_unary(t, TRUTH_SQRT, b1), i);
        return truth_binary(t, TRUTH_MULTIPLY, r, r);
    case BETA_SQUAREDCOS_CAP_V2:
        r = truth_binary(t, TRUTH_DIVIDE, squared_cosine(t, i + 1), squared_cosine(t, i));
        r = truth_binary(t, TRUTH_SUBTRACT, one, r);
        return t->number[r].v < 0.999 ? r : truth_leaf(t, 0.999);
    default:
        r = between(t, truth_leaf(t, -6.0), truth_leaf(t, 6.0), i);
        r = truth_unary(t, TRUTH_EXP, truth_scale(t, r, -1.0));
        r = truth_binary(t, TRUTH_DIVIDE, one, truth_binary(t, TRUTH_ADD, one, r));
        r = truth_binary(t, TRUTH_MULTIPLY, r, truth_binary(t, TRUTH_SUBTRACT, b1, b0));
        return truth_binary(t, TRUTH_ADD, r, b0);
    }
}

/* r' = (r - r_last) r_0 / (r_0 - r_last) for r = sqrt(alpha-bar), and the betas that follow [Lin24, algorithm 1]. */
static void rescale(Truth *t, TruthId *beta, TruthId *alpha_bar)
{
    const TruthId first = truth_unary(t, TRUTH_SQRT, alpha_bar[0]);
    const TruthId last = truth_unary(t, TRUTH_SQRT, alpha_bar[STEPS - 1]);
    const TruthId stretch =
        truth_binary(t, TRUTH_DIVIDE, first, truth_binary(t, TRUTH_SUBTRACT, first, last));
    const TruthId one = truth_leaf(t, 1.0);
    for (int i = 0; i < STEPS; i++) {
        const TruthId r = i < STEPS - 1 ? truth_unary(t, TRUTH_SQRT, alpha_bar[i]) : last;
        const TruthId moved = i < STEPS - 1 ? truth_binary(t, TRUTH_SUBTRACT, r, last) : truth_leaf(t, 0.0);
        const TruthId scaled = truth_binary(t, TRUTH_MULTIPLY, moved, stretch);
        alpha_bar[i] = truth_binary(t, TRUTH_MULTIPLY, scaled, scaled);
    }
    for (int i = 0; i < STEPS; i++) {
        const TruthId ratio =
            i > 0 ? truth_binary(t, TRUTH_DIVIDE, alpha_bar[i], alpha_bar[i - 1]) : alpha_bar[0];
        beta[i] = truth_binary(t, TRUTH_SUBTRACT, one, ratio);
    }
}

/* The products of 1 - beta[i], i <= t, with 106 bits: the error of each sum and product is known exactly (Dekker 1971)
 * and carried along. */
static void long_product(double *out, const Truth *t, const TruthId *beta)
{
    double high = 1.0, low = 0.0;
    for (int i = 0; i < STEPS; i++) {
        const double b = t->number[beta[i]].v, alpha = 1.0 - b, lost = (1.0 - alpha) - b;
        const double p = high * alpha, split = 0x1.000002p+27; /* 2^27 + 1 */
        const double h = high * split - (high * split - high), a = alpha * split - (alpha * split - alpha);
        const double error = ((h * a - p) + h * (alpha - a) + (high - h) * a) + (high - h) * (alpha - a);
        const double rest = error + (low * alpha + high * lost);
        high = p + rest;
        low = rest - (high - p);
        out[i] = high;
    }
}

/* Numbers of binary64, whose truth is binary64 too and, but for `better`, as wrong as they are: twice the bound. */
static void add_table(GoldenFile *file, GoldenCase *c, const char *name, const double *table,
                      const Truth *t, const TruthId *id, const double *better)
{
    double truth[STEPS], bound[STEPS];
    double *kept = arena_raw(file->arena, STEPS, sizeof *kept);
    if (kept == NULL || t->failed) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    for (int i = 0; i < STEPS; i++) {
        kept[i] = table[i];
        truth[i] = better != NULL ? better[i] : truth_number(t, id[i]).v;
        bound[i] = 2.0 * truth_number(t, id[i]).e;
    }
    golden_result_raw(file, c, name, F64, STEPS, kept, truth, bound, STEPS);
}

static void add_schedule(GoldenFile *file, const Betas *b)
{
    Arena arena[2] = {{.account = file->arena->account}, {.account = file->arena->account}};
    Truth t = truth_begin(&arena[0], false);
    TruthId beta[STEPS], alpha_bar[STEPS];
    double product[STEPS];
    SchedulerConfig config = SCHEDULER_DEFAULTS;
    Schedule s;
    config.num_train_timesteps = STEPS;
    config.beta_schedule = b->beta_schedule;
    config.beta_start = b->beta_start;
    config.beta_end = b->beta_end;
    config.rescale_betas_zero_snr = b->zero_snr;
    t.unit = 0x1p-53;
    for (int i = 0; i < STEPS; i++) {
        beta[i] = true_beta(&t, b, i);
        alpha_bar[i] = truth_binary(&t, TRUTH_SUBTRACT, truth_leaf(&t, 1.0), beta[i]);
        if (i > 0)
            alpha_bar[i] = truth_binary(&t, TRUTH_MULTIPLY, alpha_bar[i - 1], alpha_bar[i]);
    }
    if (!t.failed)
        long_product(product, &t, beta);
    if (b->zero_snr)
        rescale(&t, beta, alpha_bar);
    GoldenCase *c = golden_case(file, b->name);
    if (c != NULL && schedule_make(&s, &config, false, &arena[1], &file->error) == STATUS_OK) {
        c->source = "diffusion/schedule.h";
        golden_attribute(c, "num_train_timesteps", STEPS);
        golden_attribute(c, "beta_start", b->beta_start);
        golden_attribute(c, "beta_end", b->beta_end);
        golden_attribute(c, "rescale_betas_zero_snr", b->zero_snr);
        add_table(file, c, "beta", s.beta, &t, beta, NULL);
        add_table(file, c, "alpha_bar", s.alpha_bar, &t, alpha_bar, b->zero_snr ? NULL : product);
    }
    arena_free(&arena[0]);
    arena_free(&arena[1]);
}

/* ---- timesteps ---- */

typedef struct {
    const char *name;
    int spacing, steps, offset;
} Spacing;

static const Spacing spacings[] = {
    {"leading_50", SPACING_LEADING, 50, 1},   {"leading_30", SPACING_LEADING, 30, 1},
    {"trailing_50", SPACING_TRAILING, 50, 0}, {"trailing_30", SPACING_TRAILING, 30, 0},
    {"linspace_50", SPACING_LINSPACE, 50, 0}, {"linspace_7", SPACING_LINSPACE, 7, 0},
    {"one_step", SPACING_TRAILING, 1, 0},     {"all", SPACING_LEADING, STEPS, 0},
};

/* A timestep that falls halfway goes to the even one; the formula is simple enough to be written again. */
static double true_timestep(const Spacing *s, int i)
{
    const int k = s->steps - 1 - i;
    if (s->spacing == SPACING_LEADING)
        return k * (STEPS / s->steps) + s->offset;
    if (s->spacing == SPACING_TRAILING)
        return rint((double)STEPS - i * ((double)STEPS / s->steps)) - 1.0;
    return rint(k * ((double)(STEPS - 1) / (s->steps - 1)));
}

static void add_timesteps(GoldenFile *file, const Spacing *s)
{
    int list[STEPS];
    double truth[STEPS];
    const double none = 0.0;
    SchedulerConfig config = SCHEDULER_DEFAULTS;
    config.num_train_timesteps = STEPS;
    config.timestep_spacing = s->spacing;
    config.steps_offset = s->offset;
    GoldenCase *c = golden_case(file, s->name);
    int64_t *kept = c != NULL ? arena_raw(file->arena, STEPS, sizeof *kept) : NULL;
    if (kept == NULL)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    else if (schedule_timesteps(list, s->steps, &config, &file->error) != STATUS_OK)
        kept = NULL;
    if (kept == NULL)
        return;
    for (int i = 0; i < s->steps; i++) {
        kept[i] = list[i];
        truth[i] = true_timestep(s, i);
    }
    c->source = "diffusion/schedule.h, schedule_timesteps";
    golden_attribute(c, "num_train_timesteps", STEPS);
    golden_attribute(c, "num_inference_steps", s->steps);
    golden_attribute(c, "steps_offset", s->offset);
    golden_result_raw(file, c, "timesteps", I64, (size_t)s->steps, kept, truth, &none, 1);
}

void golden_schedules_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        add_schedule(file, &tables[i]);
    for (size_t i = 0; i < sizeof spacings / sizeof spacings[0]; i++)
        add_timesteps(file, &spacings[i]);
}
