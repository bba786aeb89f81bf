/* diffusion/sampler_unipc.c - unified predictor and corrector [Zhao23, algorithms 1 to 4].
 *
 *   u -> t       the step, h = lambda_t - lambda_u, hh = -h (predict_x0) or h
 *   linear, k    s_t / s_u and a_t with m = x0 (predict_x0);  a_t / a_u and s_t with m = eps
 *   base         linear x_u - k (e^hh - 1) m_u
 *   B            e^hh - 1 (bh2) or hh (bh1)
 *   r_j, D_j     (lambda_(u-j) - lambda_u) / h and (m_(u-j) - m_u) / r_j;  for the corrector also r = 1, D = m_t - m_u
 *   b_k          phi_k k! / B, phi_1 = (e^hh - 1) / hh - 1, phi_(k+1) = phi_k / hh - 1 / (k + 1)!
 *   rho          solves sum_j r_j^(k-1) rho_j = b_k;  1/2 for one unknown
 *
 *   x_t <- base - k B sum_j rho_j D_j
 *
 * Each call corrects the present x with what the network just said (UniC: u = i - 1, t = i, unless disable_corrector
 * lists i - 1 or nothing came before), remembers it, and predicts the next x (UniP: u = i, t = i + 1); m is not made
 * anew after the correction.  The order is solver_order, lower while fewer m are known, and with lower_order_final at
 * most N - i; the corrector's is that of the predictor before it. */
#include <string.h>

#include "base/elementary64.h"
#include "diffusion/multistep.h"

static int order_at(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    const int known = call - run->first + 1, left = run->calls - call;
    const int most = c->lower_order_final && left < c->solver_order ? left : c->solver_order;
    const Multistep *m = run->state;
    if (m->table.sigma[call + 1] == m->table.sigma[call])
        return 1; /* Karras sigmas end with a step of no length */
    return most < known ? most : known;
}

static bool corrects(const SamplerRun *run, int call)
{
    for (int i = 0; i < run->config.disable_count; i++)
        if (run->config.disable_corrector[i] == call - 1)
            return false;
    return call > run->first;
}

/* rho of q unknowns by Gauss's elimination, q <= 3; the rows are powers of different r, so pivots are not 0. */
static void solve(double rho[MULTISTEP_ORDER], const double r[MULTISTEP_ORDER],
                  const double b[MULTISTEP_ORDER], int q)
{
    double row[MULTISTEP_ORDER][MULTISTEP_ORDER + 1];
    for (int k = 0; k < q; k++)
        for (int j = 0; j < q; j++)
            row[k][j] = k == 0 ? 1.0 : row[k - 1][j] * r[j];
    for (int k = 0; k < q; k++)
        row[k][q] = b[k];
    for (int k = 0; k < q; k++)
        for (int i = k + 1; i < q; i++) {
            const double f = row[i][k] / row[k][k];
            for (int j = k; j <= q; j++)
                row[i][j] -= f * row[k][j];
        }
    for (int k = q - 1; k >= 0; k--) {
        rho[k] = row[k][q];
        for (int j = k + 1; j < q; j++)
            rho[k] -= row[k][j] * rho[j];
        rho[k] /= row[k][k];
    }
}

/* b_1 ... b_order, and B. */
static double right_side(double b[MULTISTEP_ORDER], double hh, bool bh2, int order)
{
    const double grow = exp_f64(hh) - 1.0, B = bh2 ? grow : hh;
    double phi = grow / hh - 1.0, factorial = 1.0;
    for (int k = 0; k < order; k++) {
        b[k] = phi * factorial / B;
        factorial *= k + 2;
        phi = phi / hh - 1.0 / factorial;
    }
    return B;
}

/* The step u -> u + 1.  m[0] is m_t for the corrector and m_u for the predictor, the older ones behind. */
static LinearStep solver_step(const SamplerRun *run, int u, int order, bool corrector)
{
    const Multistep *m = run->state;
    const bool x0 = run->config.predict_x0;
    const double here = level_lambda(m, u), h = level_lambda(m, u + 1) - here, hh = x0 ? -h : h;
    const double k = x0 ? level_a(m, u + 1) : level_s(m, u + 1);
    LinearStep c = {.x = x0 ? level_s(m, u + 1) / level_s(m, u) : level_a(m, u + 1) / level_a(m, u)};
    double *of_u = &c.m[corrector ? 1 : 0];
    *of_u = -k * (exp_f64(hh) - 1.0);
    const int unknowns = corrector ? order : order - 1;
    if (unknowns == 0 || h == 0.0)
        return c;
    double r[MULTISTEP_ORDER], b[MULTISTEP_ORDER], rho[MULTISTEP_ORDER] = {0.5};
    for (int j = 0; j < order - 1; j++)
        r[j] = (level_lambda(m, u - j - 1) - here) / h;
    r[order - 1] = 1.0;
    const double B = right_side(b, hh, run->config.solver_type == SOLVER_BH2, order);
    if (unknowns > 1)
        solve(rho, r, b, unknowns);
    for (int j = 0; j < order - 1; j++) {
        const double f = -k * B * rho[j] / r[j];
        of_u[j + 1] += f;
        *of_u -= f;
    }
    if (corrector) {
        c.m[0] = -k * B * rho[order - 1];
        *of_u -= c.m[0];
    }
    return c;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    Multistep *m = arena_alloc(arena, 1, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for UniPC");
    if (run->config.solver_type != SOLVER_BH1)
        run->config.solver_type = SOLVER_BH2; /* as UniPCMultistepScheduler.__init__ */
    run->state = m;
    return multistep_plan(m, run, TABLE_SOLVER, LAST_LOWEST, arena, err);
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LinearStep c = solver_step(run, call, order_at(run, call), false);
    SamplerCall result = multistep_describe(run, call, &c);
    result.name[4] = "corrects";
    result.value[4] = corrects(run, call);
    return result;
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    Multistep *m = run->state;
    const LinearStep next = solver_step(run, call, order_at(run, call), false);
    multistep_remember(m, run, call, x, out, run->config.predict_x0 ? PAST_X0 : PAST_EPSILON_UNLIMITED);
    if (corrects(run, call)) {
        const int order = order_at(run, call - 1);
        const LinearStep back = solver_step(run, call - 1, order, true);
        multistep_sum(x, run, m, &back, m->kept, order + 1);
    }
    memcpy(m->kept, x, (size_t)run->images * run->sample * sizeof *x);
    multistep_sum(x, run, m, &next, x, order_at(run, call));
}

/* diffusers 0.27.2, schedulers/scheduling_unipc_multistep.py, UniPCMultistepScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .solver_order = 2,
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .predict_x0 = true,
    .solver_type = SOLVER_BH2,
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
                                   "predict_x0",
                                   "solver_type",
                                   "lower_order_final",
                                   "disable_corrector",
                                   "solver_p",
                                   "use_karras_sigmas",
                                   "timestep_spacing",
                                   "steps_offset",
                                   NULL};

const Sampler SAMPLER_UNIPC = {
    .name = "unipc",
    .class_name = "UniPCMultistepScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .renoise = multistep_renoise,
    .describe = describe,
    .step = step,
};
