/* cli/golden_grad_clip.c - golden cases of the size of all gradients, and of the limit to it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/golden_operator.h"
#include "cli/golden_parts.h"
#include "nn/grad_clip.h"

enum { TENSORS = 3, ROOM = 700 };

typedef struct {
    const char *name;
    GoldenFill fill;
    int count[TENSORS]; /* numbers; 0: there is no such tensor */
    double most;
} ClipCase;

static const ClipCase cases[] = {
    {"ordinary", FILL_NORMAL, {33, 100, 7}, 1.0},    {"below_the_limit", FILL_NORMAL, {33, 5, 0}, 100.0},
    {"long_sum", FILL_NORMAL, {700, 0, 0}, 0.5},     {"one_number", FILL_NORMAL, {1, 0, 0}, 0.01},
    {"only_measured", FILL_NORMAL, {17, 3, 0}, 0.0}, {"zeros", FILL_ZEROS, {9, 0, 0}, 1.0},
    {"subnormal", FILL_SUBNORMAL, {17, 0, 0}, 1.0},  {"large", FILL_LARGE, {17, 9, 0}, 1.0},
    {"special", FILL_SPECIAL, {18, 18, 0}, 1.0}, /* a norm that is no number changes nothing */
};

/* sqrt of the sum of all squares, and min(1, most / (norm + 1e-6)). */
static TruthId true_norm(Truth *t, TruthId x[TENSORS][ROOM], const int *count)
{
    truth_sum_begin(t);
    for (int k = 0; k < TENSORS; k++)
        for (int i = 0; i < count[k]; i++)
            truth_sum_multiply_add(t, x[k][i], x[k][i]);
    return truth_unary(t, TRUTH_SQRT, truth_sum_end(t));
}

static TruthId true_factor(Truth *t, TruthId norm, double most)
{
    const TruthId below = truth_binary(t, TRUTH_ADD, norm, truth_leaf(t, 1e-6));
    return truth_binary(t, TRUTH_DIVIDE, truth_leaf(t, most), below);
}

static void add_norm(GoldenFile *file, GoldenCase *c, double norm, TruthNumber truth)
{
    double *kept = arena_raw(file->arena, 1, sizeof *kept);
    if (kept == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    *kept = norm == norm ? norm : NAN;
    golden_result_raw(file, c, "norm", F64, 1, kept, &truth.v, &truth.e, 1);
}

typedef struct {
    float gradient[TENSORS][ROOM];
    TruthId id[TENSORS][ROOM];
} Clipped;

static void run_clip(GoldenFile *file, const ClipCase *k, Arena *arena)
{
    char name[400];
    Tensor tensor[TENSORS], *list[TENSORS];
    Truth t = truth_begin(arena, false);
    Clipped *own = arena_alloc(arena, 1, sizeof *own);
    GoldenCase *c = golden_case(file, k->name);
    if (c == NULL || own == NULL) {
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
        return;
    }
    size_t tensors = 0;
    c->like = "torch.nn.utils.clip_grad_norm_";
    c->source = "nn/grad_clip.h";
    golden_attribute(c, "max_norm", k->most);
    for (; tensors < TENSORS && k->count[tensors] > 0; tensors++) {
        const int n = k->count[tensors];
        float *g = own->gradient[tensors];
        snprintf(name, sizeof name, "%s/gradient_%zu", c->name, tensors);
        golden_fill(g, (size_t)n, name, k->fill);
        snprintf(name, sizeof name, "gradient_%zu", tensors);
        golden_given(file, c, GOLDEN_INPUT, name, F32, 1, &n, g);
        for (int i = 0; i < n; i++)
            own->id[tensors][i] = truth_leaf(&t, g[i]);
        tensor[tensors] = (Tensor){.rank = 1, .dim = {n, 1, 1, 1}, .grad = g};
        list[tensors] = &tensor[tensors];
    }
    const TruthId norm = true_norm(&t, own->id, k->count), factor = true_factor(&t, norm, k->most);
    const bool scaled = k->most > 0.0 && t.number[factor].v < 1.0 && t.number[norm].v < INFINITY;
    add_norm(file, c, grad_clip(list, tensors, k->most), truth_number(&t, norm));
    for (size_t j = 0; j < tensors && !t.failed; j++) {
        double truth[ROOM], bound[ROOM];
        for (int i = 0; i < k->count[j]; i++) {
            const TruthId g = own->id[j][i];
            const TruthNumber y =
                truth_number(&t, scaled ? truth_binary(&t, TRUTH_MULTIPLY, g, factor) : g);
            truth[i] = y.v;
            bound[i] = y.e;
        }
        snprintf(name, sizeof name, "clipped_%zu", j);
        golden_result(file, c, GOLDEN_OUTPUT, name, 1, &k->count[j], own->gradient[j], truth, bound,
                      (size_t)k->count[j]);
    }
    if (t.failed)
        error_set(&file->error, STATUS_MEMORY, "golden: no memory for part %s", file->name);
}

void golden_grad_clip_make(GoldenFile *file, const void *context)
{
    (void)context;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] && file->error.status == STATUS_OK; i++) {
        Arena arena = {.account = file->arena->account};
        run_clip(file, &cases[i], &arena);
        arena_free(&arena);
    }
}
