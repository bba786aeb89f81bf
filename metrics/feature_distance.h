/* metrics/feature_distance.h - how far two features are apart: binary64 throughout, the squares' sum a sum8. */
#ifndef METRICS_FEATURE_DISTANCE_H
#define METRICS_FEATURE_DISTANCE_H

#include "base/sum_inline.h"

static inline double feature_distance_squared(const float *a, const float *b, size_t d)
{
    double lane[SUM_LANES] = {0};
    for (size_t i = 0; i < d; i++) {
        const double gap = (double)a[i] - (double)b[i];
        lane[i % SUM_LANES] += gap * gap;
    }
    return sum8_fold(lane);
}

#endif
