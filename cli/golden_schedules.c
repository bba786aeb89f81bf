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
    int steps, every; /* shown are timesteps every - 1, 2 every - 1, ... */
    GoldenLabel label;
} Betas;

static const Betas tables[] = {
    {"linear", BETA_LINEAR, 0.0001, 0.02, false, STEPS, 1, GOLDEN_VALID},
    {"scaled_linear", BETA_SCALED_LINEAR, 0.00085, 0.012, false, STEPS, 1, GOLDEN_VALID},
    {"squaredcos_cap_v2", BETA_SQUAREDCOS_CAP_V2, 0.0001, 0.02, false, STEPS, 1, GOLDEN_VALID},
    {"sigmoid", BETA_SIGMOID, 0.0001, 0.02, false, STEPS, 1, GOLDEN_VALID},
    {"scaled_linear_zero_snr", BETA_SCALED_LINEAR, 0.00085, 0.012, true, STEPS, 1, GOLDEN_VALID},
    {"linear_100000", BETA_LINEAR, 1e-6, 2e-4, false, 100000, 100, GOLDEN_VALID},
    {"two_timesteps", BETA_LINEAR, 0.25, 0.5, false, 2, 1, GOLDEN_VALID},
    {"one_timestep", BETA_LINEAR, 0.25, 0.5, false, 1, 1, GOLDEN_VALID},
    {"beta_of_0", BETA_LINEAR, 0.0, 0.02, false, STEPS, 1, GOLDEN_EITHER},
    {"beta_of_1", BETA_LINEAR, 0.0001, 1.0, false, STEPS, 1, GOLDEN_EITHER},
    {"beta_above_1", BETA_LINEAR, 0.0001, 1.5, false, STEPS, 1, GOLDEN_INVALID},
    {"no_timesteps", BETA_LINEAR, 0.0001, 0.02, false, 0, 1, GOLDEN_INVALID},
};

/* One table that is being made: (steps) numbers each. */
typedef struct {
    const Betas *b;
    Truth t;
    TruthId *beta, *alpha_bar;
    double *product;
} Table;

/* a + (b - a) i / (steps - 1) */
static TruthId between(Truth *t, TruthId a, TruthId b, int i, int steps)
{
    const TruthId last = truth_leaf(t, steps > 1 ? steps - 1 : 1);
    const TruthId range = truth_binary(t, TRUTH_SUBTRACT, b, a);
    const TruthId part = truth_binary(t, TRUTH_MULTIPLY, range, truth_leaf(t, i));
    return truth_binary(t, TRUTH_ADD, a, truth_binary(t, TRUTH_DIVIDE, part, last));
}

/* cos^2((i / steps + 0.008) / 1.008 pi / 2) */
static TruthId squared_cosine(Truth *t, int i, int steps)
{
    const TruthId u = truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, i), truth_leaf(t, steps));
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
    case BETA_LINEAR: return between(t, b0, b1, i, b->steps);
    case BETA_SCALED_LINEAR:
        r = between(t, truth_unary(t, TRUTH_SQRT, b0), truth_unary(t, TRUTH_SQRT, b1), i, b->steps);
        return truth_binary(t, TRUTH_MULTIPLY, r, r);
    case BETA_SQUAREDCOS_CAP_V2:
        r = truth_binary(t, TRUTH_DIVIDE, squared_cosine(t, i + 1, b->steps),
                         squared_cosine(t, i, b->steps));
        r = truth_binary(t, TRUTH_SUBTRACT, one, r);
        return t->number[r].v < 0.999 ? r : truth_leaf(t, 0.999);
    default:
        r = between(t, truth_leaf(t, -6.0), truth_leaf(t, 6.0), i, b->steps);
        r = truth_unary(t, TRUTH_EXP, truth_scale(t, r, -1.0));
        r = truth_binary(t, TRUTH_DIVIDE, one, truth_binary(t, TRUTH_ADD, one, r));
        r = truth_binary(t, TRUTH_MULTIPLY, r, truth_binary(t, TRUTH_SUBTRACT, b1, b0));
        return truth_binary(t, TRUTH_ADD, r, b0);
    }
}

/* r' = (r - r_last) r_0 / (r_0 - r_last) for r = sqrt(alpha-bar), and the betas that follow [Lin24, algorithm 1]. */
static void rescale(Table *k)
{
    Truth *t = &k->t;
    TruthId *alpha_bar = k->alpha_bar;
    const int steps = k->b->steps;
    const TruthId first = truth_unary(t, TRUTH_SQRT, alpha_bar[0]);
    const TruthId last = truth_unary(t, TRUTH_SQRT, alpha_bar[steps - 1]);
    const TruthId stretch =
        truth_binary(t, TRUTH_DIVIDE, first, truth_binary(t, TRUTH_SUBTRACT, first, last));
    const TruthId one = truth_leaf(t, 1.0);
    for (int i = 0; i < steps; i++) {
        const TruthId r = i < steps - 1 ? truth_unary(t, TRUTH_SQRT, alpha_bar[i]) : last;
        const TruthId moved = i < steps - 1 ? truth_binary(t, TRUTH_SUBTRACT, r, last) : truth_leaf(t, 0.0);
        const TruthId scaled = truth_binary(t, TRUTH_MULTIPLY, moved, stretch);
        alpha_bar[i] = truth_binary(t, TRUTH_MULTIPLY, scaled, scaled);
    }
    for (int i = 0; i < steps; i++) {
        const TruthId ratio =
            i > 0 ? truth_binary(t, TRUTH_DIVIDE, alpha_bar[i], alpha_bar[i - 1]) : alpha_bar[0];
        k->beta[i] = truth_binary(t, TRUTH_SUBTRACT, one, ratio);
    }
}

/* The products of 1 - beta[i], i <= t, with 106 bits: the error of each sum and product is known exactly (Dekker 1971)
 * and carried along. */
static void long_product(Table *k)
{
    double high = 1.0, low = 0.0;
    for (int i = 0; i < k->b->steps; i++) {
        const double b = k->t.number[k->beta[i]].v, alpha = 1.0 - b, lost = (1.0 - alpha) - b;
        const double p = high * alpha, split = 0x1.000002p+27; /* 2^27 + 1 */
        const double h = high * split - (high * split - high), a = alpha * split - (alpha * split - alpha);
        const double error = ((h * a - p) + h * (alpha - a) + (high - h) * a) + (high - h) * (alpha - a);
        const double rest = error + (low * alpha + high * lost);
        high = p + rest;
        low = rest - (high - p);
        k->product[i] = high;
    }
}

static Status no_memory(GoldenFile *file)
{
    return error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

/* Numbers of binary64, whose truth is binary64 too and, but for `better`, as wrong as they are: twice the bound. */
static void add_table(GoldenFile *file, GoldenCase *c, const char *name, const double *table,
                      const Table *k, const TruthId *id, const double *better)
{
    double truth[STEPS], bound[STEPS];
    const int every = k->b->every, shown = k->b->steps / every;
    double *kept = arena_raw(file->arena, STEPS, sizeof *kept);
    if (kept == NULL || k->t.failed) {
        no_memory(file);
        return;
    }
    for (int i = 0; i < shown; i++) {
        const int at = (i + 1) * every - 1;
        kept[i] = table[at];
        truth[i] = better != NULL ? better[at] : truth_number(&k->t, id[at]).v;
        bound[i] = 2.0 * truth_number(&k->t, id[at]).e;
    }
    golden_result_raw(file, c, name, F64, (size_t)shown, kept, truth, bound, (size_t)shown);
}

static void true_table(Table *k)
{
    Truth *t = &k->t;
    t->unit = 0x1p-53;
    for (int i = 0; i < k->b->steps && !t->failed; i++) {
        k->beta[i] = true_beta(t, k->b, i);
        k->alpha_bar[i] = truth_binary(t, TRUTH_SUBTRACT, truth_leaf(t, 1.0), k->beta[i]);
        if (i > 0)
            k->alpha_bar[i] = truth_binary(t, TRUTH_MULTIPLY, k->alpha_bar[i - 1], k->alpha_bar[i]);
    }
    if (!t->failed)
        long_product(k);
    if (k->b->zero_snr && !t->failed)
        rescale(k);
}

static void run_schedule(GoldenFile *file, const Betas *b, Arena arena[2])
{
    const size_t n = (size_t)b->steps + 1;
    Table k = {.b = b, .t = truth_begin(&arena[0], false)};
    SchedulerConfig config = SCHEDULER_DEFAULTS;
    Schedule s;
    Error refused = {.status = STATUS_OK};
    config.num_train_timesteps = b->steps;
    config.beta_schedule = b->beta_schedule;
    config.beta_start = b->beta_start;
    config.beta_end = b->beta_end;
    config.rescale_betas_zero_snr = b->zero_snr;
    k.beta = arena_raw(&arena[1], n, sizeof *k.beta);
    k.alpha_bar = arena_raw(&arena[1], n, sizeof *k.alpha_bar);
    k.product = arena_raw(&arena[1], n, sizeof *k.product);
    GoldenCase *c = golden_case(file, b->name);
    if (c == NULL || k.beta == NULL || k.alpha_bar == NULL || k.product == NULL) {
        no_memory(file);
        return;
    }
    c->source = "diffusion/schedule.h";
    c->label = b->label;
    golden_attribute(c, "num_train_timesteps", b->steps);
    golden_attribute(c, "beta_start", b->beta_start);
    golden_attribute(c, "beta_end", b->beta_end);
    golden_attribute(c, "rescale_betas_zero_snr", b->zero_snr);
    golden_attribute(c, "every", b->every);
    const Status status = schedule_make(&s, &config, false, &arena[1], &refused);
    if (b->label == GOLDEN_INVALID)
        golden_refused(file, c, status);
    else if (status != STATUS_OK && (b->label == GOLDEN_VALID || status == STATUS_MEMORY))
        error_set(&file->error, status, "%s", refused.text);
    if (status != STATUS_OK || b->label == GOLDEN_INVALID)
        return;
    true_table(&k);
    add_table(file, c, "beta", s.beta, &k, k.beta, NULL);
    add_table(file, c, "alpha_bar", s.alpha_bar, &k, k.alpha_bar, b->zero_snr ? NULL : k.product);
}

static void add_schedule(GoldenFile *file, const Betas *b)
{
    Arena arena[2] = {{.account = file->arena->account}, {.account = file->arena->account}};
    run_schedule(file, b, arena);
    arena_free(&arena[0]);
    arena_free(&arena[1]);
}

/* ---- timesteps ---- */

typedef struct {
    const char *name;
    int spacing, steps, offset;
    GoldenLabel label;
} Spacing;

static const Spacing spacings[] = {
    {"leading_50", SPACING_LEADING, 50, 1, GOLDEN_VALID},
    {"leading_30", SPACING_LEADING, 30, 1, GOLDEN_VALID},
    {"trailing_50", SPACING_TRAILING, 50, 0, GOLDEN_VALID},
    {"trailing_30", SPACING_TRAILING, 30, 0, GOLDEN_VALID},
    {"linspace_50", SPACING_LINSPACE, 50, 0, GOLDEN_VALID},
    {"linspace_7", SPACING_LINSPACE, 7, 0, GOLDEN_VALID},
    {"one_step", SPACING_TRAILING, 1, 0, GOLDEN_VALID},
    {"one_step_linspace", SPACING_LINSPACE, 1, 0, GOLDEN_VALID},
    {"all", SPACING_LEADING, STEPS, 0, GOLDEN_VALID},
    {"no_steps", SPACING_LEADING, 0, 0, GOLDEN_INVALID},
    {"more_steps_than_timesteps", SPACING_LEADING, STEPS + 1, 0, GOLDEN_INVALID},
    {"offset_beyond_the_end", SPACING_LEADING, STEPS, 1, GOLDEN_INVALID},
};

/* A timestep that falls halfway goes to the even one; the formula is simple enough to be written again. */
static double true_timestep(const Spacing *s, int i)
{
    const int k = s->steps - 1 - i;
    if (s->spacing == SPACING_LEADING)
        return k * (STEPS / s->steps) + s->offset;
    if (s->spacing == SPACING_TRAILING)
        return rint((double)STEPS - i * ((double)STEPS / s->steps)) - 1.0;
    return s->steps > 1 ? rint(k * ((double)(STEPS - 1) / (s->steps - 1))) : 0.0;
}

static void add_timesteps(GoldenFile *file, const Spacing *s)
{
    int list[STEPS + 1];
    double truth[STEPS];
    const double none = 0.0;
    Error refused = {.status = STATUS_OK};
    SchedulerConfig config = SCHEDULER_DEFAULTS;
    config.num_train_timesteps = STEPS;
    config.timestep_spacing = s->spacing;
    config.steps_offset = s->offset;
    GoldenCase *c = golden_case(file, s->name);
    int64_t *kept = c != NULL ? arena_raw(file->arena, STEPS, sizeof *kept) : NULL;
    if (kept == NULL) {
        no_memory(file);
        return;
    }
    c->source = "diffusion/schedule.h, schedule_timesteps";
    golden_attribute(c, "num_train_timesteps", STEPS);
    golden_attribute(c, "num_inference_steps", s->steps);
    golden_attribute(c, "steps_offset", s->offset);
    const Status status = schedule_timesteps(list, s->steps, &config, &refused);
    if (s->label == GOLDEN_INVALID)
        golden_refused(file, c, status);
    else if (status != STATUS_OK)
        error_set(&file->error, status, "%s", refused.text);
    if (status != STATUS_OK || s->label == GOLDEN_INVALID)
        return;
    for (int i = 0; i < s->steps; i++) {
        kept[i] = list[i];
        truth[i] = true_timestep(s, i);
    }
    golden_result_raw(file, c, "timesteps", I64, (size_t)s->steps, kept, truth, &none, 1);
}

void golden_schedules_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && file->error.status == STATUS_OK; i++)
        add_schedule(file, &tables[i]);
    for (size_t i = 0; i < sizeof spacings / sizeof spacings[0]; i++)
        add_timesteps(file, &spacings[i]);
}
