/* nn/lr_schedule.h - the factor on the learning rate at each step, under diffusers' names.
 *
 *   s = step (from 0), w = warm-up steps, T = all steps, p = (s - w) / max(1, T - w);   binary64
 *   every kind but `constant` grows as s / max(1, w) while s < w; from there on
 *     constant, constant_with_warmup   1
 *     linear                           max(0, (T - s) / max(1, T - w))
 *     cosine                           max(0, 0.5 (1 + cos(pi * 2 * cycles * p)))                 cycles 0.5
 *     cosine_with_restarts             p >= 1: 0, else 0.5 (1 + cos(pi * frac(cycles * p)))       cycles 1
 *     polynomial                       s > T: end, else (1 - end) (1 - p)^power + end             power 1, end 1e-7
 *
 * Source: diffusers, optimization.py, get_scheduler and the functions that it names.  Deviation: its polynomial has
 * an end rate, ours (end) is the part of the initial rate that is left.
 * Derivation: docs/math/optimizers.md. */
#ifndef NN_LR_SCHEDULE_H
#define NN_LR_SCHEDULE_H

#include <stdint.h>

#include "base/error.h"

typedef enum {
    LR_CONSTANT,
    LR_CONSTANT_WITH_WARMUP,
    LR_LINEAR,
    LR_COSINE,
    LR_COSINE_WITH_RESTARTS,
    LR_POLYNOMIAL,
    LR_COUNT
} LrKind;

typedef struct {
    LrKind kind;
    int64_t warmup, total; /* steps; not negative */
    double cycles;         /* cosines; 0: 0.5 for cosine, 1 for cosine_with_restarts */
    double power, end;     /* polynomial; power 0: 1 */
} LrSchedule;

/* The factor at that step; 0 <= step. */
double lr_factor(const LrSchedule *schedule, int64_t step);

/* "cosine_with_restarts" and so on; STATUS_ARGUMENT with the list of names when there is none such. */
MUST_CHECK Status lr_kind_named(LrKind *out, const char *name, Error *err);
const char *lr_kind_name(LrKind kind);

#endif
