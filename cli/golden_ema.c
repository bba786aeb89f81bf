/* cli/golden_ema.c - golden runs of the moving average of parameters, update by update. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/elementary64.h"
#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "nn/ema.h"

enum { NUMBERS = 33, UPDATES = 12 };

typedef struct {
    const char *name;
    GoldenLabel label;
    GoldenFill fill;
    EmaOptions options;
} EmaCase;

static const EmaCase cases[] = {
    {"ordinary", GOLDEN_VALID, FILL_NORMAL, {.decay = 0.9999, .inv_gamma = 1.0, .power = 0.75}},
    {"small_decay", GOLDEN_VALID, FILL_NORMAL, {.decay = 0.25}},
    {"least_decay", GOLDEN_VALID, FILL_NORMAL, {.decay = 0.9999, .min_decay = 0.5}},
    {"begins_later", GOLDEN_VALID, FILL_NORMAL, {.decay = 0.9999, .after = 3}},
    {"warmup",
     GOLDEN_VALID,
     FILL_NORMAL,
     {.decay = 0.9999, .warmup = true, .inv_gamma = 2.0, .power = 0x1.5555555555555p-1}},
    {"subnormal", GOLDEN_VALID, FILL_SUBNORMAL, {.decay = 0.9999}},
    {"decay_above_1", GOLDEN_INVALID, FILL_NORMAL, {.decay = 1.5}},
    {"negative_decay", GOLDEN_INVALID, FILL_NORMAL, {.decay = 0.9, .min_decay = -0.5}},
    {"no_gamma", GOLDEN_INVALID, FILL_NORMAL, {.decay = 0.9, .warmup = true, .power = 0.5}},
};

/* 1 - decay of update t (from 1), rounded once; a copy (1) before averaging begins. */
static TruthId true_rest(Truth *t, const EmaOptions *o, int update)
{
    const double k = (double)(update - 1 - (int)o->after);
    double decay = k <= 0.0    ? 0.0
                   : o->warmup ? 1.0 - pow_f64(1.0 + k / o->inv_gamma, -o->power)
                               : (1.0 + k) / (10.0 + k);
    if (k > 0.0) {
        decay = decay > o->decay ? o->decay : decay;
        decay = decay < o->min_decay ? o->min_decay : decay;
    }
    return truth_scale(t, truth_leaf(t, 1.0), 1.0 - decay);
}

/* (1 - rest) shadow + rest p, also with what the contract's form, shadow - rest (shadow - p), loses in its difference:
 * as that is written, the bound of the shadow would count twice. */
static TruthId true_update(Truth *t, TruthId shadow, TruthId rest, TruthId p)
{
    const double share = t->number[rest].v, apart = fabs(t->number[shadow].v - t->number[p].v);
    const TruthId kept = truth_binary(t, TRUTH_SUBTRACT, truth_leaf(t, 1.0), rest);
    const TruthId old = truth_binary(t, TRUTH_MULTIPLY, kept, shadow);
    const TruthId y = truth_binary(t, TRUTH_ADD, old, truth_binary(t, TRUTH_MULTIPLY, rest, p));
    return truth_binary(t, TRUTH_ADD, y, truth_inexact(t, 0.0, 2.0 * t->unit * share * apart));
}

static void describe(GoldenCase *c, const EmaOptions *o)
{
    c->like = "diffusers.training_utils.EMAModel.step";
    c->source = "nn/ema.h";
    golden_attribute(c, "decay", o->decay);
    golden_attribute(c, "min_decay", o->min_decay);
    golden_attribute(c, "update_after_step", (double)o->after);
    golden_attribute(c, "use_ema_warmup", o->warmup);
    golden_attribute(c, "inv_gamma", o->inv_gamma);
    golden_attribute(c, "power", o->power);
}

static void add_update(GoldenFile *file, GoldenCase *c, int update, const float *shadow, const Truth *t,
                       const TruthId *id)
{
    char name[32];
    const int dim = NUMBERS;
    double truth[NUMBERS], bound[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
        const TruthNumber x = truth_number(t, id[i]);
        truth[i] = x.v;
        bound[i] = x.e;
    }
    snprintf(name, sizeof name, "step_%02d", update);
    golden_result(file, c, GOLDEN_OUTPUT, name, 1, &dim, shadow, truth, bound, NUMBERS);
}

/* Row 0 of `parameters` is what the average starts from, row i the parameter at update i. */
static void run_ema(GoldenFile *file, const EmaCase *k, Arena arena[2])
{
    char full[400];
    const int shape[2] = {UPDATES + 1, NUMBERS};
    float row[UPDATES + 1][NUMBERS];
    Truth t = truth_begin(&arena[1], false);
    TruthId shadow[NUMBERS];
    Ema ema;
    Error refused = {.status = STATUS_OK};
    GoldenCase *c = golden_case(file, k->name);
    if (c == NULL)
        return;
    describe(c, &k->options);
    snprintf(full, sizeof full, "%s/parameters", c->name);
    golden_fill(row[0], (size_t)shape[0] * NUMBERS, full, k->fill);
    golden_given(file, c, GOLDEN_INPUT, "parameters", F32, 2, shape, row[0]);
    Tensor parameter = {.rank = 1, .dim = {NUMBERS, 1, 1, 1}, .data = row[0]};
    Tensor *const parameters[1] = {&parameter};
    const Status status = ema_init(&ema, &k->options, parameters, 1, &arena[0], &refused);
    if (k->label == GOLDEN_INVALID) {
        golden_refused(file, c, status);
        return;
    }
    if (status != STATUS_OK) {
        error_set(&file->error, status, "%s", refused.text);
        return;
    }
    for (int i = 0; i < NUMBERS; i++)
        shadow[i] = truth_leaf(&t, row[0][i]);
    for (int update = 1; update <= UPDATES && !t.failed; update++) {
        parameter.data = row[update];
        ema_update(&ema);
        const TruthId rest = true_rest(&t, &k->options, update);
        for (int i = 0; i < NUMBERS && !t.failed; i++)
            shadow[i] = true_update(&t, shadow[i], rest, truth_leaf(&t, row[update][i]));
        add_update(file, c, update, ema.shadow[0], &t, shadow);
    }
    if (t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

void golden_ema_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && file->error.status == STATUS_OK; i++) {
        Arena arena[2] = {{.account = file->arena->account}, {.account = file->arena->account}};
        run_ema(file, &cases[i], arena);
        arena_free(&arena[0]);
        arena_free(&arena[1]);
    }
}
