#include "diffusion/schedule.h"

#include <math.h>

#include "base/elementary64.h"

/* ---- beta ---- */

static double linspace(double start, double end, int i, int T)
{
    return T > 1 ? start + (end - start) * i / (T - 1) : start;
}

/* torch.linspace(start, end, T, dtype=float32) of torch 1.13 on a processor with AVX2 (see the header). */
static float linspace_f32(float start, float end, int i, int T)
{
    if (T == 1)
        return start;
    const float range = end - start;
    const float step = range / (float)(T - 1);
    const int block = i - i % 8, full = T - T % 8;
    const int first = i < full ? block : i; /* the last T mod 8 are computed one by one */
    const float base = first < T / 2 ? (float)(start + (double)step * first)
                                     : (float)(end - (double)step * (T - 1 - first));
    return (float)(base + (double)step * (i - first));
}

/* cos^2((u + 0.008) / 1.008 pi / 2) */
static double squared_cosine(double u)
{
    const double c = cos_f64((u + 0.008) / 1.008 * 0x1.921fb54442d18p+1 / 2.0);
    return c * c;
}

static double sigmoid_beta(double b0, double b1, double u)
{
    return 1.0 / (1.0 + exp_f64(-u)) * (b1 - b0) + b0;
}

static double beta_at(const SchedulerConfig *c, int i, bool compat_f32)
{
    const int T = c->num_train_timesteps;
    const double b0 = c->beta_start, b1 = c->beta_end;
    if (c->trained_betas != NULL)
        return compat_f32 ? (float)c->trained_betas[i] : c->trained_betas[i];
    switch (c->beta_schedule) {
    case BETA_LINEAR: return compat_f32 ? linspace_f32((float)b0, (float)b1, i, T) : linspace(b0, b1, i, T);
    case BETA_SCALED_LINEAR:
        if (compat_f32) {
            const float r = linspace_f32((float)sqrt(b0), (float)sqrt(b1), i, T);
            return (float)(r * r);
        } else {
            const double r = linspace(sqrt(b0), sqrt(b1), i, T);
            return r * r;
        }
    case BETA_SQUAREDCOS_CAP_V2: {
        const double ratio = squared_cosine((i + 1) / (double)T) / squared_cosine(i / (double)T);
        const double beta = 1.0 - ratio < 0.999 ? 1.0 - ratio : 0.999;
        return compat_f32 ? (float)beta : beta;
    }
    default:
        return compat_f32 ? (float)sigmoid_beta(b0, b1, linspace_f32(-6.0f, 6.0f, i, T))
                          : sigmoid_beta(b0, b1, linspace(-6.0, 6.0, i, T));
    }
}

/* ---- the tables ---- */

/* [Lin24], algorithm 1. */
static void rescale_zero_snr(double *beta, double *alpha_bar, int T)
{
    const double first = sqrt(alpha_bar[0]), last = sqrt(alpha_bar[T - 1]);
    for (int i = 0; i < T; i++) {
        const double r = (sqrt(alpha_bar[i]) - last) * (first / (first - last));
        alpha_bar[i] = r * r;
    }
    for (int i = 0; i < T; i++)
        beta[i] = 1.0 - (i > 0 ? alpha_bar[i] / alpha_bar[i - 1] : alpha_bar[i]);
}

/* The same as diffusers has it: binary32 throughout, the betas made first and alpha-bar from them anew. */
static void rescale_zero_snr_f32(double *beta, double *alpha_bar, int T)
{
    const float first = (float)sqrt(alpha_bar[0]), last = (float)sqrt(alpha_bar[T - 1]);
    const float gap = first - last, stretch = first / gap;
    float before = 1.0f;
    double product = 1.0;
    for (int i = 0; i < T; i++) {
        const float shifted = (float)sqrt(alpha_bar[i]) - last;
        const float r = shifted * stretch;
        const float bar = r * r;
        const float alpha = i > 0 ? bar / before : bar;
        const float b = 1.0f - alpha;
        const float again = 1.0f - b;
        before = bar;
        product *= (double)again;
        beta[i] = (double)b;
        alpha_bar[i] = (double)(float)product;
    }
}

static Status check(const SchedulerConfig *c, Error *err)
{
    const int T = c->num_train_timesteps;
    const bool from_range = c->trained_betas == NULL && c->beta_schedule != BETA_SQUAREDCOS_CAP_V2;
    if (T < 1 || T > SCHEDULE_LONGEST)
        return error_set(err, STATUS_ARGUMENT, "scheduler: num_train_timesteps is %d, expected 1 to %d", T,
                         SCHEDULE_LONGEST);
    if (c->trained_betas != NULL && c->trained_count != T)
        return error_set(err, STATUS_ARGUMENT, "scheduler: %d trained_betas for %d timesteps",
                         c->trained_count, T);
    if (from_range && !(c->beta_start > 0 && c->beta_start < 1 && c->beta_end > 0 && c->beta_end < 1))
        return error_set(err, STATUS_ARGUMENT,
                         "scheduler: beta_start is %g and beta_end is %g, expected numbers between 0 and 1",
                         c->beta_start, c->beta_end);
    if (c->rescale_betas_zero_snr && T < 2)
        return error_set(err, STATUS_ARGUMENT,
                         "scheduler: rescale_betas_zero_snr needs at least 2 timesteps");
    return STATUS_OK;
}

Status schedule_make(Schedule *out, const SchedulerConfig *config, bool compat_f32, Arena *arena,
                     Error *err)
{
    const Status status = check(config, err);
    if (status != STATUS_OK)
        return status;
    const int T = config->num_train_timesteps;
    double *beta = arena_raw(arena, (size_t)T, sizeof *beta);
    double *alpha_bar = arena_raw(arena, (size_t)T, sizeof *alpha_bar);
    if (beta == NULL || alpha_bar == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a schedule of %d timesteps", T);
    double product = 1.0;
    for (int i = 0; i < T; i++) {
        beta[i] = beta_at(config, i, compat_f32);
        if (!(beta[i] > 0.0 && beta[i] < 1.0))
            return error_set(err, STATUS_ARGUMENT,
                             "scheduler: beta %d is %g, expected a number between 0 and 1", i, beta[i]);
        product *= compat_f32 ? (double)(float)(1.0f - (float)beta[i]) : 1.0 - beta[i];
        alpha_bar[i] = compat_f32 ? (double)(float)product : product;
    }
    if (config->rescale_betas_zero_snr && compat_f32)
        rescale_zero_snr_f32(beta, alpha_bar, T);
    else if (config->rescale_betas_zero_snr)
        rescale_zero_snr(beta, alpha_bar, T);
    *out = (Schedule){T, beta, alpha_bar, config->set_alpha_to_one ? 1.0 : alpha_bar[0]};
    return STATUS_OK;
}

double schedule_alpha_bar(const Schedule *s, int t)
{
    return t < 0 ? s->final_alpha_bar : s->alpha_bar[t];
}

double schedule_signal(const Schedule *s, int t)
{
    return sqrt(schedule_alpha_bar(s, t));
}

double schedule_noise(const Schedule *s, int t)
{
    return sqrt(1.0 - schedule_alpha_bar(s, t));
}

double schedule_sigma(const Schedule *s, int t)
{
    return sqrt((1.0 - s->alpha_bar[t]) / s->alpha_bar[t]);
}

double schedule_lambda(const Schedule *s, int t)
{
    return log_f64(schedule_signal(s, t)) - log_f64(schedule_noise(s, t));
}

double schedule_snr(const Schedule *s, int t)
{
    return s->alpha_bar[t] / (1.0 - s->alpha_bar[t]);
}

double schedule_sigma_at(const Schedule *s, double t)
{
    if (!(t > 0.0))
        return schedule_sigma(s, 0);
    if (t >= s->steps - 1)
        return schedule_sigma(s, s->steps - 1);
    const int low = (int)t;
    const double below = schedule_sigma(s, low), above = schedule_sigma(s, low + 1);
    return below + (above - below) * (t - low);
}

/* ---- mixing ---- */

void schedule_mix(float *out, float a, const float *x, float b, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float p = a * x[i];
        const float q = b * y[i];
        out[i] = p + q;
    }
}

void schedule_add_noise(float *out, const float *x0, const float *noise, size_t n, const Schedule *s, int t)
{
    schedule_mix(out, (float)schedule_signal(s, t), x0, (float)schedule_noise(s, t), noise, n);
}

void schedule_velocity(float *out, const float *x0, const float *noise, size_t n, const Schedule *s, int t)
{
    schedule_mix(out, (float)schedule_signal(s, t), noise, -(float)schedule_noise(s, t), x0, n);
}

/* ---- timesteps ---- */

Status schedule_timesteps(int *out, int N, const SchedulerConfig *config, Error *err)
{
    const int T = config->num_train_timesteps;
    if (N < 1 || N > T)
        return error_set(err, STATUS_ARGUMENT, "steps is %d, expected 1 to %d", N, T);
    if (config->steps_offset < 0 || config->steps_offset >= T)
        return error_set(err, STATUS_ARGUMENT, "steps_offset is %d, expected 0 to %d", config->steps_offset,
                         T - 1);
    for (int i = 0; i < N; i++) {
        const int k = N - 1 - i;
        switch (config->timestep_spacing) {
        case SPACING_LEADING: out[i] = k * (T / N) + config->steps_offset; break;
        case SPACING_TRAILING: out[i] = (int)rint(T - i * ((double)T / N)) - 1; break;
        default: out[i] = N > 1 ? (int)rint(k * ((double)(T - 1) / (N - 1))) : 0; break;
        }
    }
    if (out[0] >= T)
        return error_set(err, STATUS_ARGUMENT,
                         "steps_offset %d makes the first of %d steps timestep %d, of 0 to %d",
                         config->steps_offset, N, out[0], T - 1);
    return STATUS_OK;
}
