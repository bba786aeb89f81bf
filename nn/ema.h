/* nn/ema.h - a second copy of the parameters that follows them slowly: the exponential moving average.
 *
 *   t counts the updates from 1, k = max(0, t - after - 1)
 *   decay_t = 0 when k = 0, otherwise min(decay, (1 + k) / (10 + k)), or with warm-up
 *             min(decay, 1 - (1 + k / inv_gamma)^-power); and not below min_decay          binary64
 *   shadow  = shadow - RN32(1 - decay_t) * (shadow - p)                                    binary32;
 *             a copy of p where RN32(1 - decay_t) is 1
 *
 * Source: diffusers, training_utils.py, class EMAModel (get_decay and step).
 * Derivation: docs/math/optimizers.md. */
#ifndef NN_EMA_H
#define NN_EMA_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "nn/tensor.h"

typedef struct {
    double decay, min_decay; /* in [0, 1] */
    int64_t after;           /* updates before averaging begins: until then the shadow is a copy */
    bool warmup;
    double inv_gamma, power; /* of the warm-up */
} EmaOptions;

extern const EmaOptions EMA_DEFAULTS;

/* All that a run must keep: `updates` and the shadow arrays, each with its parameter's count of numbers. */
typedef struct {
    EmaOptions options;
    Tensor *const *parameters;
    size_t count;
    int64_t updates;
    float **shadow; /* [count] */
} Ema;

/* The shadow starts as a copy.  The list of parameters is kept, not copied.  STATUS_ARGUMENT, STATUS_MEMORY. */
MUST_CHECK Status ema_init(Ema *out, const EmaOptions *options, Tensor *const *parameters, size_t count,
                           Arena *arena, Error *err);

double ema_decay(const EmaOptions *options, int64_t t);

void ema_update(Ema *ema);

/* Exchanges parameters and shadow: once to sample with the average, once more to go on training. */
void ema_swap(Ema *ema);

#endif
