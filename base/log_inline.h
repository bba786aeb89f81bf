/* base/log_inline.h - log and log1p of a float, correctly rounded, as loops over arrays want them.
 *
 * In binary64, x = 2^k m with m in [sqrt(1/2), sqrt(2)), f = m - 1 and
 *   log(x) = k ln 2 + log(1 + f),
 *   log(1 + f) = 2 atanh(s) = 2 s + s R(s) = f - s (f - R),    s = f / (2 + f),  R = w P(w), w = s^2,
 * since 2 s = f - s f.  The absolute error of the sum is below 2^-52 of its size; the inputs for which a tie
 * lies nearer than that are written out.  tests/verify_math.c tried all 2^32. */
#ifndef BASE_LOG_INLINE_H
#define BASE_LOG_INLINE_H

#include "base/exp_inline.h"

/* P(w) = (atanh(s) / s - 1) * 2 / w = 2/3 + 2/5 w + 2/7 w^2 + ... on s <= 0.17158 = (sqrt 2 - 1) / (sqrt 2 + 1).
 * Our own fit: interpolation of degree 7 in Chebyshev nodes (tests/fit_math.c); 2 atanh has an error of 2^-60. */
static const double LOG_MIDDLE[8] = {0x1.5555555555555p-1, 0x1.9999999999a38p-2, 0x1.2492492476c92p-2,
                                     0x1.c71c72015f6a2p-3, 0x1.745cf901ea3e6p-3, 0x1.3b1c35ea195d1p-3,
                                     0x1.0fbe86d326548p-3, 0x1.0c04394f7e564p-3};

/* What log(x) is made of, for a normal x > 0. */
typedef struct {
    double k;
    uint64_t biased; /* k + 1024 */
    double f;        /* m - 1, exact */
} LogParts;

static inline LogParts log_parts(double x)
{
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdu; /* bits of sqrt(1/2) */
    LogParts parts;
    parts.biased = (double_bits(x) - sqrt_half + ((uint64_t)1024 << 52)) >> 52;
    parts.k = bits_double(parts.biased | 0x4330000000000000u) - (0x1p52 + 1024.0);
    parts.f = bits_double(double_bits(x) - ((parts.biased - 1024u) << 52)) - 1.0;
    return parts;
}

/* k ln 2 + log(1 + f) = high + (f - t): `high` is exact, `t` the small rest. */
static inline double log_sum(double k, double f, double *high, double *t)
{
    const double *c = LOG_MIDDLE;
    const double s = f / (2.0 + f);
    const double w = s * s, w2 = w * w, w4 = w2 * w2;
    const double low = (c[0] + w * c[1]) + w2 * (c[2] + w * c[3]);
    const double upper = (c[4] + w * c[5]) + w2 * (c[6] + w * c[7]);
    const double R = w * (low + w4 * upper);
    *high = k * LN2_HIGH;
    *t = s * (f - R) - k * LN2_LOW;
    return *high + (f - *t);
}

/* log(+-0) = -infinity, log(x < 0) = NaN, log(infinity) = infinity. */
static inline float log_inline(float x)
{
    const uint32_t u = float_bits(x);
    const LogParts parts = log_parts((double)x);
    double high, t;
    uint32_t y = float_bits((float)log_sum(parts.k, parts.f, &high, &t));
    y = select_bits(u == 0x3c413d3au, 0xc08e158fu, y);
    y = select_bits(u == 0x41178febu, 0x400fe5e7u, y);
    y = select_bits(u == 0x4c5d65a5u, 0x418f034bu, y);
    y = select_bits(u == 0x65d890d3u, 0x4254d1f9u, y);
    y = select_bits(u == 0x6f31a8ecu, 0x42845a89u, y);
    y = select_bits(u == 0x7f800000u, u, y);
    y = select_bits(u > 0x80000000u, 0x7fc00000u, y);
    y = select_bits((u << 1) == 0, 0xff800000u, y);
    return nan_kept(u, y);
}

/* log(1 + x): the same with f = x where k = 0, which is exact; elsewhere |log| > 0.34 and rounding 1 + x to
 * binary64 is harmless.
 *
 * Near 0, log(1 + x) = x - x^2/2 + ... may round, in binary64, to an exact tie of binary32.  The errors of the
 * two last additions are known exactly; they say on which side of the tie the value lies. */
static inline float log1p_inline(float x)
{
    const uint32_t u = float_bits(x);
    const LogParts parts = log_parts(1.0 + (double)x);
    const double f = select_double(parts.biased == 1024u, (double)x, parts.f);
    double high, t;
    const double sum = log_sum(parts.k, f, &high, &t);
    const double rest = f - t;
    const double lost =
        ((f - rest) - t) + (rest - (sum - high)); /* exact value of high + f - t, minus sum */

    const uint64_t tie = (uint64_t)((double_bits(sum) & 0x1fffffffu) == 0x10000000u);
    const uint64_t moves = tie & (uint64_t)(double_bits(lost) << 1 != 0);
    const uint64_t inwards = (double_bits(sum) ^ double_bits(lost)) >> 63;
    const double decided = bits_double(double_bits(sum) + moves * (1u - 2u * inwards));

    uint32_t y = float_bits((float)decided);
    y = select_bits(u == 0x7f800000u, u, y);
    y = select_bits(u > 0xbf800000u, 0x7fc00000u, y);  /* x < -1 */
    y = select_bits(u == 0xbf800000u, 0xff800000u, y); /* x = -1 */
    y = select_bits((u << 1) == 0, u, y);
    return nan_kept(u, y);
}

#endif
