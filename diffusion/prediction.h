/* diffusion/prediction.h - from what a network puts out to x0 and eps, and the limits that x0 may be given.
 *
 * At timestep t a noisy latent is x = a x0 + s eps with a = sqrt(abar_t), s = sqrt(1 - abar_t), a^2 + s^2 =
 * 1.  A network predicts one of three things; each gives the other two ([SalH22], section 4):
 *
 *   prediction_type   the output is         x0                        eps
 *   epsilon           eps                   (x - s out) / a           out
 *   v_prediction      v = a eps - s x0      a x - s out               a out + s x
 *   sample            x0                    out                       (x - a out) / s
 *
 * Every operation above is rounded to binary32, products first, then the sum, then the quotient.
 * Derivation: docs/math/diffusion.md. */
#ifndef DIFFUSION_PREDICTION_H
#define DIFFUSION_PREDICTION_H

#include <stddef.h>

#include "diffusion/schedule_config.h"

/* x0, eps may be x or out. */
void predict_x0(float *x0, const float *x, const float *out, size_t n, int prediction_type, float a,
                float s);
void predict_epsilon(float *eps, const float *x, const float *out, size_t n, int prediction_type, float a,
                     float s);

/* What config asks for, on `images` predictions of n numbers each, in place; scratch: 2 n numbers.
 *   thresholding  m = the dynamic_thresholding_ratio quantile of |x0| over one image (linear between order
 *                 statistics), limited to 1..sample_max_value; x0 <- clamp(x0, -m, m) / m
 *                 [Sah22, section 2.3]
 *   clip_sample   x0 <- clamp(x0, -clip_sample_range, clip_sample_range)
 *   neither       x0 stays */
void limit_x0(float *x0, int images, size_t n, const SchedulerConfig *config, float *scratch);

#endif
