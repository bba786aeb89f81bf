/* diffusion/sampler_dpm_single.c - DPM-Solver and DPM-Solver++, singlestep [Lu22, algorithms 1 and 2; LuZ22, algorithm 1].
 *
 * Levels come in groups of 2 or 3.  The first step of a group is of order 1; the second and the third start again at
 * the group's first level u, whose x is kept, and use what the network said on the way: with u, v, w the levels of the
 * group, i the last of them, h = lambda_(i+1) - lambda_u and r_k = (lambda_k - lambda_u) / h
 *   order 2   D_1 = (m_v - m_u) / r_v
 *   order 3   D_1v = (m_v - m_u) / r_v, D_1w = (m_w - m_u) / r_w;   midpoint: D_1 = D_1w with f_2, no D_2
 *             heun: D_1 = (r_w D_1v - r_v D_1w) / (r_w - r_v),  D_2 = 2 (D_1w - D_1v) / (r_w - r_v)
 * and x as diffusion/dpm_solver.h has it.  Orders of the calls: 1 2 1 2 ... or 1 2 3 1 2 3 ...; with lower_order_final,
 * or where N does not divide by the order, or the end is sigma 0, the last groups are shorter, so that the last step is
 * of order 1.  A run that starts in the middle of a group takes the order that it knows levels for. */
#include <string.h>

#include "diffusion/dpm_solver.h"

/* Order of call i by the list of diffusers' get_order_list. */
static int listed_order(const SamplerRun *run, int i)
{
    const SchedulerConfig *c = &run->config;
    const int k = c->solver_order, N = run->calls;
    const bool lower = c->lower_order_final || N % k != 0 || c->final_sigmas_type == FINAL_SIGMA_ZERO;
    if (lower && i == N - 1 && !(k == 3 && N % 3 == 2))
        return 1;
    return i % k + 1;
}

static int order_at(const SamplerRun *run, int call)
{
    const Multistep *m = run->state;
    const int known = call - run->first + 1, order = listed_order(run, call);
    if (m->table.sigma[call + 1] == 0.0)
        return 1; /* h is infinite: there is nothing between */
    return order < known ? order : known;
}

static LinearStep coefficients(const SamplerRun *run, int call)
{
    const Multistep *m = run->state;
    const int order = order_at(run, call), u = call - order + 1;
    const bool heun = run->config.solver_type == SOLVER_HEUN;
    const DpmStep s = dpm_step(m, run->config.algorithm_type, u, call + 1);
    LinearStep c = {.x = s.linear};
    c.m[order - 1] = s.f1;
    if (order == 2) {
        const double r = (level_lambda(m, call) - level_lambda(m, u)) / s.h, f = heun ? s.f2 : s.half;
        c.m[0] += f / r;
        c.m[1] -= f / r;
    } else if (order == 3) {
        const double rv = (level_lambda(m, u + 1) - level_lambda(m, u)) / s.h;
        const double rw = (level_lambda(m, call) - level_lambda(m, u)) / s.h;
        const double v = heun ? (s.f2 * rw - 2.0 * s.f3) / (rw - rv) / rv : 0.0;
        const double w = heun ? (2.0 * s.f3 - s.f2 * rv) / (rw - rv) / rw : s.f2 / rw;
        c.m[0] += w;
        c.m[1] += v;
        c.m[2] -= v + w;
    }
    return c;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    return dpm_plan(run, false, TABLE_SOLVER, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LinearStep c = coefficients(run, call);
    return multistep_describe(run, call, &c);
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    Multistep *m = run->state;
    const LinearStep c = coefficients(run, call);
    const int order = order_at(run, call);
    multistep_remember(m, run, call, x, out,
                       dpm_predicts_x0(run->config.algorithm_type) ? PAST_X0 : PAST_EPSILON);
    if (order == 1)
        memcpy(m->kept, x, (size_t)run->images * run->sample * sizeof *x);
    multistep_sum(x, run, m, &c, m->kept, order);
}

/* diffusers 0.27.2, schedulers/scheduling_dpmsolver_singlestep.py, DPMSolverSinglestepScheduler.__init__; it has no
 * timestep_spacing: linspace. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .solver_order = 2,
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .algorithm_type = ALGORITHM_DPMSOLVER_PP,
    .solver_type = SOLVER_MIDPOINT,
    .final_sigmas_type = FINAL_SIGMA_ZERO,
    .lambda_min_clipped = -1.0 / 0.0, /* minus infinity; INFINITY is no constant to tcc */
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {"num_train_timesteps", "beta_start",        "beta_end",
                                   "beta_schedule",       "trained_betas",     "solver_order",
                                   "prediction_type",     "thresholding",      "dynamic_thresholding_ratio",
                                   "sample_max_value",    "algorithm_type",    "solver_type",
                                   "lower_order_final",   "use_karras_sigmas", "final_sigmas_type",
                                   "lambda_min_clipped",  "variance_type",     NULL};

const Sampler SAMPLER_DPM_SINGLE = {
    .name = "dpm++2s",
    .class_name = "DPMSolverSinglestepScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .renoise = multistep_renoise,
    .describe = describe,
    .step = step,
};
