/* diffusion/schedule.h - how much signal and how much noise a latent holds at each training timestep.
 *
 *   symbol    here                     what it is (t = 0 .. T-1)
 *   beta_t    beta[t]                  noise added at t
 *   abar_t    alpha_bar[t]             product of (1 - beta_i), i <= t
 *   a_t, s_t  schedule_signal, _noise  sqrt(abar_t), sqrt(1 - abar_t):  x_t = a_t x_0 + s_t eps
 *   sigma_t   schedule_sigma           s_t / a_t:  x_t / a_t = x_0 + sigma_t eps
 *   lambda_t  schedule_lambda          log(a_t / s_t)
 *   SNR_t     schedule_snr             abar_t / (1 - abar_t)
 *
 * Beta schedules, b0 = beta_start, b1 = beta_end:
 *   linear             b0 + (b1 - b0) i / (T - 1)  [HoJA20, section 4]
 *   scaled_linear      (sqrt b0 + (sqrt b1 - sqrt b0) i / (T - 1))^2  [RomB22]; Stable Diffusion
 *   squaredcos_cap_v2  min(1 - f((i + 1) / T) / f(i / T), 0.999), f(u) = cos^2((u + 0.008) / 1.008 pi / 2)
 *                      [NicD21, section 3.2]
 *   sigmoid            b0 + (b1 - b0) / (1 + exp(-u)), u = -6 + 12 i / (T - 1); diffusers, DDPMScheduler
 * and, on top of any of them, the rescaling to a zero terminal SNR [Lin24, algorithm 1], r = sqrt(abar):
 *   r'_i = (r_i - r_(T-1)) (r_0 / (r_0 - r_(T-1))),  abar' = r'^2,  beta'_i = 1 - abar'_i / abar'_(i-1).
 *
 * The tables are binary64, each operation rounded once, left to right.  diffusers computes them in
 * binary32; the `compat_f32` tables are its bits; their sigma_t differs from ours by up to 1.3e-5 of itself
 * at t = 0, 2.3e-6 from t = 100 on:
 *   beta: torch.linspace in binary32, in blocks of eight: a block starting at i < T/2 from start + step i,
 *   else from end - step (T - 1 - i), and lane k adds step k (both fused, as torch's vector code); squared
 *   in binary32 for scaled_linear; alpha = 1 - beta in binary32; abar_t: a running binary64 product of
 *   these alphas, rounded to binary32 where it is stored.
 * Derivation: docs/math/diffusion.md. */
#ifndef DIFFUSION_SCHEDULE_H
#define DIFFUSION_SCHEDULE_H

#include "base/arena.h"
#include "base/error.h"
#include "diffusion/schedule_config.h"

typedef struct {
    int steps;               /* T */
    const double *beta;      /* (T) */
    const double *alpha_bar; /* (T), falling; the last is 0 for a zero terminal SNR */
    double final_alpha_bar;  /* before the first timestep: 1, or alpha_bar[0] (set_alpha_to_one) */
} Schedule;

/* Errors: T not in 1..SCHEDULE_LONGEST, betas not in (0, 1), a list of trained betas of another length. */
MUST_CHECK Status schedule_make(Schedule *out, const SchedulerConfig *config, bool compat_f32, Arena *arena,
                                Error *err);

enum { SCHEDULE_LONGEST = 1000000 };

/* abar at t < T; t < 0 means "before the first timestep". */
double schedule_alpha_bar(const Schedule *s, int t);

double schedule_signal(const Schedule *s, int t);
double schedule_noise(const Schedule *s, int t);
double schedule_sigma(const Schedule *s, int t); /* t >= 0 */
double schedule_lambda(const Schedule *s, int t);
double schedule_snr(const Schedule *s, int t);

/* sigma at a time between timesteps, by linear interpolation of the table; clamped to 0 <= t <= T - 1. */
double schedule_sigma_at(const Schedule *s, double t);

/* out = a x + b y:  p = RN(a x), q = RN(b y), out = RN(p + q).  out may be x or y. */
void schedule_mix(float *out, float a, const float *x, float b, const float *y, size_t n);

/* out = a_t x0 + s_t noise by schedule_mix, a_t and s_t rounded to binary32.  out may be x0 or noise. */
void schedule_add_noise(float *out, const float *x0, const float *noise, size_t n, const Schedule *s,
                        int t);

/* The target of v-prediction, v = a_t noise - s_t x0 [SalH22, section 4], likewise. */
void schedule_velocity(float *out, const float *x0, const float *noise, size_t n, const Schedule *s, int t);

/* The N descending timesteps of DDPM, DDIM and PNDM [Lin24, table 2], rounded half to even:
 *   leading   k floor(T / N) + offset,  k = N-1 .. 0
 *   trailing  round(T - k T / N) - 1,   k = 0 .. N-1
 *   linspace  round(k (T - 1) / (N - 1)), k = N-1 .. 0   (0 when N = 1)
 * Errors: N not in 1..T, a timestep that is not below T. */
MUST_CHECK Status schedule_timesteps(int *out, int N, const SchedulerConfig *config, Error *err);

#endif
