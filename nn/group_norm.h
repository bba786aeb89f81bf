/* nn/group_norm.h - group normalisation.
 *
 *   y = gamma * xhat + beta,   xhat = (x - mean) * rstd,   rstd = 1 / sqrt(var + eps)
 *
 * mean and var are over one group: C/G channels at all positions of one sample.  gamma and beta are one a
 * channel.  Source: Wu and He 2018, "Group Normalization", section 3.1, equations (1) and (2).
 *
 * Arithmetic (contract, section 3; xhat, y, h and dx are spelled out in nn/norm.h).  Backward, for each sample
 * and channel c:  S_c = sum8(dy) and D_c = sum8(dy * xhat) over the channel's positions, products exact in
 * binary64; with M = C/G * positions,
 *   a = sum8 over the group's channels of gamma_c * S_c, / M        b = the same with D_c        (binary64)
 *   dgamma_c += RN32(D_c), dbeta_c += RN32(S_c), sample after sample in ascending order.
 * Derivation: docs/math/norms.md. */
#ifndef NN_GROUP_NORM_H
#define NN_GROUP_NORM_H

#include "nn/norm.h"
#include "nn/tape.h"

/* N samples, C channels, P positions, G groups; G divides C.
 *   out  y (N,C,P)   moments (N,G), kept for the backward; may be NULL
 *   in   x (N,C,P)   gamma, beta (C)
 * y may be x. */
void group_norm_forward(float *y, Moments *moments,                            // out
                        const float *x, const float *gamma, const float *beta, // in
                        size_t N, size_t C, size_t P, size_t G, float eps);

/* Writes dx (N,C,P), adds to dgamma and dbeta (C); any of them may be NULL.  sums (N,C) is scratch. */
void group_norm_backward(float *dx,                                           // out
                         float *dgamma, float *dbeta,                         // in/out
                         const float *dy, const float *x, const float *gamma, // in
                         const Moments *moments, NormSums *sums,              // from forward; scratch
                         size_t N, size_t C, size_t P, size_t G);

/* On the tape: x (N,C,...), gamma and beta of C numbers each; returns y like x.
 * STATUS_SHAPE when the numbers do not fit or the groups do not divide the channels. */
Tensor *group_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, int groups, float eps);

#endif
