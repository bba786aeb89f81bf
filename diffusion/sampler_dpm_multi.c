/* diffusion/sampler_dpm_multi.c - DPM-Solver and DPM-Solver++, multistep [LuZ22, algorithm 2].
 *
 * The step goes from level i to i + 1; with h_1, h_2 the steps before in lambda and r_k = h_k / h
 *   order 2   D_1 = (m_0 - m_1) / r_1
 *   order 3   D_10 = (m_0 - m_1) / r_1, D_11 = (m_1 - m_2) / r_2,
 *             D_1 = D_10 + r_1 / (r_1 + r_2) (D_10 - D_11),  D_2 = (D_10 - D_11) / (r_1 + r_2)
 * and x as diffusion/dpm_solver.h has it.  The order is lower while fewer m are known, and at the end:
 *   last step          1, if euler_at_final, or lower_order_final and N < 15, or it ends at sigma 0
 *   the one before     2, if lower_order_final and N < 15
 *   of no length       1 (Karras levels that end at sigma_min do so twice)
 *
 * Two classes more make the same steps:
 *   dpm_inverse   from an image to noise, up the levels of TABLE_INVERSE: the same equation backwards, without the sde
 *                 kinds.  Where rounded Karras levels share a timestep, all of them are visited (diffusers leaves
 *                 repeated timesteps out, and their levels in).
 *   edm_dpm++2m   networks trained as in [Kar22]: y = x0 + sigma eps with the levels and the x0 of diffusion/edm.h,
 *                 so a = 1 and s = sigma in the formulas; the ++ kinds alone */
#include <math.h>

#include "diffusion/dpm_solver.h"
#include "diffusion/edm.h"
#include "diffusion/prediction.h"

static int order_at(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    const Multistep *m = run->state;
    const int known = call - run->first + 1, left = run->calls - call;
    const bool few = c->lower_order_final && run->calls < 15; /* diffusers: unstable with so few steps */
    int order = c->solver_order < known ? c->solver_order : known;
    if (m->table.sigma[call + 1] == m->table.sigma[call] ||
        (left == 1 && (c->euler_at_final || few || c->final_sigmas_type == FINAL_SIGMA_ZERO)))
        order = 1;
    if (left == 2 && few && order > 2)
        order = 2;
    return order;
}

static LinearStep coefficients(const SamplerRun *run, int call)
{
    const Multistep *m = run->state;
    const int order = order_at(run, call);
    const DpmStep s = dpm_step(m, run->config.algorithm_type, call, call + 1);
    const double first = run->config.solver_type == SOLVER_HEUN || order > 2 ? s.f2 : s.half;
    LinearStep c = {.x = s.linear, .m = {s.f1}, .sd = s.sd};
    if (order == 1)
        return c;
    const double here = level_lambda(m, call), r1 = (here - level_lambda(m, call - 1)) / s.h;
    double d0 = 1.0 / r1, d1 = -1.0 / r1, d2 = 0.0; /* D_1 as a sum of m */
    if (order == 3) {
        const double r2 = (level_lambda(m, call - 1) - level_lambda(m, call - 2)) / s.h;
        const double second[3] = {1.0 / r1 / (r1 + r2), (-1.0 / r1 - 1.0 / r2) / (r1 + r2),
                                  1.0 / r2 / (r1 + r2)};
        d0 += r1 * second[0];
        d1 += r1 * second[1];
        d2 += r1 * second[2];
        for (int j = 0; j < 3; j++)
            c.m[j] += s.f3 * second[j];
    }
    c.m[0] += first * d0;
    c.m[1] += first * d1;
    c.m[2] += first * d2;
    return c;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    return dpm_plan(run, true, TABLE_SOLVER, arena, err);
}

static Status plan_inverse(SamplerRun *run, Arena *arena, Error *err)
{
    const Status status = dpm_plan(run, false, TABLE_INVERSE, arena, err);
    if (status == STATUS_OK)
        ((Multistep *)run->state)->binary32 = run->options.compat_f32;
    return status;
}

static Status plan_edm(SamplerRun *run, Arena *arena, Error *err)
{
    Multistep *m = arena_alloc(arena, 1, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for DPM-Solver");
    Status status = dpm_check(run, true, err);
    const int kind = run->config.algorithm_type;
    if (status == STATUS_OK && !dpm_predicts_x0(kind))
        status = error_set(err, STATUS_ARGUMENT, "algorithm_type is %s, which %s does not have",
                           scheduler_value_name("algorithm_type", kind), run->sampler->name);
    if (status == STATUS_OK)
        status = multistep_make(m, run, arena, err);
    if (status == STATUS_OK)
        status = edm_table_make(
            &m->table, run, run->config.final_sigmas_type == FINAL_SIGMA_ZERO ? 0.0 : run->config.sigma_min,
            arena, err);
    m->unscaled = true;
    run->state = m;
    return status;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LinearStep c = coefficients(run, call);
    return multistep_describe(run, call, &c);
}

/* Behind the last call of an inversion is noise, not an image. */
static SamplerCall describe_inverse(const SamplerRun *run, int call)
{
    const Multistep *m = run->state;
    SamplerCall d = describe(run, call);
    if (d.previous < 0)
        d.previous = (int)rint(sigma_table_time(&m->table, run->schedule.steps, run->sigma[run->calls]));
    return d;
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    Multistep *m = run->state;
    const LinearStep c = coefficients(run, call);
    multistep_remember(m, run, call, x, out,
                       dpm_predicts_x0(run->config.algorithm_type) ? PAST_X0 : PAST_EPSILON);
    multistep_sum(x, run, m, &c, x, order_at(run, call));
    sampler_add_noise(run, x, (float)c.sd, m->noise);
}

static void step_edm(SamplerRun *run, int call, float *x, float *out)
{
    Multistep *m = run->state;
    const LinearStep c = coefficients(run, call);
    float *x0 = multistep_newest(m);
    edm_x0(x0, run, x, out, run->sigma[call]);
    limit_x0(x0, run->images, run->sample, &run->config, m->scratch);
    multistep_sum(x, run, m, &c, x, order_at(run, call));
    sampler_add_noise(run, x, (float)c.sd, m->noise);
}

/* diffusers 0.27.2, schedulers/scheduling_dpmsolver_multistep.py, DPMSolverMultistepScheduler.__init__. */
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
    .lower_order_final = true,
    .final_sigmas_type = FINAL_SIGMA_ZERO,
    .lambda_min_clipped = -1.0 / 0.0, /* minus infinity; INFINITY is no constant to tcc */
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "solver_order",
                                   "prediction_type",
                                   "thresholding",
                                   "dynamic_thresholding_ratio",
                                   "sample_max_value",
                                   "algorithm_type",
                                   "solver_type",
                                   "lower_order_final",
                                   "euler_at_final",
                                   "use_karras_sigmas",
                                   "use_lu_lambdas",
                                   "final_sigmas_type",
                                   "lambda_min_clipped",
                                   "variance_type",
                                   "timestep_spacing",
                                   "steps_offset",
                                   "rescale_betas_zero_snr",
                                   NULL};

const Sampler SAMPLER_DPM_MULTI = {
    .name = "dpm++2m",
    .class_name = "DPMSolverMultistepScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .renoise = multistep_renoise,
    .describe = describe,
    .step = step,
};

/* diffusers 0.27.2, schedulers/scheduling_dpmsolver_multistep_inverse.py, DPMSolverMultistepInverseScheduler.__init__. */
static const SchedulerConfig INVERSE_DEFAULTS = {
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
    .lower_order_final = true,
    .final_sigmas_type = FINAL_SIGMA_MIN, /* no key of this class: no level is 0 */
    .lambda_min_clipped = -1.0 / 0.0,
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const INVERSE_KEYS[] = {"num_train_timesteps",
                                           "beta_start",
                                           "beta_end",
                                           "beta_schedule",
                                           "trained_betas",
                                           "solver_order",
                                           "prediction_type",
                                           "thresholding",
                                           "dynamic_thresholding_ratio",
                                           "sample_max_value",
                                           "algorithm_type",
                                           "solver_type",
                                           "lower_order_final",
                                           "euler_at_final",
                                           "use_karras_sigmas",
                                           "lambda_min_clipped",
                                           "variance_type",
                                           "timestep_spacing",
                                           "steps_offset",
                                           NULL};

const Sampler SAMPLER_DPM_INVERSE = {
    .name = "dpm_inverse",
    .class_name = "DPMSolverMultistepInverseScheduler",
    .defaults = &INVERSE_DEFAULTS,
    .keys = INVERSE_KEYS,
    .order = 1,
    .plan = plan_inverse,
    .renoise = multistep_renoise,
    .describe = describe_inverse,
    .step = step,
};

/* diffusers 0.27.2, schedulers/scheduling_edm_dpmsolver_multistep.py, EDMDPMSolverMultistepScheduler.__init__. */
static const SchedulerConfig EDM_DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001, /* of no schedule here */
    .beta_end = 0.02,
    .sigma_min = 0.002,
    .sigma_max = 80.0,
    .sigma_data = 0.5,
    .rho = 7.0,
    .prediction_type = PREDICT_EPSILON,
    .solver_order = 2,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .algorithm_type = ALGORITHM_DPMSOLVER_PP,
    .solver_type = SOLVER_MIDPOINT,
    .lower_order_final = true,
    .final_sigmas_type = FINAL_SIGMA_ZERO,
};

static const char *const EDM_KEYS[] = {"sigma_min",
                                       "sigma_max",
                                       "sigma_data",
                                       "num_train_timesteps",
                                       "prediction_type",
                                       "rho",
                                       "solver_order",
                                       "thresholding",
                                       "dynamic_thresholding_ratio",
                                       "sample_max_value",
                                       "algorithm_type",
                                       "solver_type",
                                       "lower_order_final",
                                       "euler_at_final",
                                       "final_sigmas_type",
                                       NULL};

const Sampler SAMPLER_EDM_DPM_MULTI = {
    .name = "edm_dpm++2m",
    .class_name = "EDMDPMSolverMultistepScheduler",
    .defaults = &EDM_DEFAULTS,
    .keys = EDM_KEYS,
    .order = 1,
    .plan = plan_edm,
    .input = edm_input,
    .x0 = edm_seen_x0,
    .renoise = sigma_renoise,
    .describe = describe,
    .step = step_edm,
};
