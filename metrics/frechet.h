/* metrics/frechet.h - Fréchet distance between two sets of features taken as normal distributions: FID, when the
 * features are the Inception network's.
 *
 *   mu, Sigma   mean and covariance (n - 1) of the rows x_i
 *   distance    |mu_1 - mu_2|^2 + tr Sigma_1 + tr Sigma_2 - 2 tr (Sigma_1 Sigma_2)^1/2
 *
 * The last trace is the sum of the roots of the eigenvalues of a symmetric matrix (nn/symmetric_root.h): no complex
 * number, and nothing added to a diagonal.  n <= d leaves Sigma singular and the distance too large: callers say so.
 * Means and covariances are binary64 sums in the order of the samples.
 *
 * Sources: Dowson and Landau 1982 [DowL82]; Heusel and others 2017 [Heu17].  Derivation: docs/math/distribution.md. */
#ifndef METRICS_FRECHET_H
#define METRICS_FRECHET_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    int n, d;           /* samples, numbers in a feature */
    double *mean;       /* (d) */
    double *covariance; /* (d,d) */
} FeatureStatistics;

/* x (n,d), n >= 2; the arena keeps the result.  Errors: STATUS_ARGUMENT for the sizes, STATUS_NOT_FINITE names the
 * row. */
MUST_CHECK Status feature_statistics(FeatureStatistics *out, const float *x, int n, int d, Arena *arena,
                                     Error *err);

/* The distance and what it is made of. */
typedef struct {
    double distance, mean_part; /* |mu_1 - mu_2|^2 */
    double trace1, trace2;      /* of the covariances */
    double trace_root;          /* tr (Sigma_1 Sigma_2)^1/2 */
} FrechetDistance;

/* STATUS_SHAPE when the features differ in length. */
MUST_CHECK Status frechet_distance(FrechetDistance *out, const FeatureStatistics *a,
                                   const FeatureStatistics *b, Arena *scratch, Error *err);

#endif
