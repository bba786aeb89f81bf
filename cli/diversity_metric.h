/* cli/diversity_metric.h - `ldm99 metric diversity A M` and `metric pairwise A`: how spread out a set of pictures is. */
#ifndef CLI_DIVERSITY_METRIC_H
#define CLI_DIVERSITY_METRIC_H

#include "cli/set_metric.h"

/* Fréchet distances of A to M, a set of the greatest diversity, in three feature spaces, each with its place between --floor
 * and --ceiling where those are given. */
MUST_CHECK Status diversity_metric(const SetMetric *m, Error *err);

/* What the distances of all pairs of A say (metrics/pairwise.h). */
MUST_CHECK Status pairwise_metric(const SetMetric *m, Error *err);

#endif
