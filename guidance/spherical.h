/* guidance/spherical.h - the distance of two directions, squared: what CLIP guidance makes small [WalGEN23, equation 7].
 *
 *   r = |x - y| / 2,   d = 2 asin(r)^2 = angle^2 / 2,   |x| = |y| = 1
 *   dd / dx = asin(r) / (r sqrt(1 - r^2)) (x - y),   the factor's limit for r -> 0 is 1
 *
 * d(x, x) = 0, d(x, -x) = pi^2 / 2.  r is limited to 1 - 1e-6, so that the gradient stays finite. */
#ifndef GUIDANCE_SPHERICAL_H
#define GUIDANCE_SPHERICAL_H

#include "nn/tape.h"

/* asin for 0 <= x <= 1, a few units in the last place off, the same bits everywhere: only sums, products, quotients and
 * square roots of binary64. */
double arc_sine(double x);

/* x (N,D) rows of length 1, y (D) of length 1 without a gradient -> (N).  The sums by sum8; binary64, rounded once. */
Tensor *spherical_distance(Tape *tape, Tensor *x, const float *y);

#endif
