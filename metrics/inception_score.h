/* metrics/inception_score.h - how sure a classifier is of each picture and how many classes it sees in all.
 *
 *   p_i = softmax(logits_i);   of each of `splits` parts of the samples: e^(mean_i KL(p_i || mean p))
 *
 * The result is mean and deviation over the parts; part k holds samples floor(k n / splits) up to those of part k + 1, in their
 * order or in that of numpy's permutation of a seed (torch-fidelity: 2020).  binary64, samples in order.
 * Source: Salimans and others 2016 [SalG16]; the parts as torch-fidelity, metric_isc.py. */
#ifndef METRICS_INCEPTION_SCORE_H
#define METRICS_INCEPTION_SCORE_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    double mean, deviation;
} InceptionScore;

/* logits (n,classes), 1 <= splits <= n; seed NULL: the samples' own order.  Errors: STATUS_ARGUMENT,
 * STATUS_NOT_FINITE. */
MUST_CHECK Status inception_score(InceptionScore *out, const float *logits, int n, int classes, int splits,
                                  const unsigned *seed, Arena *scratch, Error *err);

#endif
