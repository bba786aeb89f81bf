/* metrics/kernel_distance.h - kernel distance between two sets of features: KID, when the features are the Inception
 * network's.
 *
 *   polynomial  k(a, b) = (gamma a.b + coef0)^degree        gamma 0: 1 / d
 *   Gaussian    k(a, b) = e^(-|a - b|^2 / (2 sigma^2))
 *   estimate    (sum_(i != j) k(x_i, x_j) + sum_(i != j) k(y_i, y_j)) / (m (m - 1)) - 2 sum k(x_i, y_j) / m^2
 *
 * of m features of each set: unbiased, so that it may be negative.  KID is its mean over subsets that are drawn without
 * replacement.  Products are sum8 in binary64, sums of kernels run row by row in binary64.
 * Sources: Gretton and others 2012 [Gre12]; Binkowski and others 2018 [Bin18].  Derivation: docs/math/distribution.md. */
#ifndef METRICS_KERNEL_DISTANCE_H
#define METRICS_KERNEL_DISTANCE_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    int degree;          /* 1 to 16 */
    double gamma, coef0; /* of the polynomial */
    double sigma;        /* above 0: Gaussian, and the others are not read */
    int subsets,
        size; /* how many subsets, and features of each set in one; subsets 0: one estimate of the first
                            min(n1, n2) of each */
    unsigned seed; /* of numpy's generator: the subset's features of the first set, then of the second */
} KernelDistanceOptions;

/* Degree 3, gamma 1 / d, coef0 1, 100 subsets of 1000, seed 2020: torch-fidelity's. */
extern const KernelDistanceOptions KERNEL_DISTANCE_DEFAULTS;

typedef struct {
    double mean, deviation; /* over the subsets; the deviation divides by their number */
} KernelDistance;

/* x (n1,d), y (n2,d).  first (2 size), when it is not NULL, gets the rows of the first subset.  Errors: STATUS_ARGUMENT
 * for a subset that is larger than a set or has less than 2, STATUS_NOT_FINITE. */
MUST_CHECK Status kernel_distance(KernelDistance *out, int *first, const float *x, int n1, const float *y,
                                  int n2, int d, const KernelDistanceOptions *options, Arena *scratch,
                                  Error *err);

#endif
