#include "nn/optimizer.h"

#include <math.h>

#include "base/elementary64.h"
#include "base/isa.h"
#include "nn/ranges.h"

/* torch.optim's defaults (PyTorch 1.13). */
const OptimizerOptions OPTIMIZER_SGD_DEFAULTS = {.kind = OPTIMIZER_SGD};
const OptimizerOptions OPTIMIZER_ADAM_DEFAULTS = {
    .kind = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
const OptimizerOptions OPTIMIZER_ADAMW_DEFAULTS = {
    .kind = OPTIMIZER_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 1e-2};

extern const OptimizerTable optimizer_table_base, optimizer_table_avx2, optimizer_table_avx512;

static const OptimizerTable *table(void)
{
#if ISA_LEVELS > 1
    static const OptimizerTable *const tables[] = {&optimizer_table_base, &optimizer_table_avx2,
                                                   &optimizer_table_avx512};
    return tables[isa_level()];
#else
    return &optimizer_table_base;
#endif
}

/* One zeroed array a parameter, or NULL. */
static float **state(Tensor *const *parameters, size_t count, Arena *arena)
{
    float **arrays = arena_alloc(arena, count, sizeof *arrays);
    for (size_t i = 0; i < count && arrays != NULL; i++) {
        arrays[i] = arena_alloc(arena, tensor_count(parameters[i]), sizeof(float));
        if (arrays[i] == NULL)
            return NULL;
    }
    return arrays;
}

static bool in_range(const OptimizerOptions *o)
{
    if (!(o->decay >= 0.0))
        return false;
    if (o->kind == OPTIMIZER_SGD)
        return o->momentum >= 0.0 && o->momentum < 1.0 && (!o->nesterov || o->momentum > 0.0);
    return o->beta1 >= 0.0 && o->beta1 < 1.0 && o->beta2 >= 0.0 && o->beta2 < 1.0 && o->eps > 0.0;
}

Status optimizer_init(Optimizer *out, const OptimizerOptions *options, Tensor *const *parameters,
                      size_t count, Arena *arena, Error *err)
{
    Optimizer made = {.options = *options, .parameters = parameters, .count = count};
    const bool adam = options->kind != OPTIMIZER_SGD;
    if (!in_range(options))
        return error_set(err, STATUS_ARGUMENT,
                         "optimizer: momentum %g, betas %g and %g, eps %g or decay %g", options->momentum,
                         options->beta1, options->beta2, options->eps, options->decay);
    if (adam || options->momentum != 0.0)
        made.first = state(parameters, count, arena);
    if (adam)
        made.second = state(parameters, count, arena);
    if ((made.first == NULL && (adam || options->momentum != 0.0)) || (made.second == NULL && adam))
        return error_set(err, STATUS_MEMORY, "optimizer: no memory for the state of %zu parameters", count);
    *out = made;
    return STATUS_OK;
}

typedef struct {
    float *p, *first, *second;
    const float *grad;
    OptimizerKind kind;
    bool nesterov;
    SgdScalars sgd;
    AdamScalars adam;
} StepTask;

static void step_range(void *context, size_t begin, size_t end)
{
    const StepTask *t = context;
    float *p = t->p + begin;
    const float *grad = t->grad + begin;
    const size_t n = end - begin;
    if (t->kind != OPTIMIZER_SGD)
        table()->adam(p, t->first + begin, t->second + begin, grad, n, t->adam);
    else if (t->first == NULL)
        table()->sgd(p, grad, n, t->sgd);
    else if (t->nesterov)
        table()->nesterov(p, t->first + begin, grad, n, t->sgd);
    else
        table()->momentum(p, t->first + begin, grad, n, t->sgd);
}

static AdamScalars adam_scalars(const OptimizerOptions *o, uint64_t t, double rate)
{
    const double correction1 = 1.0 - pow_f64(o->beta1, (double)t),
                 correction2 = 1.0 - pow_f64(o->beta2, (double)t);
    const bool decoupled = o->kind == OPTIMIZER_ADAMW;
    return (AdamScalars){.beta1 = (float)o->beta1,
                         .rest1 = (float)(1.0 - o->beta1),
                         .beta2 = (float)o->beta2,
                         .rest2 = (float)(1.0 - o->beta2),
                         .size = (float)(rate / correction1),
                         .root = (float)sqrt(correction2),
                         .eps = (float)o->eps,
                         .decay = decoupled ? 0.0f : (float)o->decay,
                         .shrink = decoupled ? (float)(1.0 - rate * o->decay) : 1.0f};
}

void optimizer_step(Optimizer *optimizer, double rate)
{
    const OptimizerOptions *o = &optimizer->options;
    StepTask task = {.kind = o->kind, .nesterov = o->nesterov};
    optimizer->steps++;
    if (o->kind == OPTIMIZER_SGD)
        task.sgd = (SgdScalars){(float)rate, (float)o->momentum, (float)o->decay};
    else
        task.adam = adam_scalars(o, optimizer->steps, rate);
    for (size_t i = 0; i < optimizer->count; i++) {
        const Tensor *p = optimizer->parameters[i];
        if (p->grad == NULL)
            continue;
        task.p = p->data;
        task.grad = p->grad;
        task.first = optimizer->first != NULL ? optimizer->first[i] : NULL;
        task.second = optimizer->second != NULL ? optimizer->second[i] : NULL;
        parallel_ranges(tensor_count(p), RANGE_CHEAP, step_range, &task);
    }
}
