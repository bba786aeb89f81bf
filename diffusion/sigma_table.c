#include "diffusion/sigma_table.h"

#include <math.h>

#include "base/elementary64.h"
#include "diffusion/prediction.h"

/* ---- the schedule's levels ---- */

/* diffusers 0.27.2, EulerDiscreteScheduler.__init__: the last alpha-bar of a zero terminal SNR. */
static Status keep_some_signal(SamplerRun *run, Arena *arena, Error *err)
{
    const int T = run->schedule.steps;
    if (!run->config.rescale_betas_zero_snr)
        return STATUS_OK;
    double *alpha_bar = arena_raw(arena, (size_t)T, sizeof *alpha_bar);
    if (alpha_bar == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a schedule of %d timesteps", T);
    for (int t = 0; t < T; t++)
        alpha_bar[t] = t + 1 < T ? run->schedule.alpha_bar[t] : 0x1p-24;
    run->schedule.alpha_bar = alpha_bar;
    return STATUS_OK;
}

static Status fill_levels(SigmaTable *table, SamplerRun *run, Arena *arena, Error *err)
{
    const int T = run->schedule.steps;
    Status status = keep_some_signal(run, arena, err);
    if (status != STATUS_OK)
        return status;
    double *level = arena_raw(arena, (size_t)T, sizeof *level);
    double *log = arena_raw(arena, (size_t)T, sizeof *log);
    if (level == NULL || log == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d noise levels", T);
    for (int t = 0; t < T; t++) {
        const double abar = run->schedule.alpha_bar[t];
        if (!(abar > 0.0))
            return error_set(err, STATUS_ARGUMENT,
                             "timestep %d holds no signal, from which %s cannot start", t,
                             run->sampler->name);
        level[t] = sampler_round(run, sqrt(sampler_round(run, sampler_round(run, 1.0 - abar) / abar)));
        log[t] = sampler_round(run, log_f64(level[t]));
    }
    table->level = level;
    table->log = log;
    return STATUS_OK;
}

static double level_at(const SigmaTable *table, int T, double t)
{
    const int low = (int)t;
    if (low >= T - 1)
        return table->level[T - 1];
    return (table->level[low + 1] - table->level[low]) * (t - low) + table->level[low];
}

double sigma_table_time(const SigmaTable *table, int timesteps, double sigma)
{
    const double at = log_f64(sigma > 1e-10 ? sigma : 1e-10); /* 1e-10: diffusers' _sigma_to_t */
    int low = 0;
    while (low + 2 < timesteps && table->log[low + 1] <= at)
        low++;
    if (timesteps < 2)
        return 0.0;
    const double below = table->log[low], above = table->log[low + 1];
    double w = (below - at) / (below - above);
    w = w < 0.0 ? 0.0 : w > 1.0 ? 1.0 : w;
    return (1.0 - w) * low + w * (low + 1);
}

/* ---- which timesteps are visited ---- */

static Status k_times(SigmaTable *table, const SamplerRun *run, Arena *arena, Error *err)
{
    const int N = table->count, T = run->schedule.steps;
    int *list = arena_raw(arena, (size_t)N, sizeof *list);
    if (list == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d timesteps", N);
    const Status status = schedule_timesteps(list, N, &run->config, err);
    for (int i = 0; status == STATUS_OK && i < N; i++)
        table->time[i] = run->config.timestep_spacing != SPACING_LINSPACE ? list[i]
                         : N > 1 ? (float)((N - 1 - i) * ((double)(T - 1) / (N - 1)))
                                 : 0.0;
    return status;
}

/* L: the timesteps whose lambda = -log sigma does not lie below lambda_min_clipped. */
static int clipped_timesteps(const SigmaTable *table, const SamplerRun *run)
{
    int last = run->schedule.steps;
    while (last > 0 && -table->log[last - 1] < run->config.lambda_min_clipped)
        last--;
    return last;
}

static Status solver_times(SigmaTable *table, const SamplerRun *run, SigmaRule rule, Error *err)
{
    const SchedulerConfig *c = &run->config;
    const int N = table->count, T = run->schedule.steps, L = clipped_timesteps(table, run);
    const int most = c->timestep_spacing == SPACING_TRAILING ? L : L - 1;
    const bool up = rule == TABLE_INVERSE;
    if (N > most)
        return error_set(err, STATUS_ARGUMENT, "steps is %d, expected 1 to %d with %s timesteps", N, most,
                         scheduler_value_name("timestep_spacing", c->timestep_spacing));
    for (int i = 0; i < N; i++) {
        const int k = up ? i : N - i, j = up ? N - 1 - i : i;
        switch (c->timestep_spacing) {
        case SPACING_LEADING: table->time[i] = k * (L / (N + 1)) + c->steps_offset; break;
        case SPACING_TRAILING: table->time[i] = rint(L - j * ((double)T / N)) - 1.0; break;
        default: table->time[i] = rint(k * ((double)(L - 1) / N)); break;
        }
    }
    const double highest = table->time[up ? N - 1 : 0], lowest = table->time[up ? 0 : N - 1];
    if (highest >= T || lowest < 0.0)
        return error_set(err, STATUS_ARGUMENT,
                         "steps_offset %d makes %d steps visit timesteps %g to %g, of 0 to %d",
                         c->steps_offset, N, highest, lowest, T - 1);
    return STATUS_OK;
}

/* ---- which sigmas ---- */

double karras_sigma(double share, double first, double last, double rho, bool compat_f32)
{
    const double high = pow_f64(first, 1.0 / rho), low = pow_f64(last, 1.0 / rho);
    if (!compat_f32)
        return pow_f64(high + share * (low - high), rho);
    const float distance = (float)(low - high), start = (float)high, part = (float)share * distance;
    const float root = start + part;
    return (double)(float)pow_f64((double)root, rho);
}

/* N numbers from `first` to `last` that are equally spaced after the power 1 / rho. */
static void karras(double *sigma, int N, double first, double last)
{
    for (int i = 0; i < N; i++) /* rho = 7: [Kar22], table 1 */
        sigma[i] = karras_sigma(N > 1 ? (double)i / (N - 1) : 0.0, first, last, 7.0, false);
}

static void fill_sigmas(SigmaTable *table, const SamplerRun *run, SigmaRule rule)
{
    const SchedulerConfig *c = &run->config;
    const int N = table->count, T = run->schedule.steps;
    const bool respaced = c->use_karras_sigmas || c->use_lu_lambdas;
    for (int i = 0; i < N; i++)
        table->sigma[i] = level_at(table, T, table->time[i]);
    if (!respaced)
        return;
    const double highest = rule == TABLE_SOLVER ? table->level[T - 1] : table->sigma[0];
    const double lowest = rule == TABLE_SOLVER ? table->level[0] : table->sigma[N - 1];
    if (rule == TABLE_INVERSE) {
        karras(table->sigma, N, table->level[0], table->level[T - 1]);
    } else if (c->use_karras_sigmas) {
        karras(table->sigma, N, c->sigma_max > 0.0 ? c->sigma_max : highest,
               c->sigma_min > 0.0 ? c->sigma_min : lowest);
    } else {
        const double first = table->log[T - 1], last = table->log[0];
        for (int i = 0; i < N; i++)
            table->sigma[i] = exp_f64(first + (N > 1 ? (double)i / (N - 1) : 0.0) * (last - first));
    }
    for (int i = 0; i < N; i++) {
        const double t = sigma_table_time(table, T, table->sigma[i]);
        table->time[i] = rule == TABLE_K ? (double)(float)t : rint(t);
    }
}

/* The level behind the last call. */
static double last_sigma(const SigmaTable *table, const SamplerRun *run, SigmaRule rule, SigmaLast last)
{
    if (rule == TABLE_INVERSE)
        return run->config.use_karras_sigmas ? table->sigma[table->count - 1]
                                             : table->level[clipped_timesteps(table, run) - 1];
    if (rule == TABLE_K || (last == LAST_BY_TYPE && run->config.final_sigmas_type == FINAL_SIGMA_ZERO))
        return 0.0;
    return last == LAST_LOWEST && run->config.use_karras_sigmas ? table->sigma[table->count - 1]
                                                                : table->level[0];
}

Status sigma_table_make(SigmaTable *out, SamplerRun *run, SigmaRule rule, SigmaLast last, Arena *arena,
                        Error *err)
{
    const size_t N = (size_t)run->steps;
    SigmaTable table = {.count = run->steps,
                        .time = arena_raw(arena, N, sizeof(double)),
                        .sigma = arena_raw(arena, N + 1, sizeof(double))};
    if (table.time == NULL || table.sigma == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d timesteps", run->steps);
    Status status = fill_levels(&table, run, arena, err);
    if (status == STATUS_OK)
        status = rule == TABLE_K ? k_times(&table, run, arena, err) : solver_times(&table, run, rule, err);
    if (status != STATUS_OK)
        return status;
    fill_sigmas(&table, run, rule);
    table.sigma[table.count] = last_sigma(&table, run, rule, last);
    for (int i = 0; i <= table.count; i++)
        table.sigma[i] = sampler_round(run, table.sigma[i]);
    *out = table;
    return STATUS_OK;
}

/* ---- states in sigma space ---- */

/* sigma^2 + 1 */
static double square_and_one(const SamplerRun *run, double sigma)
{
    return sampler_round(run, sampler_round(run, sigma * sigma) + 1.0);
}

float sigma_start_scale(const SamplerRun *run, const SigmaTable *table)
{
    const double sigma = table->sigma[0];
    return (float)(run->config.timestep_spacing == SPACING_LEADING ? sqrt(square_and_one(run, sigma))
                                                                   : sigma);
}

void sigma_input(const SamplerRun *run, int call, float *out, const float *y)
{
    const float root = (float)sqrt(square_and_one(run, run->sigma[call]));
    for (size_t i = 0; i < (size_t)run->images * run->sample; i++)
        out[i] = y[i] / root;
}

void sigma_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                   size_t n)
{
    schedule_mix(out, 1.0f, x0, (float)run->sigma[call], noise, n);
}

void sigma_slope(float *d, const SamplerRun *run, const float *y, const float *out, double sigma,
                 double seen, bool clip)
{
    const size_t n = (size_t)run->images * run->sample;
    const double one = square_and_one(run, seen);
    const float s = (float)sigma, square = (float)one, limit = (float)run->config.clip_sample_range;
    const float to_v = (float)(-seen / sampler_round(run, sqrt(one)));
    for (size_t i = 0; i < n; i++) {
        float x0 = out[i];
        if (run->config.prediction_type == PREDICT_EPSILON) {
            const float p = s * out[i];
            x0 = y[i] - p;
        } else if (run->config.prediction_type == PREDICT_V) {
            const float p = out[i] * to_v;
            const float q = y[i] / square;
            x0 = p + q;
        }
        if (clip) {
            x0 = x0 < -limit ? -limit : x0;
            x0 = limit < x0 ? limit : x0;
        }
        const float noise = y[i] - x0;
        d[i] = noise / s;
    }
}

Status sigma_plan(SigmaTable *table, SamplerRun *run, Arena *arena, Error *err)
{
    const Status status = sigma_table_make(table, run, TABLE_K, LAST_BY_TYPE, arena, err);
    if (status != STATUS_OK)
        return status;
    run->calls = table->count;
    run->time = table->time;
    run->sigma = table->sigma;
    run->start_scale = sigma_start_scale(run, table);
    return STATUS_OK;
}

float *sampler_latents(const SamplerRun *run, int count, Arena *arena)
{
    return arena_alloc(arena, (size_t)run->images * run->sample, (size_t)count * sizeof(float));
}
