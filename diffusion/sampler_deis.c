/* diffusion/sampler_deis.c - diffusion exponential integrator sampler, polynomials in log rho [ZhaC23, section 3.3].
 *
 *   rho_i = sigma_i; eps of the last levels, m_0 (level i), m_1, m_2, is interpolated as a polynomial in log rho and
 *   integrated over rho from rho_i to rho_(i+1) = t:
 *
 *   order 1   x <- (a_t / a_i) x - s_t (e^h - 1) m_0,                        h = lambda_(i+1) - lambda_i
 *   order 2,3 x <- a_t (x / a_i + sum_j C_j m_j),   C_j = [ integral of l_j(log rho) d rho ]
 *
 *   with l_j the polynomial that is 1 at log rho_(i-j) and 0 at the other two.  From the integrals of 1, L and L^2,
 *   L = log rho:  rho,  rho (L - 1),  rho (L^2 - 2 L + 2).
 *
 * eps is made anew from x0 where thresholding limits that.  The order is lower while fewer m are known, and with
 * lower_order_final and N < 15 in the last step (1) and the one before (2). */
#include "base/elementary64.h"
#include "diffusion/multistep.h"

static int order_at(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    const int known = call - run->first + 1, left = run->calls - call;
    const bool few = c->lower_order_final && run->calls < 15;
    const int most = few && left < 3 ? left : c->solver_order;
    const int order = most < c->solver_order ? most : c->solver_order;
    return order < known ? order : known;
}

/* The integral of q[0] + q[1] L + q[2] L^2 from 0 to rho. */
static double integral(const double q[3], double rho)
{
    const double L = log_f64(rho);
    return rho * (q[0] + q[1] * (L - 1.0) + q[2] * (L * L - 2.0 * L + 2.0));
}

/* C_j: the polynomial (L - b)(L - c) / ((a - b)(a - c)), or (L - b) / (a - b), from rho_i to rho_(i+1). */
static double weight(const Multistep *m, int call, int order, int j)
{
    const double L[3] = {log_f64(m->table.sigma[call]), log_f64(m->table.sigma[call - 1]),
                         order > 2 ? log_f64(m->table.sigma[call - 2]) : 0.0};
    const double a = L[j], b = L[(j + 1) % order], c = L[(j + 2) % order];
    double q[3] = {-b / (a - b), 1.0 / (a - b), 0.0};
    if (order == 3) {
        const double under = (a - b) * (a - c);
        q[0] = b * c / under;
        q[1] = -(b + c) / under;
        q[2] = 1.0 / under;
    }
    return integral(q, m->table.sigma[call + 1]) - integral(q, m->table.sigma[call]);
}

static LinearStep coefficients(const SamplerRun *run, int call)
{
    const Multistep *m = run->state;
    const int order = order_at(run, call);
    const double a = level_a(m, call + 1);
    LinearStep c = {.x = a / level_a(m, call)};
    if (order == 1) {
        const double h = level_lambda(m, call + 1) - level_lambda(m, call);
        c.m[0] = -level_s(m, call + 1) * (exp_f64(h) - 1.0);
    }
    for (int j = 0; order > 1 && j < order; j++)
        c.m[j] = a * weight(m, call, order, j);
    return c;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    Multistep *m = arena_alloc(arena, 1, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for DEIS");
    const int kind = run->config.algorithm_type;
    if (kind == ALGORITHM_SDE_DPMSOLVER || kind == ALGORITHM_SDE_DPMSOLVER_PP ||
        kind == ALGORITHM_DATA_PREDICTION || kind == ALGORITHM_NOISE_PREDICTION)
        return error_set(err, STATUS_ARGUMENT, "algorithm_type is %s, which deis does not have",
                         scheduler_value_name("algorithm_type", kind));
    run->state = m;
    return multistep_plan(m, run, TABLE_SOLVER, LAST_LOWEST, arena, err);
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
    multistep_remember(m, run, call, x, out, PAST_EPSILON);
    multistep_sum(x, run, m, &c, x, order_at(run, call));
}

/* diffusers 0.27.2, schedulers/scheduling_deis_multistep.py, DEISMultistepScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .solver_order = 2,
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .algorithm_type = ALGORITHM_DEIS,
    .solver_type = SOLVER_LOGRHO,
    .lower_order_final = true,
    .timestep_spacing = SPACING_LINSPACE,
    .lambda_min_clipped = -1.0 / 0.0, /* no limit; INFINITY is no constant to tcc */
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
                                   "use_karras_sigmas",
                                   "timestep_spacing",
                                   "steps_offset",
                                   NULL};

const Sampler SAMPLER_DEIS = {
    .name = "deis",
    .class_name = "DEISMultistepScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .renoise = multistep_renoise,
    .describe = describe,
    .step = step,
};
