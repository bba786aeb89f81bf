#include "nn/ema.h"

#include <string.h>

#include "base/elementary64.h"
#include "nn/elementwise.h"
#include "nn/ranges.h"

/* diffusers' defaults (class EMAModel). */
const EmaOptions EMA_DEFAULTS = {.decay = 0.9999, .inv_gamma = 1.0, .power = 2.0 / 3.0};

Status ema_init(Ema *out, const EmaOptions *options, Tensor *const *parameters, size_t count, Arena *arena,
                Error *err)
{
    Ema made = {.options = *options, .parameters = parameters, .count = count};
    if (!(options->decay >= 0.0 && options->decay <= 1.0 && options->min_decay >= 0.0 &&
          options->min_decay <= 1.0) ||
        options->after < 0 || (options->warmup && !(options->inv_gamma > 0.0 && options->power > 0.0)))
        return error_set(err, STATUS_ARGUMENT, "ema: decay %g to %g, after %lld, inv_gamma %g, power %g",
                         options->min_decay, options->decay, (long long)options->after, options->inv_gamma,
                         options->power);
    made.shadow = arena_alloc(arena, count, sizeof *made.shadow);
    for (size_t i = 0; i < count && made.shadow != NULL; i++) {
        const size_t n = tensor_count(parameters[i]);
        made.shadow[i] = arena_raw(arena, n, sizeof(float));
        if (made.shadow[i] == NULL)
            return error_set(err, STATUS_MEMORY, "ema: no memory for %zu numbers", n);
        memcpy(made.shadow[i], parameters[i]->data, n * sizeof(float));
    }
    if (made.shadow == NULL)
        return error_set(err, STATUS_MEMORY, "ema: no memory for %zu parameters", count);
    *out = made;
    return STATUS_OK;
}

double ema_decay(const EmaOptions *options, int64_t t)
{
    const int64_t k = t - options->after - 1;
    if (k <= 0)
        return 0.0;
    double decay = (1.0 + (double)k) / (10.0 + (double)k);
    if (options->warmup)
        decay = 1.0 - pow_f64(1.0 + (double)k / options->inv_gamma, -options->power);
    decay = options->decay < decay ? options->decay : decay;
    return decay < options->min_decay ? options->min_decay : decay;
}

typedef struct {
    float *shadow, *p;
    float rest; /* 1 - decay */
} EmaTask;

static void update_range(void *context, size_t begin, size_t end)
{
    const EmaTask *t = context;
    const BinaryLoops *loops = elementwise_table()->binary;
    float apart[512];
    const size_t piece = sizeof apart / sizeof *apart;
    for (size_t at = begin; at < end; at += piece) {
        const size_t n = end - at < piece ? end - at : piece;
        float *shadow = t->shadow + at;
        loops[BINARY_SUBTRACT].both(apart, shadow, t->p + at, n);
        loops[BINARY_MULTIPLY].scalar_b(apart, apart, &t->rest, n);
        loops[BINARY_SUBTRACT].both(shadow, shadow, apart, n);
    }
}

void ema_update(Ema *ema)
{
    ema->updates++;
    const float rest = (float)(1.0 - ema_decay(&ema->options, ema->updates));
    for (size_t i = 0; i < ema->count; i++) {
        const size_t n = tensor_count(ema->parameters[i]);
        EmaTask task = {ema->shadow[i], ema->parameters[i]->data, rest};
        if (rest == 1.0f)
            memcpy(task.shadow, task.p, n * sizeof(float));
        else
            parallel_ranges(n, RANGE_CHEAP, update_range, &task);
    }
}

static void swap_range(void *context, size_t begin, size_t end)
{
    const EmaTask *t = context;
    for (size_t i = begin; i < end; i++) {
        const float kept = t->p[i];
        t->p[i] = t->shadow[i];
        t->shadow[i] = kept;
    }
}

void ema_swap(Ema *ema)
{
    for (size_t i = 0; i < ema->count; i++) {
        EmaTask task = {.shadow = ema->shadow[i], .p = ema->parameters[i]->data};
        parallel_ranges(tensor_count(ema->parameters[i]), RANGE_CHEAP, swap_range, &task);
    }
}
