/* nn/layer_norm.h - layer normalisation over the last axis.
 *
 *   y = gamma * xhat + beta,   xhat = (x - mean) * rstd,   rstd = 1 / sqrt(var + eps)
 *
 * mean and var are over one row of C numbers.  Source: Ba, Kiros and Hinton 2016, "Layer Normalization",
 * section 3.
 *
 * Arithmetic (contract, section 3; xhat, y, h and dx are spelled out in nn/norm.h).  Backward: a and b are
 * sum8(h) / C and sum8(h * xhat) / C over the row; for each sample, dgamma += RN32(sum8 over the sample's rows of
 * dy * xhat) and dbeta += RN32(sum8 of dy), samples in ascending order.
 * Derivation: docs/math/norms.md. */
#ifndef NN_LAYER_NORM_H
#define NN_LAYER_NORM_H

#include "nn/norm.h"
#include "nn/tape.h"

/* N samples of T rows of C numbers.
 *   out  y (N,T,C)   moments (N,T), kept for the backward; may be NULL
 *   in   x (N,T,C)   gamma, beta (C), or both NULL for y = xhat
 * y may be x. */
void layer_norm_forward(float *y, Moments *moments,                            // out
                        const float *x, const float *gamma, const float *beta, // in
                        size_t N, size_t T, size_t C, float eps);

/* Writes dx (N,T,C), adds to dgamma and dbeta (C); any of them may be NULL. */
void layer_norm_backward(float *dx,                                           // out
                         float *dgamma, float *dbeta,                         // in/out
                         const float *dy, const float *x, const float *gamma, // in
                         const Moments *moments,                              // from forward
                         size_t N, size_t T, size_t C);

/* On the tape: x (...,C), gamma and beta (C) or both NULL; samples are the first axis when there are two or more.
 * STATUS_SHAPE when the numbers do not fit. */
Tensor *layer_norm(Tape *tape, Tensor *x, Tensor *gamma, Tensor *beta, float eps);

#endif
