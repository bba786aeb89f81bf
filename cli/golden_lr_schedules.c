/* cli/golden_lr_schedules.c - golden tables of the factor on the learning rate. */
#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "nn/lr_schedule.h"

enum { TABLE = 1100 };

typedef struct {
    const char *name, *like;
    LrSchedule schedule;
} LrCase;

static const LrCase cases[] = {
    {"constant", "diffusers.optimization.get_constant_schedule", {.kind = LR_CONSTANT, .total = 1000}},
    {"constant_with_warmup",
     "diffusers.optimization.get_constant_schedule_with_warmup",
     {.kind = LR_CONSTANT_WITH_WARMUP, .warmup = 70, .total = 1000}},
    {"linear",
     "diffusers.optimization.get_linear_schedule_with_warmup",
     {.kind = LR_LINEAR, .warmup = 70, .total = 1000}},
    {"cosine",
     "diffusers.optimization.get_cosine_schedule_with_warmup",
     {.kind = LR_COSINE, .warmup = 70, .total = 1000, .cycles = 0.5}},
    {"cosine_two_cycles",
     "diffusers.optimization.get_cosine_schedule_with_warmup",
     {.kind = LR_COSINE, .total = 1000, .cycles = 2.0}},
    {"cosine_with_restarts",
     "diffusers.optimization.get_cosine_with_hard_restarts_schedule_with_warmup",
     {.kind = LR_COSINE_WITH_RESTARTS, .warmup = 72, .total = 1000, .cycles = 3.0}},
    {"polynomial",
     "diffusers.optimization.get_polynomial_decay_schedule_with_warmup",
     {.kind = LR_POLYNOMIAL, .warmup = 70, .total = 1000, .power = 1.0, .end = 1e-3}},
    {"polynomial_square",
     "diffusers.optimization.get_polynomial_decay_schedule_with_warmup",
     {.kind = LR_POLYNOMIAL, .total = 1000, .power = 2.0, .end = 0.125}},
    {"only_warmup", NULL, {.kind = LR_LINEAR, .warmup = 2000, .total = 2000}},
    {"one_step", NULL, {.kind = LR_LINEAR, .total = 1}},
};

/* (1 + cos(pi u)) / 2 */
static TruthId true_wave(Truth *t, TruthId u)
{
    const TruthId cosine = truth_unary(t, TRUTH_COS, truth_scale(t, u, 0x1.921fb54442d18p+1));
    return truth_scale(t, truth_binary(t, TRUTH_ADD, truth_leaf(t, 1.0), cosine), 0.5);
}

/* The factor at that step; none of these falls below 0. */
static TruthId true_factor(Truth *t, const LrSchedule *s, int step)
{
    const double warm = (double)s->warmup, total = (double)s->total, one = 1.0;
    if (s->kind == LR_CONSTANT)
        return truth_leaf(t, one);
    if (step < warm)
        return truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, step), truth_leaf(t, warm));
    const double rest = total - warm > one ? total - warm : one;
    const TruthId p = truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, step - warm), truth_leaf(t, rest));
    const TruthId left = truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, total - step), truth_leaf(t, rest));
    const bool over = step > total, ended = step >= total;
    TruthId y;
    switch (s->kind) {
    case LR_LINEAR: return over ? truth_leaf(t, 0.0) : left;
    case LR_COSINE: return true_wave(t, truth_scale(t, p, 2.0 * s->cycles));
    case LR_COSINE_WITH_RESTARTS: { /* step - warm falls into turn `turn` of length rest / cycles */
        const double turn = (double)(int)((step - warm) * s->cycles / rest);
        const TruthId turns = truth_scale(t, p, s->cycles);
        y = truth_binary(t, TRUTH_SUBTRACT, turns, truth_leaf(t, turn));
        return ended ? truth_leaf(t, 0.0) : true_wave(t, y);
    }
    case LR_POLYNOMIAL:
        y = ended ? truth_leaf(t, 0.0) : truth_binary(t, TRUTH_SUBTRACT, truth_leaf(t, one), p);
        y = s->power == 2.0 ? truth_binary(t, TRUTH_MULTIPLY, y, y) : y;
        return truth_binary(t, TRUTH_ADD, truth_scale(t, y, one - s->end), truth_leaf(t, s->end));
    default: return truth_leaf(t, one);
    }
}

static void add_table(GoldenFile *file, const LrCase *k, Arena *arena)
{
    double truth[TABLE], bound[TABLE];
    const LrSchedule *s = &k->schedule;
    Truth t = truth_begin(arena, false);
    GoldenCase *c = golden_case(file, k->name);
    double *table = c != NULL ? arena_raw(file->arena, TABLE, sizeof *table) : NULL;
    t.unit = 0x1p-53;
    for (int i = 0; table != NULL && i < TABLE && !t.failed; i++) {
        const TruthNumber y = truth_number(&t, true_factor(&t, s, i));
        table[i] = lr_factor(s, i);
        truth[i] = y.v;
        bound[i] = 2.0 * y.e; /* the truth is binary64, too */
    }
    if (table == NULL || t.failed) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    c->like = k->like;
    c->source = "nn/lr_schedule.h";
    golden_attribute(c, "num_warmup_steps", (double)s->warmup);
    golden_attribute(c, "num_training_steps", (double)s->total);
    golden_attribute(c, "num_cycles", s->cycles);
    golden_attribute(c, "power", s->power);
    golden_attribute(c, "end", s->end);
    golden_result_raw(file, c, "factor", F64, TABLE, table, truth, bound, TABLE);
}

void golden_lr_schedules_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && file->error.status == STATUS_OK; i++) {
        Arena arena = {.account = file->arena->account};
        add_table(file, &cases[i], &arena);
        arena_free(&arena);
    }
}
