/* cli/golden_optimizers.c - golden runs of optimizers, step by step: the same gradients for everybody. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/elementary64.h"
#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "nn/optimizer.h"

enum { NUMBERS = 33, STEPS = 8 };
static const double RATE = 0.01;

typedef struct {
    const char *name, *like;
    OptimizerOptions options;
    GoldenFill fill; /* of the gradients */
    GoldenLabel label;
} OptimizerCase;

static const OptimizerCase cases[] = {
    {.name = "sgd", .like = "torch.optim.SGD", .options = {.kind = OPTIMIZER_SGD}},
    {.name = "sgd_momentum",
     .like = "torch.optim.SGD",
     .options = {.kind = OPTIMIZER_SGD, .momentum = 0.9, .decay = 0.01}},
    {.name = "sgd_nesterov",
     .like = "torch.optim.SGD",
     .options = {.kind = OPTIMIZER_SGD, .momentum = 0.9, .nesterov = true}},
    {.name = "adam",
     .like = "torch.optim.Adam",
     .options = {.kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.01}},
    {.name = "adamw",
     .like = "torch.optim.AdamW",
     .options = {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-6, .decay = 0.1}},
    {.name = "adam_zero_gradients",
     .like = "torch.optim.Adam",
     .fill = FILL_ZEROS,
     .options = {.kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}},
    {.name = "adam_subnormal",
     .like = "torch.optim.Adam",
     .fill = FILL_SUBNORMAL,
     .options = {.kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}},
    {.name = "adamw_large",
     .like = "torch.optim.AdamW",
     .fill = FILL_LARGE,
     .options = {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.01}},
    {.name = "sgd_special",
     .like = "torch.optim.SGD",
     .fill = FILL_SPECIAL,
     .options = {.kind = OPTIMIZER_SGD, .momentum = 0.9, .decay = 0.01}},
    {.name = "momentum_of_1",
     .like = "torch.optim.SGD",
     .label = GOLDEN_EITHER,
     .options = {.kind = OPTIMIZER_SGD, .momentum = 1.0}},
    {.name = "beta_of_1",
     .like = "torch.optim.Adam",
     .label = GOLDEN_INVALID,
     .options = {.kind = OPTIMIZER_ADAM, .beta1 = 1.0, .beta2 = 0.999, .eps = 1e-8}},
    {.name = "negative_eps",
     .like = "torch.optim.AdamW",
     .label = GOLDEN_INVALID,
     .options = {.kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = -1e-8}},
    {.name = "negative_decay",
     .like = "torch.optim.SGD",
     .label = GOLDEN_INVALID,
     .options = {.kind = OPTIMIZER_SGD, .decay = -0.1}},
};

/* The truth of one number: itself, and what the optimizer remembers of it. */
typedef struct {
    TruthId p, first, second;
} Remembered;

/* A scalar that is known in binary64 and rounded once. */
static TruthId scalar(Truth *t, double value)
{
    return truth_binary(t, TRUTH_MULTIPLY, truth_leaf(t, value), truth_leaf(t, 1.0));
}

/* a x + b y */
static TruthId mixed(Truth *t, TruthId a, TruthId x, TruthId b, TruthId y)
{
    const TruthId first = truth_binary(t, TRUTH_MULTIPLY, a, x);
    return truth_binary(t, TRUTH_ADD, first, truth_binary(t, TRUTH_MULTIPLY, b, y));
}

static void true_sgd(Truth *t, Remembered *r, TruthId gradient, const OptimizerOptions *o)
{
    const TruthId one = truth_leaf(t, 1.0), momentum = scalar(t, o->momentum);
    const TruthId g = mixed(t, one, gradient, scalar(t, o->decay), r->p);
    TruthId d = g;
    if (o->momentum > 0.0) {
        r->first = mixed(t, momentum, r->first, one, g);
        d = o->nesterov ? mixed(t, one, g, momentum, r->first) : r->first;
    }
    r->p = truth_binary(t, TRUTH_SUBTRACT, r->p, truth_binary(t, TRUTH_MULTIPLY, scalar(t, RATE), d));
}

/* Kingma and Ba 2015, algorithm 1; AdamW decays the parameter itself (Loshchilov and Hutter 2019, algorithm 2). */
static void true_adam(Truth *t, Remembered *r, TruthId gradient, const OptimizerOptions *o, int step)
{
    const bool decoupled = o->kind == OPTIMIZER_ADAMW;
    const TruthId one = truth_leaf(t, 1.0);
    TruthId g = gradient;
    if (decoupled)
        r->p = truth_binary(t, TRUTH_MULTIPLY, r->p, scalar(t, 1.0 - RATE * o->decay));
    else
        g = mixed(t, one, gradient, scalar(t, o->decay), r->p);
    r->first = mixed(t, scalar(t, o->beta1), r->first, scalar(t, 1.0 - o->beta1), g);
    r->second = mixed(t, scalar(t, o->beta2), r->second, scalar(t, 1.0 - o->beta2),
                      truth_binary(t, TRUTH_MULTIPLY, g, g));
    const TruthId root = scalar(t, sqrt(1.0 - pow_f64(o->beta2, step)));
    const TruthId spread = truth_binary(t, TRUTH_DIVIDE, truth_unary(t, TRUTH_SQRT, r->second), root);
    const TruthId below = truth_binary(t, TRUTH_ADD, spread, scalar(t, o->eps));
    const TruthId direction = truth_binary(t, TRUTH_DIVIDE, r->first, below);
    const TruthId size = scalar(t, RATE / (1.0 - pow_f64(o->beta1, step)));
    r->p = truth_binary(t, TRUTH_SUBTRACT, r->p, truth_binary(t, TRUTH_MULTIPLY, size, direction));
}

static void describe(GoldenCase *c, const OptimizerCase *k)
{
    c->like = k->like;
    c->source = "nn/optimizer.h";
    golden_attribute(c, "lr", RATE);
    golden_attribute(c, "weight_decay", k->options.decay);
    if (k->options.kind == OPTIMIZER_SGD) {
        golden_attribute(c, "momentum", k->options.momentum);
        golden_attribute(c, "nesterov", k->options.nesterov);
    } else {
        golden_attribute(c, "beta1", k->options.beta1);
        golden_attribute(c, "beta2", k->options.beta2);
        golden_attribute(c, "eps", k->options.eps);
    }
}

static void add_step(GoldenFile *file, GoldenCase *c, int step, const float *p, const Truth *t,
                     const Remembered *r)
{
    char name[32];
    const int dim = NUMBERS;
    double truth[NUMBERS], bound[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) {
        const TruthNumber x = truth_number(t, r[i].p);
        truth[i] = x.v;
        bound[i] = x.e;
    }
    snprintf(name, sizeof name, "step_%02d", step);
    golden_result(file, c, GOLDEN_OUTPUT, name, 1, &dim, p, truth, bound, NUMBERS);
}

static void run_optimizer(GoldenFile *file, const OptimizerCase *k, Arena arena[2])
{
    char full[400];
    const int shape[2] = {STEPS, NUMBERS};
    float p[NUMBERS], gradient[STEPS][NUMBERS], now[NUMBERS];
    Remembered r[NUMBERS];
    Truth t = truth_begin(&arena[1], false);
    Optimizer optimizer;
    GoldenCase *c = golden_case(file, k->name);
    if (c == NULL)
        return;
    describe(c, k);
    snprintf(full, sizeof full, "%s/parameter", c->name);
    golden_fill(p, NUMBERS, full, FILL_NORMAL);
    golden_given(file, c, GOLDEN_INPUT, "parameter", F32, 1, &shape[1], p);
    snprintf(full, sizeof full, "%s/gradients", c->name);
    golden_fill(gradient[0], (size_t)STEPS * NUMBERS, full, k->fill);
    golden_given(file, c, GOLDEN_INPUT, "gradients", F32, 2, shape, gradient[0]);

    Tensor parameter = {.rank = 1, .dim = {NUMBERS, 1, 1, 1}, .data = p, .grad = now};
    Tensor *const parameters[1] = {&parameter};
    Error refused = {.status = STATUS_OK};
    const Status status = optimizer_init(&optimizer, &k->options, parameters, 1, &arena[0], &refused);
    c->label = k->label;
    if (k->label == GOLDEN_INVALID)
        golden_refused(file, c, status);
    else if (status == STATUS_MEMORY)
        error_set(&file->error, status, "%s", refused.text);
    if (status != STATUS_OK)
        return;
    for (int i = 0; i < NUMBERS; i++)
        r[i] = (Remembered){truth_leaf(&t, p[i]), truth_leaf(&t, 0.0), truth_leaf(&t, 0.0)};
    for (int step = 0; step < STEPS && !t.failed; step++) {
        memcpy(now, gradient[step], sizeof now);
        optimizer_step(&optimizer, RATE);
        for (int i = 0; i < NUMBERS && !t.failed; i++) {
            const TruthId g = truth_leaf(&t, gradient[step][i]);
            if (k->options.kind == OPTIMIZER_SGD)
                true_sgd(&t, &r[i], g, &k->options);
            else
                true_adam(&t, &r[i], g, &k->options, step + 1);
        }
        add_step(file, c, step, p, &t, r);
    }
    if (t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

void golden_optimizers_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && file->error.status == STATUS_OK; i++) {
        Arena arena[2] = {{.account = file->arena->account}, {.account = file->arena->account}};
        run_optimizer(file, &cases[i], arena);
        arena_free(&arena[0]);
        arena_free(&arena[1]);
    }
}
