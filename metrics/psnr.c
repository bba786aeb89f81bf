/* metrics/psnr.c - mean squared error, and what it is in decibels below the range.
 *
 *   mse  = 1/n sum (a_i - b_i)^2          differences and squares in binary64, the sum is sum8
 *   psnr = 10 log10(range^2 / mse)        infinite for equal pictures */
#include <math.h>

#include "base/elementary64.h"
#include "base/sum_inline.h"
#include "metrics/pair_metric.h"

static Status mean_square(double *out, const PicturePair *pair, const char *metric, Error *err)
{
    const Status status = pair_check(pair, metric, err);
    if (status != STATUS_OK)
        return status;
    double lane[SUM_LANES] = {0};
    const size_t n = pair_count(pair);
    for (size_t i = 0; i < n; i++) {
        const double gap = (double)pair->a[i] - (double)pair->b[i];
        lane[i % SUM_LANES] += gap * gap;
    }
    *out = sum8_fold(lane) / (double)n;
    return STATUS_OK;
}

static Status measure_mse(double *out, const PicturePair *pair, Arena *scratch, Error *err)
{
    (void)scratch;
    return mean_square(out, pair, "mse", err);
}

static Status measure_psnr(double *out, const PicturePair *pair, Arena *scratch, Error *err)
{
    double mse;
    const Status status = mean_square(&mse, pair, "psnr", err);
    (void)scratch;
    if (status != STATUS_OK)
        return status;
    *out = mse > 0.0 ? 10.0 * log_f64(pair->range * pair->range / mse) / log_f64(10.0) : INFINITY;
    return STATUS_OK;
}

const PairMetric METRIC_MSE = {"mse", "mse 1: mean of (a - b)^2 over all numbers", "", false, measure_mse};
const PairMetric METRIC_PSNR = {
    "psnr", "psnr 1: 10 log10(range^2 / mse), mse the mean of (a - b)^2 over all numbers", "dB", true,
    measure_psnr};
