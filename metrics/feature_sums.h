/* metrics/feature_sums.h - mean and covariance of features that come in any order and in any number of runs.
 *
 *   S_i = sum of x_i,  S_ij = sum of x_i x_j     without rounding (metrics/exact_sum.h)
 *   mean_i         RN(RN(S_i) / n)
 *   covariance_ij  RN(RN(n S_ij - S_i S_j) / RN(n (n - 1)))
 *
 * So the statistics are a function of the set of features, whatever the order, the batches, the threads and the shards;
 * and no digits are lost where the mean is large.  Memory: (d + d (d + 1) / 2) sums of 144 bytes, whatever n. */
#ifndef METRICS_FEATURE_SUMS_H
#define METRICS_FEATURE_SUMS_H

#include "metrics/exact_sum.h"
#include "metrics/frechet.h"

enum { FEATURE_SUMS_WIDTH = 16384 }; /* the largest d */

typedef struct {
    int d;
    uint64_t n, waiting; /* features; those since the last exact_carry of all */
    ExactSum *sum;       /* (d) S_i 2^149 */
    ExactSum *product;   /* (d (d + 1) / 2) S_ij 2^298, j <= i, row after row */
} FeatureSums;

size_t feature_sums_products(int d); /* d (d + 1) / 2 */

/* Of no features.  STATUS_ARGUMENT when d is not 1 ... FEATURE_SUMS_WIDTH. */
MUST_CHECK Status feature_sums_new(FeatureSums *out, int d, Arena *arena, Error *err);

/* Adds x (n,d).  STATUS_NOT_FINITE names the row, counted from 0 in x, and nothing was added; STATUS_ARGUMENT beyond
 * 2^31 - 1 features. */
MUST_CHECK Status feature_sums_add(FeatureSums *sums, const float *x, int n, Arena *scratch, Error *err);

/* Makes equal sums equal limbs. */
void feature_sums_carry(FeatureSums *sums);

/* to += from; both are carried before and afterwards.  STATUS_SHAPE when d differs. */
MUST_CHECK Status feature_sums_join(FeatureSums *to, const FeatureSums *from, Error *err);

/* Carries.  Less than 2 features have no covariance: STATUS_ARGUMENT. */
MUST_CHECK Status feature_sums_statistics(FeatureStatistics *out, FeatureSums *sums, Arena *arena,
                                          Error *err);

#endif
