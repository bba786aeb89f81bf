/* cli/lpips_metric.h - `ldm99 metric lpips A [B]` and `clip-score A`: what networks say of pictures, pair by pair. */
#ifndef CLI_LPIPS_METRIC_H
#define CLI_LPIPS_METRIC_H

#include "cli/set_metric.h"

/* Distances of pictures of the same names, or of all pairs of one set (diffusion/lpips.h); says its result. */
MUST_CHECK Status lpips_metric(const SetMetric *m, Error *err);

/* How well the pictures of a folder fit their captions (diffusion/clip.h); says its result. */
MUST_CHECK Status clip_score_metric(const SetMetric *m, Error *err);

#endif
