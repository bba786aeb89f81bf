#include "nn/lr_schedule.h"

#include <math.h>
#include <string.h>

#include "base/elementary64.h"

static const double PI = 0x1.921fb54442d18p+1;

static const char *const NAMES[LR_COUNT] = {"constant", "constant_with_warmup", "linear",
                                            "cosine",   "cosine_with_restarts", "polynomial"};

const char *lr_kind_name(LrKind kind)
{
    return NAMES[kind];
}

Status lr_kind_named(LrKind *out, const char *name, Error *err)
{
    for (int k = 0; k < LR_COUNT; k++)
        if (strcmp(name, NAMES[k]) == 0) {
            *out = (LrKind)k;
            return STATUS_OK;
        }
    return error_set(
        err, STATUS_ARGUMENT,
        "\"%.60s\" is no learning rate schedule; known are constant, constant_with_warmup, linear, "
        "cosine, cosine_with_restarts and polynomial",
        name);
}

static double at_least_one(int64_t steps)
{
    return steps > 1 ? (double)steps : 1.0;
}

double lr_factor(const LrSchedule *schedule, int64_t step)
{
    const int64_t warmup = schedule->warmup, total = schedule->total;
    if (schedule->kind == LR_CONSTANT)
        return 1.0;
    if (step < warmup)
        return (double)step / at_least_one(warmup);
    const double done = (double)(step - warmup) / at_least_one(total - warmup);
    double factor = 1.0;
    switch (schedule->kind) {
    case LR_LINEAR: factor = (double)(total - step) / at_least_one(total - warmup); break;
    case LR_COSINE: {
        const double cycles = schedule->cycles > 0.0 ? schedule->cycles : 0.5;
        factor = 0.5 * (1.0 + cos_f64(PI * cycles * 2.0 * done));
        break;
    }
    case LR_COSINE_WITH_RESTARTS: {
        const double turns = (schedule->cycles > 0.0 ? schedule->cycles : 1.0) * done;
        factor = done >= 1.0 ? 0.0 : 0.5 * (1.0 + cos_f64(PI * (turns - floor(turns))));
        break;
    }
    case LR_POLYNOMIAL: {
        const double left = 1.0 - done, power = schedule->power > 0.0 ? schedule->power : 1.0;
        const double curve = left > 0.0 ? (power == 1.0 ? left : pow_f64(left, power)) : 0.0;
        factor = (1.0 - schedule->end) * curve + schedule->end;
        break;
    }
    default: break;
    }
    return factor > 0.0 ? factor : 0.0;
}
