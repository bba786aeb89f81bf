#include "diffusion/early_stop.h"

#include <math.h>
#include <string.h>

Status early_stop_init(EarlyStop *out, int patience, Tensor *const *parameters, size_t count, Arena *arena,
                       Error *err)
{
    EarlyStop made = {.patience = patience, .loss = HUGE_VAL};
    Status status = STATUS_OK;
    if (patience < 0)
        return error_set(err, STATUS_ARGUMENT, "patience %d, expected at least 0", patience);
    if (patience > 0)
        status = ema_init(&made.kept, &EMA_DEFAULTS, parameters, count, arena, err);
    if (status == STATUS_OK)
        *out = made;
    return status;
}

void early_stop_note(EarlyStop *stop, double loss, uint64_t step)
{
    if (stop->patience == 0)
        return;
    if (!(loss < stop->loss)) {
        stop->stale++;
        return;
    }
    stop->loss = loss;
    stop->step = step;
    stop->stale = 0;
    for (size_t i = 0; i < stop->kept.count; i++) {
        const Tensor *p = stop->kept.parameters[i];
        memcpy(stop->kept.shadow[i], p->data, tensor_count(p) * sizeof(float));
    }
}

bool early_stop_due(const EarlyStop *stop)
{
    return stop->patience > 0 && stop->stale >= (uint64_t)stop->patience;
}

void early_stop_swap(EarlyStop *stop)
{
    if (stop->patience > 0)
        ema_swap(&stop->kept);
}
