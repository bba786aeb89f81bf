/* diffusion/early_stop.h - ends a run whose held-out loss no longer falls, and keeps the weights with which it was least.
 *
 * With patience P, the run ends after P measurements in a row of which none was below the least one before them: the
 * rule of Keras' and Lightning's EarlyStopping with min_delta 0 and the best weights restored.  All of it is part of a run's saved state, so that a
 * resumed run ends where an uninterrupted one does. */
#ifndef DIFFUSION_EARLY_STOP_H
#define DIFFUSION_EARLY_STOP_H

#include "nn/ema.h"

typedef struct {
    int patience;   /* measurements; 0: never, and nothing is kept */
    double loss;    /* the least held-out loss, infinite before the first measurement */
    uint64_t step;  /* after which it was measured */
    uint64_t stale; /* measurements since */
    Ema kept;       /* its shadow: the measured weights of that step */
} EarlyStop;

MUST_CHECK Status early_stop_init(EarlyStop *out, int patience, Tensor *const *parameters, size_t count,
                                  Arena *arena, Error *err);

/* A measurement with the weights that are in place (the averaged ones). */
void early_stop_note(EarlyStop *stop, double loss, uint64_t step);

bool early_stop_due(const EarlyStop *stop);

/* Exchanges the parameters and the kept weights: call it twice around what wants them.  Without patience nothing. */
void early_stop_swap(EarlyStop *stop);

#endif
