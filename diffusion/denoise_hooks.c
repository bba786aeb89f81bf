#include "diffusion/denoise_hooks.h"

static Status before(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    const DenoiseHookPair *p = context;
    Status status = STATUS_OK;
    if (p->outer != NULL && p->outer->before != NULL)
        status = p->outer->before(p->outer->context, run, call, x, err);
    if (status == STATUS_OK && p->inner != NULL && p->inner->before != NULL)
        status = p->inner->before(p->inner->context, run, call, x, err);
    return status;
}

static Status guided(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err)
{
    const DenoiseHookPair *p = context;
    Status status = STATUS_OK;
    if (p->outer != NULL && p->outer->guided != NULL)
        status = p->outer->guided(p->outer->context, run, call, input, out, err);
    if (status == STATUS_OK && p->inner != NULL && p->inner->guided != NULL)
        status = p->inner->guided(p->inner->context, run, call, input, out, err);
    return status;
}

static Status after(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    const DenoiseHookPair *p = context;
    Status status = STATUS_OK;
    if (p->inner != NULL && p->inner->after != NULL)
        status = p->inner->after(p->inner->context, run, call, x, err);
    if (status == STATUS_OK && p->outer != NULL && p->outer->after != NULL)
        status = p->outer->after(p->outer->context, run, call, x, err);
    return status;
}

static bool progress(void *context, const DenoiseProgress *at)
{
    const DenoiseHookPair *p = context;
    if (p->inner != NULL && p->inner->progress != NULL && !p->inner->progress(p->inner->context, at))
        return false;
    return p->outer == NULL || p->outer->progress == NULL || p->outer->progress(p->outer->context, at);
}

DenoiseHooks denoise_hooks_pair(DenoiseHookPair *pair)
{
    return (DenoiseHooks){
        .context = pair, .before = before, .guided = guided, .after = after, .progress = progress};
}
