#include "diffusion/edm.h"

#include <math.h>

#include "base/elementary64.h"

Status edm_check(const SamplerRun *run, Error *err)
{
    const SchedulerConfig *c = &run->config;
    if (!(c->sigma_min > 0.0 && c->sigma_min < c->sigma_max))
        return error_set(err, STATUS_ARGUMENT,
                         "sigma_min is %g and sigma_max %g, expected numbers above 0, the second greater",
                         c->sigma_min, c->sigma_max);
    if (!(c->sigma_data > 0.0 && c->rho > 0.0))
        return error_set(err, STATUS_ARGUMENT, "sigma_data is %g and rho %g, expected numbers above 0",
                         c->sigma_data, c->rho);
    return STATUS_OK;
}

Status edm_table_make(SigmaTable *out, SamplerRun *run, double last, Arena *arena, Error *err)
{
    const SchedulerConfig *c = &run->config;
    const size_t N = (size_t)run->steps;
    SigmaTable table = {.count = run->steps,
                        .time = arena_raw(arena, N, sizeof(double)),
                        .sigma = arena_raw(arena, N + 1, sizeof(double))};
    if (table.time == NULL || table.sigma == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d noise levels", run->steps);
    const Status status = edm_check(run, err);
    if (status != STATUS_OK)
        return status;
    if (c->prediction_type == PREDICT_SAMPLE)
        return error_set(err, STATUS_ARGUMENT,
                         "prediction_type is sample; %s takes epsilon and v_prediction",
                         run->sampler->name);
    for (int i = 0; i < table.count; i++) {
        const double share = table.count > 1 ? (double)i / (table.count - 1) : 0.0;
        table.sigma[i] = karras_sigma(sampler_round(run, share), c->sigma_max, c->sigma_min, c->rho,
                                      run->options.compat_f32);
        table.time[i] = (float)(0.25 * sampler_round(run, log_f64(table.sigma[i])));
    }
    table.sigma[table.count] = sampler_round(run, last);
    run->calls = table.count;
    run->time = table.time;
    run->sigma = table.sigma;
    run->start_scale = (float)sqrt(c->sigma_max * c->sigma_max + 1.0);
    *out = table;
    return STATUS_OK;
}

/* sigma^2 + sigma_d^2 */
static double variance(const SamplerRun *run, double sigma)
{
    const double data = run->config.sigma_data;
    return sampler_round(run, sampler_round(run, sigma * sigma) + data * data);
}

EdmScales edm_scales(const SamplerRun *run, double sigma)
{
    const double data = run->config.sigma_data, both = variance(run, sigma);
    const double out = sampler_round(run, sigma * data) / sampler_round(run, sqrt(both));
    return (EdmScales){.skip = data * data / both,
                       .out = run->config.prediction_type == PREDICT_V ? -out : out};
}

void edm_input(const SamplerRun *run, int call, float *out, const float *y)
{
    const float scale = (float)(1.0 / sampler_round(run, sqrt(variance(run, run->sigma[call]))));
    for (size_t i = 0; i < (size_t)run->images * run->sample; i++)
        out[i] = y[i] * scale;
}

void edm_seen_x0(const SamplerRun *run, int call, float *x0, const float *input, const float *out)
{
    const double sigma = run->sigma[call];
    const EdmScales c = edm_scales(run, sigma);
    schedule_mix(x0, (float)(c.skip * sqrt(variance(run, sigma))), input, (float)c.out, out,
                 (size_t)run->images * run->sample);
}

void edm_x0(float *x0, const SamplerRun *run, const float *y, const float *out, double sigma)
{
    const EdmScales c = edm_scales(run, sigma);
    schedule_mix(x0, (float)c.skip, y, (float)c.out, out, (size_t)run->images * run->sample);
}
