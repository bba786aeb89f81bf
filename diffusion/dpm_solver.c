#include "diffusion/dpm_solver.h"

#include <math.h>

#include "base/elementary64.h"

bool dpm_predicts_x0(int kind)
{
    return kind == ALGORITHM_DPMSOLVER_PP || kind == ALGORITHM_SDE_DPMSOLVER_PP;
}

bool dpm_is_sde(int kind)
{
    return kind == ALGORITHM_SDE_DPMSOLVER || kind == ALGORITHM_SDE_DPMSOLVER_PP;
}

/* m = x0; g = 1 - e^-h, of twice the h for the sde kind. */
static DpmStep data_step(const Multistep *m, int kind, int u, int t)
{
    const bool sde = dpm_is_sde(kind);
    const double a = level_a(m, t), s = level_s(m, t);
    if (m->table.sigma[t] == 0.0)
        return (DpmStep){.kind = kind, .f1 = a};
    const double h = level_round(m, level_lambda(m, t) - level_lambda(m, u)), k = sde ? 2.0 * h : h;
    const double shrink = level_round(m, exp_f64(-h));
    const double g = level_round(m, 1.0 - level_round(m, exp_f64(-k)));
    return (DpmStep){.kind = kind,
                     .linear = s / level_s(m, u) * (sde ? shrink : 1.0),
                     .f1 = a * g,
                     .f2 = a * (1.0 - g / k),
                     .f3 = a * (0.5 - (h - g) / (h * h)),
                     .half = 0.5 * a * g,
                     .sd = sde ? s * sqrt(g) : 0.0,
                     .h = h};
}

/* m = eps; g = e^h - 1. */
static DpmStep noise_step(const Multistep *m, int kind, int u, int t)
{
    const bool sde = dpm_is_sde(kind);
    const double s = level_s(m, t), times = sde ? 2.0 : 1.0;
    const double h = level_round(m, level_lambda(m, t) - level_lambda(m, u));
    const double g = level_round(m, level_round(m, exp_f64(h)) - 1.0);
    return (DpmStep){.kind = kind,
                     .linear = level_a(m, t) / level_a(m, u),
                     .f1 = -times * s * g,
                     .f2 = -times * s * (g / h - 1.0),
                     .f3 = -s * ((g - h) / (h * h) - 0.5),
                     .half = -(sde ? 1.0 : 0.5) * s * g,
                     .sd = sde ? s * sqrt(exp_f64(2.0 * h) - 1.0) : 0.0,
                     .h = h};
}

DpmStep dpm_step(const Multistep *m, int kind, int u, int t)
{
    return dpm_predicts_x0(kind) ? data_step(m, kind, u, t) : noise_step(m, kind, u, t);
}

Status dpm_check(SamplerRun *run, bool sde, Error *err)
{
    SchedulerConfig *c = &run->config;
    const char *kind = scheduler_value_name("algorithm_type", c->algorithm_type);
    if (c->algorithm_type == ALGORITHM_DEIS)
        c->algorithm_type =
            ALGORITHM_DPMSOLVER_PP; /* as DPMSolverMultistepScheduler.__init__, and the next */
    if (c->solver_type != SOLVER_HEUN)
        c->solver_type = SOLVER_MIDPOINT;
    if (c->variance_type == VARIANCE_LEARNED || c->variance_type == VARIANCE_LEARNED_RANGE)
        return error_set(err, STATUS_ARGUMENT, "variance_type is %s, which %s does not have",
                         scheduler_value_name("variance_type", c->variance_type), run->sampler->name);
    const bool other =
        c->algorithm_type == ALGORITHM_DATA_PREDICTION || c->algorithm_type == ALGORITHM_NOISE_PREDICTION;
    if (other || (dpm_is_sde(c->algorithm_type) && !sde))
        return error_set(err, STATUS_ARGUMENT, "algorithm_type is %s, which %s does not have", kind,
                         run->sampler->name);
    if (dpm_is_sde(c->algorithm_type) && c->solver_order > 2)
        return error_set(err, STATUS_ARGUMENT, "algorithm_type %s has solver_order 1 and 2, not %d", kind,
                         c->solver_order);
    if (!dpm_predicts_x0(c->algorithm_type) && c->final_sigmas_type == FINAL_SIGMA_ZERO)
        return error_set(err, STATUS_ARGUMENT, "algorithm_type %s needs final_sigmas_type sigma_min", kind);
    return STATUS_OK;
}

Status dpm_plan(SamplerRun *run, bool sde, SigmaRule rule, Arena *arena, Error *err)
{
    Multistep *m = arena_alloc(arena, 1, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for DPM-Solver");
    Status status = dpm_check(run, sde, err);
    if (status == STATUS_OK)
        status = multistep_plan(m, run, rule, LAST_BY_TYPE, arena, err);
    run->state = m;
    return status;
}
