/* diffusion/sampler_sa.c - SA-Solver, stochastic Adams methods [Xue23]: predictor and corrector.
 *
 *   symbol    here          what it is
 *   tau       tau_at        how much noise the equation has: 1 for timesteps 200 to 800 (SamplerOptions.tau_from, tau_to), else
 *                           0, which is the probability-flow equation
 *   k         -             1 + tau^2
 *   h         -             lambda_t - lambda_u for a step from level u to t
 *   l_i       weights       Lagrange's polynomials through the remembered levels, in v = lambda - lambda_t
 *   G_j       -             integral of e^(r v) v^j from -h to 0: (1 - e^(-r h)) / r, then
 *                           (-e^(-r h) (-h)^j - j G_(j-1)) / r
 *
 *   algorithm_type    m     r    x_t
 *   data_prediction   x0    k    e^(-tau^2 h) s_t / s_u x_u + k a_t sum_i (l_i . G) m_i + s_t sqrt(1 - e^(-2 tau^2 h)) z
 *   noise_prediction  eps   -1   a_t / a_u x_u - k s_t sum_i (l_i . G) m_i + tau s_t sqrt(e^(2h) - 1) z
 *   order 2 of data_prediction: k a_t (h^2 / 2 - (k h - 1 + e^(-k h)) / k^2) / d more of the first m and less of the second, d
 *   the distance of their levels
 *
 * At a level x is first corrected: the step that led there is made anew, with its noise, through the network's word at
 * its end too.  Then comes the predictor's step.  Orders are lower while fewer levels are known, and at the end
 * (lower_order_final).  Every call draws, also where tau is 0, because diffusers' does. */
#include <math.h>
#include <string.h>

#include "base/elementary64.h"
#include "diffusion/multistep.h"

static double tau_at(const SamplerRun *run, int call)
{
    const SamplerOptions *o = &run->options;
    const bool said = o->tau_from != 0.0 || o->tau_to != 0.0;
    const double t = run->time[call];
    return t >= (said ? o->tau_from : 200.0) && t <= (said ? o->tau_to : 800.0) ? 1.0 : 0.0;
}

/* Factors of powers of v in the polynomial that is 1 at node i and 0 at the others. */
static void lagrange(double *factor, const double *node, int count, int i)
{
    memset(factor, 0, (size_t)count * sizeof *factor);
    factor[0] = 1.0;
    for (int k = 0, degree = 0; k < count; k++) {
        if (k == i)
            continue;
        const double under = node[i] - node[k];
        degree++;
        for (int j = degree; j >= 0; j--)
            factor[j] = ((j > 0 ? factor[j - 1] : 0.0) - factor[j] * node[k]) / under;
    }
}

/* weight[i] = l_i . G for the levels newest, newest - 1, ... */
static void weights(double *weight, const Multistep *m, int t, int newest, int order, double r, double h)
{
    double node[MULTISTEP_ORDER + 1], factor[MULTISTEP_ORDER + 1], G[MULTISTEP_ORDER + 1];
    double power = exp_f64(-r * h);
    G[0] = (1.0 - power) / r;
    for (int j = 1; j < order; j++) {
        power = -power * h;
        G[j] = (-power - j * G[j - 1]) / r;
    }
    for (int i = 0; i < order; i++)
        node[i] = level_lambda(m, newest - i) - level_lambda(m, t);
    for (int i = 0; i < order; i++) {
        lagrange(factor, node, order, i);
        weight[i] = 0.0;
        for (int j = 0; j < order; j++)
            weight[i] += factor[j] * G[j];
    }
}

/* The step from level t - 1 to t through the levels from `newest` on: t - 1 for the predictor, t for the corrector. */
static LinearStep coefficients(const SamplerRun *run, int t, int newest, int order)
{
    const Multistep *m = run->state;
    const bool data = run->config.algorithm_type == ALGORITHM_DATA_PREDICTION;
    const int u = t - 1;
    const double tau = tau_at(run, u), square = tau * tau, k = 1.0 + square;
    const double a = level_a(m, t), s = level_s(m, t), h = level_lambda(m, t) - level_lambda(m, u);
    LinearStep c = {.x = data ? exp_f64(-square * h) * s / level_s(m, u) : a / level_a(m, u),
                    .sd = data ? s * sqrt(1.0 - exp_f64(-2.0 * square * h))
                               : tau * s * sqrt(exp_f64(2.0 * h) - 1.0)};
    weights(c.m, m, t, newest, order, data ? k : -1.0, h);
    for (int i = 0; i < order; i++)
        c.m[i] *= k * (data ? a : -s);
    if (data && order == 2 && h > 0.0) {
        const double d = level_lambda(m, newest) - level_lambda(m, newest - 1);
        const double more = k * a * (h * h / 2.0 - (k * h - 1.0 + exp_f64(-k * h)) / (k * k)) / d;
        c.m[0] += more;
        c.m[1] -= more;
    }
    return c;
}

static int least(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static int predictor_order(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    return least(c->predictor_order, call - run->first + 1,
                 c->lower_order_final ? run->calls - call : MULTISTEP_ORDER + 1);
}

static int corrector_order(const SamplerRun *run, int call)
{
    const SchedulerConfig *c = &run->config;
    return least(c->corrector_order, call - run->first + 1,
                 c->lower_order_final ? run->calls - call + 2 : MULTISTEP_ORDER + 1);
}

static Status check(SamplerRun *run, Error *err)
{
    SchedulerConfig *c = &run->config;
    if (c->algorithm_type != ALGORITHM_NOISE_PREDICTION)
        c->algorithm_type = ALGORITHM_DATA_PREDICTION; /* also for the names of other classes */
    if (c->predictor_order < 1 || c->predictor_order > MULTISTEP_ORDER + 1 || c->corrector_order < 1 ||
        c->corrector_order > MULTISTEP_ORDER + 1)
        return error_set(err, STATUS_ARGUMENT,
                         "predictor_order is %d and corrector_order %d, expected 1 to %d",
                         c->predictor_order, c->corrector_order, MULTISTEP_ORDER + 1);
    if (c->variance_type == VARIANCE_LEARNED || c->variance_type == VARIANCE_LEARNED_RANGE)
        return error_set(err, STATUS_ARGUMENT, "variance_type is %s, which %s does not have",
                         scheduler_value_name("variance_type", c->variance_type), run->sampler->name);
    return STATUS_OK;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    Multistep *m = arena_alloc(arena, 1, sizeof *m);
    if (m == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for SA-Solver");
    Status status = check(run, err);
    if (status == STATUS_OK)
        status = multistep_plan(m, run, TABLE_SOLVER, LAST_LOWEST, arena, err);
    run->state = m;
    return status;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const LinearStep c = coefficients(run, call + 1, call, predictor_order(run, call));
    return multistep_describe(run, call, &c);
}

/* out = the sum with its noise, in one order for predictor and corrector. */
static void make_step(float *out, const SamplerRun *run, const Multistep *m, const LinearStep *c,
                      const float *x, int order)
{
    multistep_sum(out, run, m, c, x, order);
    if (c->sd > 0.0)
        schedule_mix(out, 1.0f, out, (float)c->sd, m->noise, (size_t)run->images * run->sample);
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    Multistep *m = run->state;
    const bool data = run->config.algorithm_type == ALGORITHM_DATA_PREDICTION;
    const size_t n = (size_t)run->images * run->sample;
    multistep_remember(m, run, call, x, out, data ? PAST_X0 : PAST_EPSILON);
    if (call > run->first) {
        const int order = corrector_order(run, call);
        const LinearStep c = coefficients(run, call, call, order);
        make_step(x, run, m, &c, m->kept, order);
    }
    memcpy(m->kept, x, n * sizeof *x);
    sampler_draw(run, m->noise);
    const int order = predictor_order(run, call);
    const LinearStep c = coefficients(run, call + 1, call, order);
    make_step(x, run, m, &c, x, order);
}

/* diffusers 0.27.2, schedulers/scheduling_sasolver.py, SASolverScheduler.__init__; its tau_func is null in files. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .predictor_order = 2,
    .corrector_order = 2,
    .solver_order = 2, /* no key of this class */
    .prediction_type = PREDICT_EPSILON,
    .dynamic_thresholding_ratio = 0.995,
    .sample_max_value = 1.0,
    .algorithm_type = ALGORITHM_DATA_PREDICTION,
    .lower_order_final = true,
    .lambda_min_clipped = -1.0 / 0.0, /* minus infinity; INFINITY is no constant to tcc */
    .timestep_spacing = SPACING_LINSPACE,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "predictor_order",
                                   "corrector_order",
                                   "prediction_type",
                                   "thresholding",
                                   "dynamic_thresholding_ratio",
                                   "sample_max_value",
                                   "algorithm_type",
                                   "lower_order_final",
                                   "use_karras_sigmas",
                                   "lambda_min_clipped",
                                   "variance_type",
                                   "timestep_spacing",
                                   "steps_offset",
                                   NULL};

const Sampler SAMPLER_SA = {
    .name = "sa_solver",
    .class_name = "SASolverScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .renoise = multistep_renoise,
    .describe = describe,
    .step = step,
};
