/* nn/batch_norm.h - batch normalisation with stored statistics, as a trained network uses it.
 *
 *   y = gamma * xhat + beta,   xhat = (x - mean_c) * rstd_c,   rstd_c = 1 / sqrt(variance_c + eps)
 *
 * Source: Ioffe and Szegedy 2015, "Batch Normalization", algorithm 2.  Arithmetic as nn/norm.h with a = b = 0;
 * rstd in binary64; dgamma_c and dbeta_c per sample as in nn/group_norm.h.  mean and variance get no gradient.
 * Derivation: docs/math/norms.md. */
#ifndef NN_BATCH_NORM_H
#define NN_BATCH_NORM_H

#include "nn/tape.h"

/* x (N,C,...); gamma, beta, mean, variance of C numbers each.  STATUS_SHAPE when the numbers do not fit. */
Tensor *batch_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, const Tensor *mean,
                   const Tensor *variance, float eps);

#endif
