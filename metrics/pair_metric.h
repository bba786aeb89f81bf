/* metrics/pair_metric.h - how near one picture is to another: the metrics of two arrays of one shape, by name.
 *
 * The number in a recipe is its version: it goes up when the same pictures would give another number.
 * Mathematics, and what other programs compute: docs/math/metrics.md. */
#ifndef METRICS_PAIR_METRIC_H
#define METRICS_PAIR_METRIC_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/* Two pictures: planes (planes,height,width), each side at least 1. */
typedef struct {
    const float *a, *b;
    int planes, height, width;
    double range; /* of the numbers, above 0: 2 for [-1,1], 255 for 8-bit levels */
} PicturePair;

size_t pair_count(const PicturePair *pair); /* numbers in each of the two */

/* Fails with STATUS_ARGUMENT for sides below 1 or a range that is not above 0, STATUS_SHAPE for pictures that are too
 * small, STATUS_NOT_FINITE where infinity or NaN is among the numbers. */
typedef struct {
    const char *name;
    const char *recipe; /* "ssim 1: ...": one line that says all that decides the number */
    const char *unit;   /* "dB", or "" */
    bool ranged;        /* the range matters */
    Status (*measure)(double *out, const PicturePair *pair, Arena *scratch, Error *err);
} PairMetric;

extern const PairMetric METRIC_MSE, METRIC_PSNR; /* metrics/psnr.c */
extern const PairMetric METRIC_SSIM;             /* metrics/ssim.c */

/* Metric i; NULL behind the last. */
const PairMetric *pair_metric(int i);

/* NULL when there is none of that name. */
const PairMetric *pair_metric_find(const char *name);

/* What every metric checks first. */
MUST_CHECK Status pair_check(const PicturePair *pair, const char *metric, Error *err);

#endif
