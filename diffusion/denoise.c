#include "diffusion/denoise.h"

#include <math.h>

#include "base/sum.h"

void guide_classifier_free(float *out, const float *without, const float *with, size_t n, float w)
{
    for (size_t i = 0; i < n; i++) {
        const float d = with[i] - without[i];
        const float p = w * d;
        out[i] = without[i] + p;
    }
}

static double deviation(const float *x, size_t n)
{
    return sqrt(sum8_squares(x, n, sum8(x, n) / (double)n));
}

void guide_rescale(float *out, const float *with, size_t n, float phi)
{
    const double now = deviation(out, n);
    if (!(now > 0.0))
        return; /* a constant output has nothing to rescale */
    const float factor = (float)(deviation(with, n) / now), rest = 1.0f - phi;
    for (size_t i = 0; i < n; i++) {
        const float same = out[i] * factor;
        const float p = phi * same;
        const float q = rest * out[i];
        out[i] = p + q;
    }
}

/* Joins the conditions of all images into the first `images * sample` numbers of out. */
static void join(float *out, const SamplerRun *run, const Denoiser *network, GuidanceOptions guidance)
{
    const size_t n = (size_t)run->images * run->sample;
    if (network->conditions < 2)
        return;
    guide_classifier_free(out, out, out + n, n, (float)guidance.guidance);
    for (int k = 0; guidance.rescale > 0.0 && k < run->images; k++)
        guide_rescale(out + (size_t)k * run->sample, out + n + (size_t)k * run->sample, run->sample,
                      (float)guidance.rescale);
}

static Status check_finite(const float *out, const SamplerRun *run, int conditions, int call, Error *err)
{
    const size_t n = (size_t)run->images * run->sample;
    for (size_t i = 0; i < (size_t)conditions * n; i++) {
        const float zero = out[i] - out[i]; /* NaN when it is infinite or no number */
        if (zero != 0.0f)
            return error_set(err, STATUS_NOT_FINITE,
                             "step %d of %d (t = %g): the network's output for image %zu is not finite",
                             call + 1, run->calls, run->time[call], i % n / run->sample);
    }
    return STATUS_OK;
}

/* One turn of the loop. */
static Status one_call(float *x, float *in, float *out, SamplerRun *run, int call, const Denoiser *network,
                       GuidanceOptions guidance, const DenoiseHooks *hooks, Error *err)
{
    Status status = STATUS_OK;
    if (hooks->before != NULL)
        status = hooks->before(hooks->context, run, call, x, err);
    const float *seen = x;
    if (status == STATUS_OK && run->sampler->input != NULL) {
        run->sampler->input(run, call, in, x);
        seen = in;
    }
    if (status == STATUS_OK)
        status = network->predict(network->context, out, seen, run->time[call], err);
    if (status == STATUS_OK)
        status = check_finite(out, run, network->conditions, call, err);
    if (status != STATUS_OK)
        return status;
    join(out, run, network, guidance);
    if (hooks->guided != NULL)
        status = hooks->guided(hooks->context, run, call, seen, out, err);
    if (status == STATUS_OK)
        run->sampler->step(run, call, x, out);
    if (status == STATUS_OK && hooks->after != NULL)
        status = hooks->after(hooks->context, run, call, x, err);
    if (status == STATUS_OK && hooks->progress != NULL) {
        const DenoiseProgress progress = {call, run->calls, run->time[call], x};
        if (!hooks->progress(hooks->context, &progress))
            status =
                error_set(err, STATUS_INTERRUPTED, "stopped after step %d of %d", call + 1, run->calls);
    }
    return status;
}

Status denoise(float *x, SamplerRun *run, const Denoiser *network, GuidanceOptions guidance,
               const DenoiseHooks *hooks, Arena *scratch, Error *err)
{
    static const DenoiseHooks NONE = {0};
    if (network->conditions < 1 || network->conditions > 2)
        return error_set(err, STATUS_ARGUMENT, "%d conditions, expected 1 or 2", network->conditions);
    if (!(guidance.rescale >= 0.0 && guidance.rescale <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "guidance rescale is %g, expected 0 to 1", guidance.rescale);
    const ArenaMark mark = arena_mark(scratch);
    const size_t n = (size_t)run->images * run->sample;
    float *in = arena_raw(scratch, n, sizeof *in);
    float *out = arena_raw(scratch, n, (size_t)network->conditions * sizeof *out);
    Status status = STATUS_OK;
    if (in == NULL || out == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for %d latents of %zu numbers", run->images,
                           run->sample);
    for (int call = run->first; call < run->calls && status == STATUS_OK; call++)
        status = one_call(x, in, out, run, call, network, guidance, hooks != NULL ? hooks : &NONE, err);
    arena_release(scratch, mark);
    return status;
}
