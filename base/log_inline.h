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
 * Our own fit: interpolation of degree 7 in Chebyshev nodes (tests/fit_math.c); 2 atanh(s) has an error of 2^-60. */
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

/* k ln 2 + log(1 + f). */
static inline double log_sum(double k, double f)
{
    const double *c = LOG_MIDDLE;
    const double s = f / (2.0 + f);
    const double w = s * s, w2 = w * w, w4 = w2 * w2;
    const double low = (c[0] + w * c[1]) + w2 * (c[2] + w * c[3]);
    const double upper = (c[4] + w * c[5]) + w2 * (c[6] + w * c[7]);
    const double R = w * (low + w4 * upper);
    return k * LN2_HIGH + (f - (s * (f - R) - k * LN2_LOW));
}

/* Inputs whose logarithm is nearer to a tie than the sum resolves, and the results: bits of floats. */
static const uint32_t LOG_NEAR_TIE[5][2] = {{0x3c413d3au, 0xc08e158fu},
                                            {0x41178febu, 0x400fe5e7u},
                                            {0x4c5d65a5u, 0x418f034bu},
                                            {0x65d890d3u, 0x4254d1f9u},
                                            {0x6f31a8ecu, 0x42845a89u}};

/* log(+-0) = -infinity, log(x < 0) = NaN, log(infinity) = infinity. */
static inline float log_inline(float x)
{
    const uint32_t u = float_bits(x);
    const LogParts parts = log_parts((double)x);
    uint32_t y = float_bits((float)log_sum(parts.k, parts.f));
    for (int i = 0; i < 5; i++)
        y = select_bits(u == LOG_NEAR_TIE[i][0], LOG_NEAR_TIE[i][1], y);
    y = select_bits(u == 0x7f800000u, u, y);
    y = select_bits(u > 0x80000000u, 0x7fc00000u, y);
    y = select_bits((u << 1) == 0, 0xff800000u, y);
    return nan_kept(u, y);
}

static const uint32_t LOG1P_NEAR_TIE[9][2] = {
    {0x35400003u, 0x353fffffu}, {0x3710001bu, 0x370ffff3u}, {0x3efd81adu, 0x3ecdeee1u},
    {0x41078febu, 0x400fe5e7u}, {0x65d890d3u, 0x4254d1f9u}, {0x6f31a8ecu, 0x42845a89u},
    {0xb53ffffdu, 0xb5400001u}, {0xb70fffe5u, 0xb710000du}, {0xbb0ec8c4u, 0xbb0ef0a5u}};

/* log(1 + x): the same with f = x for |x| < 1/4, where k = 0; elsewhere 1 + x is exact in binary64, or so large
 * that its rounding is harmless. */
static inline float log1p_inline(float x)
{
    const uint32_t u = float_bits(x), size = u & 0x7fffffffu;
    const LogParts parts = log_parts(1.0 + (double)x);
    const double f = select_double(size < 0x3e800000u, (double)x, parts.f);
    uint32_t y = float_bits((float)log_sum(parts.k, f));
    for (int i = 0; i < 9; i++)
        y = select_bits(u == LOG1P_NEAR_TIE[i][0], LOG1P_NEAR_TIE[i][1], y);
    y = select_bits(u == 0x7f800000u, u, y);
    y = select_bits(u > 0xbf800000u, 0x7fc00000u, y);  /* x < -1 */
    y = select_bits(u == 0xbf800000u, 0xff800000u, y); /* x = -1 */
    y = select_bits((u << 1) == 0, u, y);
    return nan_kept(u, y);
}

#endif
