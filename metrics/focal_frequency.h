/* metrics/focal_frequency.h - focal frequency loss: how far apart two pictures are in the frequencies in which they
 * are furthest apart.
 *
 *   symbol     here                what it is
 *   F          nn/fft.h            unitary Fourier transform of a plane (of each of k x k tiles of a plane)
 *   Delta      F(x) - F(target)
 *   alpha      alpha               w = |Delta|^alpha,  then log(1 + w) with log_matrix
 *   w          weights             divided by the largest of its plane (of the batch, with batch_matrix); 0 / 0 is 0;
 *                                  limited to [0, 1]; a constant in the gradient
 *   L          loss                weight mean(w |Delta|^2) over samples, tiles, channels and frequencies
 *   dL/dx      gradient            2 weight / M Re F^-1(w Delta), M the number of frequencies in the mean
 *
 * With average_spectrum Delta is the mean over the batch: one spectrum for all samples, and each gets 1 / N of its
 * gradient.  Everything is binary64; sums are sum8 over each plane, planes added in ascending order.
 *
 * Source: Jiang, Dai, Wu, Loy 2021 [Jia21]; options and defaults as in its released code
 * (EndlessSora/focal-frequency-loss, focal_frequency_loss.py).  Derivation: docs/math/fourier.md. */
#ifndef METRICS_FOCAL_FREQUENCY_H
#define METRICS_FOCAL_FREQUENCY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    double weight; /* loss_weight, any finite number */
    double alpha;  /* at least 0; 0: every weight is 1 where the pictures differ */
    int tiles;     /* patch_factor k: divides both sides */
    bool average_spectrum, log_matrix, batch_matrix;
} FocalFrequencyOptions;

/* 1, 1, 1 and nothing else. */
extern const FocalFrequencyOptions FOCAL_FREQUENCY_DEFAULTS;

/* x and target (N,C,H,W), each axis at least 1; gradient (N,C,H,W) of the loss with respect to x, or NULL.  Scratch is
 * given back.  Errors: STATUS_SHAPE for sides that the tiles do not divide, STATUS_ARGUMENT for options out of range,
 * STATUS_NOT_FINITE where infinity or NaN is among the numbers. */
MUST_CHECK Status focal_frequency_loss(double *loss, float *gradient, // out
                                       const float *x, const float *target, int N, int C, int H,
                                       int W, // in
                                       const FocalFrequencyOptions *options, Arena *scratch, Error *err);

#endif
