#include "diffusion/multistep.h"

#include <math.h>

#include "base/elementary64.h"
#include "diffusion/prediction.h"

Status multistep_check_order(const SamplerRun *run, Error *err)
{
    if (run->config.solver_order >= 1 && run->config.solver_order <= MULTISTEP_ORDER)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT, "solver_order is %d, expected 1 to %d", run->config.solver_order,
                     MULTISTEP_ORDER);
}

Status multistep_make(Multistep *out, const SamplerRun *run, Arena *arena, Error *err)
{
    const size_t n = (size_t)run->images * run->sample;
    Multistep m = {.scratch = arena_raw(arena, run->sample, 2 * sizeof(float))};
    float *latents = sampler_latents(run, MULTISTEP_ORDER + 3, arena);
    if (m.scratch == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of %s", run->steps,
                         run->sampler->name);
    for (size_t j = 0; j <= MULTISTEP_ORDER; j++)
        m.past[j] = latents + j * n;
    m.kept = latents + (MULTISTEP_ORDER + 1) * n;
    m.noise = latents + (MULTISTEP_ORDER + 2) * n;
    *out = m;
    return multistep_check_order(run, err);
}

Status multistep_plan(Multistep *out, SamplerRun *run, SigmaRule rule, SigmaLast last, Arena *arena,
                      Error *err)
{
    Multistep m = {0};
    Status status = multistep_make(&m, run, arena, err);
    if (status == STATUS_OK)
        status = sigma_table_make(&m.table, run, rule, last, arena, err);
    if (status != STATUS_OK)
        return status;
    run->calls = m.table.count;
    run->time = m.table.time;
    run->sigma = m.table.sigma;
    *out = m;
    return STATUS_OK;
}

double level_round(const Multistep *m, double x)
{
    return m->binary32 ? (double)(float)x : x;
}

double level_a(const Multistep *m, int i)
{
    const double sigma = m->table.sigma[i], one = level_round(m, level_round(m, sigma * sigma) + 1.0);
    return m->unscaled ? 1.0 : level_round(m, 1.0 / level_round(m, sqrt(one)));
}

double level_s(const Multistep *m, int i)
{
    return level_round(m, m->table.sigma[i] * level_a(m, i));
}

double level_lambda(const Multistep *m, int i)
{
    if (!m->binary32)
        return -log_f64(m->table.sigma[i]);
    const double of_a = level_round(m, log_f64(level_a(m, i)));
    return level_round(m, of_a - level_round(m, log_f64(level_s(m, i))));
}

float *multistep_newest(Multistep *m)
{
    float *newest = m->past[MULTISTEP_ORDER];
    for (int j = MULTISTEP_ORDER; j > 0; j--)
        m->past[j] = m->past[j - 1];
    m->past[0] = newest;
    return newest;
}

void multistep_remember(Multistep *m, const SamplerRun *run, int call, const float *x, const float *out,
                        PastKind kind)
{
    const size_t n = (size_t)run->images * run->sample;
    const float a = (float)level_a(m, call), s = (float)level_s(m, call);
    const int type = run->config.prediction_type;
    float *newest = multistep_newest(m);
    if (kind == PAST_EPSILON_UNLIMITED || (kind == PAST_EPSILON && !run->config.thresholding)) {
        predict_epsilon(newest, x, out, n, type, a, s);
        return;
    }
    predict_x0(newest, x, out, n, type, a, s);
    limit_x0(newest, run->images, run->sample, &run->config, m->scratch);
    if (kind == PAST_EPSILON)
        predict_epsilon(newest, x, newest, n, PREDICT_SAMPLE, a, s);
}

void multistep_sum(float *out, const SamplerRun *run, const Multistep *m, const LinearStep *c,
                   const float *x, int count)
{
    const size_t n = (size_t)run->images * run->sample;
    schedule_mix(out, (float)c->x, x, (float)c->m[0], m->past[0], n);
    for (int j = 1; j < count; j++)
        schedule_mix(out, 1.0f, out, (float)c->m[j], m->past[j], n);
}

SamplerCall multistep_describe(const SamplerRun *run, int call, const LinearStep *c)
{
    return (SamplerCall){.previous = call + 1 < run->calls ? (int)run->time[call + 1] : -1,
                         .count = 5,
                         .name = {"to_x", "to_m0", "to_m1", "to_m2", "sd"},
                         .value = {(double)(float)c->x, (double)(float)c->m[0], (double)(float)c->m[1],
                                   (double)(float)c->m[2], (double)(float)c->sd}};
}

void multistep_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                       size_t n)
{
    const double sigma = run->sigma[call], a = 1.0 / sqrt(sigma * sigma + 1.0);
    schedule_mix(out, (float)a, x0, (float)(sigma * a), noise, n);
}
