/* diffusion/sigma_table.h - the noise levels that a sampler visits, and states in sigma space.
 *
 * Samplers of differential equations go from one level sigma_0 > sigma_1 > ... > sigma_(N-1) to the next and end
 * at sigma_N.  sigma_t = sqrt((1 - abar_t) / abar_t) of the schedule, between timesteps by linear interpolation.
 * diffusers' classes choose their levels by one of two rules:
 *
 *                  TABLE_K                                 TABLE_SOLVER
 *   leading        k floor(T / N) + offset, k = N-1 .. 0   k floor(L / (N + 1)) + offset, k = N .. 1
 *   trailing       round(T - k T / N) - 1, k = 0 .. N-1    round(L - k T / N) - 1
 *   linspace       k (T - 1) / (N - 1), not rounded        round(k (L - 1) / N), k = N .. 1
 *   Karras sigmas  between the first and the last of       between the last and the first of the whole table;
 *                  these levels; fractional timesteps      timesteps rounded
 *   lu lambdas     -                                       log sigma in equal steps, between the same ends
 *   sigma_N        0                                       as `last` says
 *
 * L = T less the timesteps whose lambda lies below lambda_min_clipped.  Karras sigmas [Kar22, equation 5], rho = 7:
 *   sigma_i = (max^(1/rho) + i / (N - 1) (min^(1/rho) - max^(1/rho)))^rho,
 * and the network is told the timestep where log sigma, interpolated linearly, has that value.
 *
 * A state in sigma space is y = x / a = x0 + sigma eps; the network sees y / sqrt(sigma^2 + 1), which is x. */
#ifndef DIFFUSION_SIGMA_TABLE_H
#define DIFFUSION_SIGMA_TABLE_H

#include "diffusion/sampler.h"

/* TABLE_INVERSE: TABLE_SOLVER's timesteps and the least, less the last, upwards: k = 0 .. N-1; levels rise, Karras levels
 * too, and sigma_N is that of timestep L - 1, or the last Karras level again. */
typedef enum { TABLE_K, TABLE_SOLVER, TABLE_INVERSE } SigmaRule;

/* sigma_N of TABLE_SOLVER: as final_sigmas_type says, or (classes without that key) sigma of timestep 0, which for
 * Karras sigmas is the last level again. */
typedef enum { LAST_BY_TYPE, LAST_LOWEST } SigmaLast;

typedef struct {
    int count;           /* N */
    double *time;        /* (N) what the network is told: binary32, falling (inverse: rising) */
    double *sigma;       /* (N + 1), likewise; the last may be 0 */
    const double *level; /* (T) sigma_t */
    const double *log;   /* (T) log sigma_t */
} SigmaTable;

/* With rescale_betas_zero_snr the last alpha-bar counts as 2^-24, as in diffusers: run->schedule is changed.
 * Errors: STATUS_ARGUMENT for steps that do not fit the timesteps, a level without signal. */
MUST_CHECK Status sigma_table_make(SigmaTable *out, SamplerRun *run, SigmaRule rule, SigmaLast last,
                                   Arena *arena, Error *err);

/* The level after `share` (0 to 1) of the way from `first` to `last`, equal steps of the power 1 / rho [Kar22, equation 5]:
 *   (first^(1/rho) + share (last^(1/rho) - first^(1/rho)))^rho
 * compat_f32: every operation behind the roots rounded to binary32, as in classes that compute it with torch. */
double karras_sigma(double share, double first, double last, double rho, bool compat_f32);

/* The timestep whose log sigma is that of `sigma`, between 0 and T - 1. */
double sigma_table_time(const SigmaTable *table, int timesteps, double sigma);

/* What pure noise is multiplied with for the first level of TABLE_K: sigma_0, or sqrt(sigma_0^2 + 1) for leading
 * timesteps. */
float sigma_start_scale(const SamplerRun *run, const SigmaTable *table);

/* out = y / sqrt(sigma^2 + 1), run->sigma[call]: Sampler.input of all samplers in sigma space. */
void sigma_input(const SamplerRun *run, int call, float *out, const float *y);

/* out = x0 + sigma noise: their Sampler.renoise. */
void sigma_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                   size_t n);

/* The slope d = (y - x0) / sigma of all images, with x0 predicted from y and the network's output, which saw the
 * level `seen` (sigma, unless noise was added to y since); limited if `clip`; d may be out.
 *   epsilon       x0 = y - sigma out
 *   v_prediction  x0 = out (-seen / sqrt(seen^2 + 1)) + y / (seen^2 + 1)
 *   sample        x0 = out */
void sigma_slope(float *d, const SamplerRun *run, const float *y, const float *out, double sigma,
                 double seen, bool clip);

/* An ancestral step from level `from` to `to`: noise of deviation `up` is added after a step to `down`,
 * down^2 + up^2 = to^2 (diffusion/sampler_euler_ancestral.c). */
void sigma_split(double *up, double *down, const SamplerRun *run, double from, double to);

/* Plans of samplers with one call a level in sigma space: calls, time, sigma and start_scale. */
MUST_CHECK Status sigma_plan(SigmaTable *table, SamplerRun *run, Arena *arena, Error *err);

/* `count` zeroed arrays for all images behind each other; NULL when there is no memory. */
float *sampler_latents(const SamplerRun *run, int count, Arena *arena);

#endif
