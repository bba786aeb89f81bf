/* ldm99.h: how near pictures are. */
#include "api/ldm_call.h"
#include "base/contract.h"
#include "metrics/pair_metric.h"

const char *ldm_metric_recipe(const char *name)
{
    const PairMetric *metric = pair_metric_find(name);
    return metric != NULL ? metric->recipe : NULL;
}

static ldm_status measure(double *out, const PairMetric *metric, const PicturePair *pair,
                          const ldm_allocator *allocator, ldm_error *error)
{
    ArenaSource room;
    LdmCall call = ldm_call_from(ldm_source(&room, allocator));
    Status status = contract_check(&call.error);
    if (status == STATUS_OK)
        status = metric->measure(out, pair, &call.arena, &call.error);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_mse(double *out, const float *a, const float *b, int planes, int height, int width,
                   ldm_error *error)
{
    const PicturePair pair = {a, b, planes, height, width, 1.0}; /* of any range */
    return measure(out, &METRIC_MSE, &pair, NULL, error);
}

ldm_status ldm_psnr(double *out, const float *a, const float *b, int planes, int height, int width,
                    double range, ldm_error *error)
{
    const PicturePair pair = {a, b, planes, height, width, range};
    return measure(out, &METRIC_PSNR, &pair, NULL, error);
}

ldm_status ldm_ssim(double *out, const float *a, const float *b, int planes, int height, int width,
                    double range, const ldm_allocator *allocator, ldm_error *error)
{
    const PicturePair pair = {a, b, planes, height, width, range};
    return measure(out, &METRIC_SSIM, &pair, allocator, error);
}
