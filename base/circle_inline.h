/* base/circle_inline.h - sin and cos of a float with |x| <= 10^5, correctly rounded, as loops over arrays want
 * them.  Larger arguments need more of pi and take another way (base/elementary.c).
 *
 * In binary64, with n the integer nearest to x / pi and r = x - n pi, |r| <= pi/2:
 *   sin(x) = (-1)^n sin(r);      cos(x) = sin(x + pi/2) = -(-1)^n sin(x - (n + 1/2) pi).
 * n needs 15 bits; pi is subtracted in three parts of 33, 33 and 53 bits, the first two products being exact, so
 * that r keeps its relative accuracy near a multiple of pi. */
#ifndef BASE_CIRCLE_INLINE_H
#define BASE_CIRCLE_INLINE_H

#include "base/exp_inline.h"

static const uint32_t CIRCLE_NEAR = 0x47c35000u; /* bits of 10^5 */

static const double ONE_OVER_PI = 0x1.45f306dc9c883p-2; /* 0.3183098861837907 */
static const double PI_FIRST = 0x1.921fb54400000p+1;    /* the three add up to pi with 119 bits */
static const double PI_SECOND = 0x1.0b4611a600000p-33;
static const double PI_THIRD = 0x1.3198a2e037073p-68;

/* (sin(r) / r - 1) / w = -1/6 + w/120 - ... , w = r^2, on |r| <= pi/2.  Our own fit: interpolation of degree 7 in
 * Chebyshev nodes (tests/fit_math.c); sin has an error of 2^-54.6. */
static const double SIN_TAIL[8] = {-0x1.5555555555555p-3,  0x1.1111111111107p-7,   -0x1.a01a01a018aadp-13,
                                   0x1.71de3a545670bp-19,  -0x1.ae6455a1d69a5p-26, 0x1.6124015b3b2f9p-33,
                                   -0x1.ae5138b5bb3bbp-41, 0x1.89a4850375128p-49};

static inline double sin_half_turn(double r)
{
    const double *c = SIN_TAIL;
    const double w = r * r, w2 = w * w, w4 = w2 * w2;
    const double low = (c[0] + w * c[1]) + w2 * (c[2] + w * c[3]);
    const double high = (c[4] + w * c[5]) + w2 * (c[6] + w * c[7]);
    return r + (r * w) * (low + w4 * high);
}

/* x - m pi for |m| < 2^15, m a multiple of 1/2. */
static inline double minus_pi_times(double x, double m)
{
    return ((x - m * PI_FIRST) - m * PI_SECOND) - m * PI_THIRD;
}

/* For |x| <= 10^5 only.  sin(+-0) = +-0. */
static inline float sin_near_inline(float x)
{
    const uint32_t u = float_bits(x);
    const double shifted = (double)x * ONE_OVER_PI + ROUND_TO_INTEGER; /* n in the lowest bits */
    const double n = shifted - ROUND_TO_INTEGER;
    const double y = sin_half_turn(minus_pi_times((double)x, n));
    uint32_t v = float_bits((float)bits_double(double_bits(y) ^ double_bits(shifted) << 63));
    v = select_bits((u & 0x7fffffffu) == 0x46199998u, 0xbeb1fa5du ^ (u & 0x80000000u),
                    v); /* nearer to a tie */
    return bits_float(select_bits((u << 1) == 0, u, v));
}

/* For |x| <= 10^5 only. */
static inline float cos_near_inline(float x)
{
    const double shifted = ((double)x * ONE_OVER_PI - 0.5) + ROUND_TO_INTEGER;
    const double n = shifted - ROUND_TO_INTEGER;
    const double y = sin_half_turn(minus_pi_times((double)x, n + 0.5));
    return (float)bits_double(double_bits(y) ^ ~double_bits(shifted) << 63);
}

#endif
