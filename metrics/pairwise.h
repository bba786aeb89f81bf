/* metrics/pairwise.h - how spread out one set of features is: what the distances of all its pairs say.
 *
 *   r_ij = |x_i - x_j|, i < j: n (n - 1) / 2 of them, in binary64
 *
 * Mean, median and the pairs that are nearest and farthest are exact; no more than some rows of distances are in memory,
 * so 10,000 features take 5 MB (the distances are computed four times: the median is found digit by digit).
 * Source of the summary: metrics.py of alexpondaven/particlediffusion. */
#ifndef METRICS_PAIRWISE_H
#define METRICS_PAIRWISE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { PAIRWISE_BINS = 50, PAIRWISE_SHOWN = 5 };

typedef struct {
    int i, j; /* i < j */
    double distance;
} FeaturePair;

typedef struct {
    uint64_t pairs;
    double mean, median; /* of an even number of pairs: the mean of the two in the middle */
    double least, greatest;
    uint64_t bin[PAIRWISE_BINS]; /* pairs in equal parts of [least, greatest]; greatest is in the last */
    int shown;
    FeaturePair nearest[PAIRWISE_SHOWN], farthest[PAIRWISE_SHOWN]; /* of equal ones the first pairs */
} PairwiseDistances;

/* x (n,d), 2 <= n.  Errors: STATUS_ARGUMENT for the sizes, STATUS_NOT_FINITE names the row. */
MUST_CHECK Status pairwise_distances(PairwiseDistances *out, const float *x, int n, int d, Arena *scratch,
                                     Error *err);

/* Sum over the pairs of the mean over the numbers of (x_i - x_j)^2, = n / d sum_i |x_i - mean|^2, in O(n d).  0 for
 * n <= 1. */
double particle_spread(const float *x, int n, int d);

#endif
