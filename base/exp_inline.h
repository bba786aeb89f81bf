/* base/exp_inline.h - exp and expm1 of a float, correctly rounded, as loops over arrays want them.
 *
 * The argument is a binary32 number x, the work is done in binary64.  With k the integer nearest to x / ln 2,
 *   x = k ln 2 + r,  |r| <= 0.3467,    exp(x) = 2^k (1 + p),    p = exp(r) - 1 = r + r^2 q(r).
 * The relative error stays below 2^-50.  No binary32 x has exp(x) nearer to a rounding tie than that can
 * disturb: tests/verify_math.c tried all 2^32. */
#ifndef BASE_EXP_INLINE_H
#define BASE_EXP_INLINE_H

#include "base/bits.h"

/* 1.5 * 2^52: adding it rounds a double of moderate size to an integer, which then sits in the lowest bits. */
static const double ROUND_TO_INTEGER = 0x1.8p52;

static const double LOG2_E = 0x1.71547652b82fep+0; /* 1 / ln 2 = 1.4426950408889634 */

/* ln 2 = high + low; high has 42 bits, so k * high is exact for |k| < 2^11. */
static const double LN2_HIGH = 0x1.62e42fefa3800p-1;
static const double LN2_LOW = 0x1.ef35793c76730p-45;

/* q(r) = (exp(r) - 1 - r) / r^2 = 1/2 + r/6 + r^2/24 + ... on |r| <= 0.3467.  Our own fit: interpolation of
 * degree 10 in Chebyshev nodes (tests/fit_math.c); with these coefficients exp(r) - 1 has an error of 2^-60. */
static const double EXP_TAIL[11] = {0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.5555555555556p-5,
                                    0x1.11111111100d3p-7,  0x1.6c16c16c162cfp-10, 0x1.a01a01abeccc3p-13,
                                    0x1.a01a01a6db488p-16, 0x1.71de02225a2f3p-19, 0x1.27e4db5bb725ap-22,
                                    0x1.af4e092e1705bp-26, 0x1.1f7315649f2d7p-29};

/* |x| limited to the float whose bits are `limit`, with the sign of x; a NaN counts as large. */
static inline double limited(uint32_t x_bits, uint32_t limit)
{
    uint32_t size = x_bits & 0x7fffffffu;
    size = select_bits(size > limit, limit, size);
    return (double)bits_float(size | (x_bits & 0x80000000u));
}

/* y, or the canonical NaN where x is a NaN. */
static inline float nan_kept(uint32_t x_bits, uint32_t y_bits)
{
    return bits_float(select_bits((x_bits & 0x7fffffffu) > 0x7f800000u, 0x7fc00000u, y_bits));
}

/* exp(x) = scale * (1 + p) for |x| <= 700. */
typedef struct {
    double p;     /* e^r - 1 */
    double scale; /* 2^k */
} ExpParts;

static inline ExpParts exp_parts(double x)
{
    const double *c = EXP_TAIL;
    const double shifted = x * LOG2_E + ROUND_TO_INTEGER;
    const double k = shifted - ROUND_TO_INTEGER;
    const double r = (x - k * LN2_HIGH) - k * LN2_LOW;

    const double r2 = r * r, r4 = r2 * r2;
    const double low = (c[0] + r * c[1]) + r2 * (c[2] + r * c[3]);
    const double middle = (c[4] + r * c[5]) + r2 * (c[6] + r * c[7]);
    const double high = (c[8] + r * c[9]) + r2 * c[10];
    const double q = low + r4 * (middle + r4 * high);

    ExpParts parts;
    parts.p = r + r2 * q;
    parts.scale = bits_double((double_bits(shifted) + 1023u) << 52); /* k + bias into the exponent field */
    return parts;
}

static inline double exp_double(double x)
{
    const ExpParts e = exp_parts(x);
    return (1.0 + e.p) * e.scale;
}

static inline double expm1_double(double x)
{
    const ExpParts e = exp_parts(x);
    return e.p * e.scale + (e.scale - 1.0);
}

/* Beyond +-105 the result rounds to infinity or to 0 whatever x is: exp(105) > 2^151. */
static inline float exp_inline(float x)
{
    const uint32_t u = float_bits(x);
    return nan_kept(u, float_bits((float)exp_double(limited(u, 0x42d20000u))));
}

/* expm1(-0) = -0. */
static inline float expm1_inline(float x)
{
    const uint32_t u = float_bits(x);
    const uint32_t y = float_bits((float)expm1_double(limited(u, 0x42d20000u)));
    return nan_kept(u, select_bits((u << 1) == 0, u, y));
}

#endif
