/* base/gate_inline.h - the functions of neural networks that are made of exp, correctly rounded: tanh,
 * sigmoid(x) = 1 / (1 + exp(-x)), silu(x) = x sigmoid(x), softplus(x) = log(1 + exp(x)).
 *
 * All is done in binary64 with exp_parts (base/exp_inline.h) and rounded once; the relative error stays below
 * 2^-49.  Where the value is a tie of binary32 but for a term below that, the term's sign decides; the few
 * other inputs that lie nearer to a tie are written out.  tests/verify_math.c tried all 2^32 inputs. */
#ifndef BASE_GATE_INLINE_H
#define BASE_GATE_INLINE_H

#include "base/exp_inline.h"

/* tanh(x) = t / (t + 2), t = exp(2|x|) - 1; it rounds to 1 from |x| = 9.02 on. */
static inline float tanh_inline(float x)
{
    const uint32_t u = float_bits(x);
    const double t = expm1_double(2.0 * limited(u & 0x7fffffffu, 0x41a00000u)); /* 20 */
    const uint32_t y = float_bits((float)(t / (t + 2.0)));
    return nan_kept(u, y | (u & 0x80000000u));
}

/* y one step of binary64 up or down. */
static inline double stepped(double y, uint64_t up, uint64_t down)
{
    return bits_double(double_bits(y) + up - down);
}

/* For |x| < 2^-15 the series 1/2 + x/4 - x^3/48 + ... is 1/2 + x/4 but for less than 2^-50.  That sum may be an
 * exact tie of binary32: one step of binary64 towards 1/2 says on which side the value lies.  Where it is none it
 * is off one by ulp(x)/4 at least, more than 700 times what is left out. */
static inline float sigmoid_inline(float x)
{
    const uint32_t u = float_bits(x), size = u & 0x7fffffffu, negative = u >> 31;
    const double d = limited(u, 0x42dc0000u); /* 110: sigmoid(-110) rounds to 0 */
    const double near_zero = stepped(0.5 + 0.25 * d, negative, 1u - negative);
    const double y = select_double(size < 0x38000000u, near_zero, 1.0 / (1.0 + exp_double(-d)));
    uint32_t v = float_bits((float)y);
    v = select_bits(u == 0xba928601u, 0x3effdb5fu, v);
    return nan_kept(u, v);
}

/* For |x| < 2^-91 silu(x) = x/2 + x^2/4 - ... is x/2 in binary64, which may be a tie between two subnormal
 * floats: the value lies above it.  silu(-infinity) = -0; every x below -150 gives -0. */
static inline float silu_inline(float x)
{
    const uint32_t u = float_bits(x), size = u & 0x7fffffffu, negative = u >> 31;
    const uint32_t lowest = 0xc3160000u; /* -150; as unsigned numbers, floats below it have larger bits */
    const double d = (double)bits_float(select_bits(u > lowest, lowest, u));
    double y = d / (1.0 + exp_double(-limited(u, 0x43160000u)));
    y = select_double(size - 1u < 0x12000000u - 1u, stepped(y, 1u - negative, negative), y);
    return nan_kept(u, float_bits((float)y));
}

/* log(1 + e) = 2 atanh(s) = 2 s + s R, s = e / (2 + e), R = w P(w), w = s^2, for 0 <= e <= 1, so w <= 1/9.
 * P(w) = 2/3 + 2/5 w + 2/7 w^2 + ...: our fit of degree 11 (tests/fit_math.c), error of the whole 2^-58. */
static const double LOG_1_TO_2[12] = {0x1.5555555555555p-1, 0x1.999999999999cp-2, 0x1.2492492491fe8p-2,
                                      0x1.c71c71c77e10ep-3, 0x1.745d1724e541ep-3, 0x1.3b13b7c431befp-3,
                                      0x1.11103f29b925ep-3, 0x1.e20466c468042p-4, 0x1.ad46f0109810cp-4,
                                      0x1.9739c7fab7757p-4, 0x1.03719744a07eap-4, 0x1.37f0011872f7fp-3};

/* softplus(x) = max(x, 0) + log(1 + exp(-|x|)). */
static inline float softplus_inline(float x)
{
    const double *c = LOG_1_TO_2;
    const uint32_t u = float_bits(x);
    const double e = exp_double(-limited(u & 0x7fffffffu, 0x42dc0000u)); /* 110 */
    const double s = e / (2.0 + e);
    const double w = s * s, w2 = w * w, w4 = w2 * w2, w8 = w4 * w4;
    const double low = (c[0] + w * c[1]) + w2 * (c[2] + w * c[3]);
    const double middle = (c[4] + w * c[5]) + w2 * (c[6] + w * c[7]);
    const double high = (c[8] + w * c[9]) + w2 * (c[10] + w * c[11]);
    const double R = w * ((low + w4 * middle) + w8 * high);
    const double log_part = e - s * (e - R); /* 2 s = e - s e */
    const double y = select_double((int)(u >> 31), 0.0, (double)x) + log_part;
    uint32_t v = float_bits((float)y);
    v = select_bits(u == 0x39ea41d0u, 0x3f3180bdu, v);
    return nan_kept(u, v);
}

#endif
