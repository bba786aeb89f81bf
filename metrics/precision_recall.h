/* metrics/precision_recall.h - how much of a set of pictures lies where real ones are, and how much of the real ones it
 * covers.
 *
 *   r_i        distance of a point to its k-th nearest other point of its own set
 *   precision  share of generated points that lie in the closed ball r_j of at least one real point j
 *   recall     share of real points that lie in a ball of the generated ones
 *   f_score    2 precision recall / max(1e-5, precision + recall)
 *
 * Squared distances are sum8 of squared differences in binary64: equal distances are equal bits, and ties count as
 * inside.  Source: Kynkäänniemi and others 2019 [Kyn19], section 2. */
#ifndef METRICS_PRECISION_RECALL_H
#define METRICS_PRECISION_RECALL_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    double precision, recall, f_score;
} PrecisionRecall;

/* generated (n1,d), real (n2,d), 1 <= k < n1 and n2 (usual: 3).  Errors: STATUS_ARGUMENT, STATUS_NOT_FINITE. */
MUST_CHECK Status precision_recall(PrecisionRecall *out, const float *generated, int n1, const float *real,
                                   int n2, int d, int k, Arena *scratch, Error *err);

#endif
