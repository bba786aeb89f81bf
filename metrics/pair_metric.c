#include "metrics/pair_metric.h"

#include <string.h>

static const PairMetric *const METRICS[] = {&METRIC_MSE, &METRIC_PSNR, &METRIC_SSIM};
enum { COUNT = sizeof METRICS / sizeof METRICS[0] };

size_t pair_count(const PicturePair *pair)
{
    return (size_t)pair->planes * (size_t)pair->height * (size_t)pair->width;
}

const PairMetric *pair_metric(int i)
{
    return i >= 0 && i < COUNT ? METRICS[i] : NULL;
}

const PairMetric *pair_metric_find(const char *name)
{
    for (int i = 0; i < COUNT; i++)
        if (strcmp(METRICS[i]->name, name) == 0)
            return METRICS[i];
    return NULL;
}

Status pair_check(const PicturePair *pair, const char *metric, Error *err)
{
    if (pair->planes < 1 || pair->height < 1 || pair->width < 1)
        return error_set(err, STATUS_ARGUMENT, "%s: %d planes of %d x %d, each at least 1", metric,
                         pair->planes, pair->width, pair->height);
    if (!(pair->range > 0.0) || pair->range - pair->range != 0.0)
        return error_set(err, STATUS_ARGUMENT, "%s: the range of the numbers is %g, expected above 0",
                         metric, pair->range);
    const size_t n = pair_count(pair);
    for (size_t i = 0; i < n; i++)
        if (pair->a[i] - pair->a[i] != 0.0f || pair->b[i] - pair->b[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "%s: number %zu of %s is not finite", metric, i,
                             pair->a[i] - pair->a[i] != 0.0f ? "the first" : "the second");
    return STATUS_OK;
}
