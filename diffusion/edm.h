/* diffusion/edm.h - levels and preconditioning of networks that are trained as in [Kar22], on noise levels in place of
 * timesteps.
 *
 *   symbol   here                     what it is
 *   y        the state                x0 + sigma eps
 *   sigma_d  config.sigma_data        deviation of the data
 *   sigma_i  karras_sigma             between sigma_max and sigma_min, i = 0 .. N-1 (diffusion/sigma_table.h)
 *   c_in     edm_input                1 / sqrt(sigma^2 + sigma_d^2): what the network sees is c_in y
 *   c_noise  SamplerRun.time          log(sigma) / 4: what it is told, of EDM's classes
 *   x0       edm_x0                   c_skip y + c_out out
 *            c_skip                   sigma_d^2 / (sigma^2 + sigma_d^2)
 *            c_out                    sigma sigma_d / sqrt(sigma^2 + sigma_d^2); for v_prediction its negative
 *
 * Source: [Kar22, table 1]; diffusers 0.27.2, schedulers/scheduling_edm_euler.py. */
#ifndef DIFFUSION_EDM_H
#define DIFFUSION_EDM_H

#include "diffusion/sigma_table.h"

typedef struct {
    double skip, out; /* c_skip, c_out */
} EdmScales;

/* Errors unless 0 < sigma_min < sigma_max, and sigma_data and rho are above 0. */
MUST_CHECK Status edm_check(const SamplerRun *run, Error *err);

/* The levels of N = steps calls and, behind them, `last`, with their times; fills calls, time, sigma and start_scale of
 * the run.  The table has no levels of a schedule.  Errors: edm_check's, and a network that predicts the sample. */
MUST_CHECK Status edm_table_make(SigmaTable *out, SamplerRun *run, double last, Arena *arena, Error *err);

EdmScales edm_scales(const SamplerRun *run, double sigma);

/* out = c_in y: Sampler.input. */
void edm_input(const SamplerRun *run, int call, float *out, const float *y);

/* x0 from c_in y, what the network saw: Sampler.x0. */
void edm_seen_x0(const SamplerRun *run, int call, float *x0, const float *input, const float *out);

/* x0 of all images from y and the network's output at level sigma; x0 may be out. */
void edm_x0(float *x0, const SamplerRun *run, const float *y, const float *out, double sigma);

#endif
