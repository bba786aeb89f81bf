#include "base/elementary64.h"

#include "base/fixed256.h"
#include "base/log_inline.h"

static const Fixed256 LN2 = {.word = {0x00000000u, 0xb17217f7u, 0xd1cf79abu, 0xc9e3b398u, 0x03f2f6afu,
                                      0x40f34326u, 0x7298b62du, 0x8a0d175bu, 0x8baafa2bu}};
static const Fixed256 ONE_OVER_LN2 = {.word = {0x00000001u, 0x71547652u, 0xb82fe177u, 0x7d0ffda0u,
                                               0xd23a7d11u, 0xd6aef551u, 0xbad2b4b1u, 0x164a2cd9u,
                                               0xa342648fu}};
static const Fixed256 HALF_PI = {.word = {0x00000001u, 0x921fb544u, 0x42d18469u, 0x898cc517u, 0x01b839a2u,
                                          0x52049c11u, 0x14cf98e8u, 0x04177d4cu, 0x76273644u}};
static const Fixed256 ONE_OVER_HALF_PI = {.word = {0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                                   0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu,
                                                   0xdebbc561u}};

static double not_a_number(void)
{
    return bits_double(0x7ff8000000000000u);
}

static double infinity(bool negative)
{
    return bits_double(negative ? 0xfff0000000000000u : 0x7ff0000000000000u);
}

/* exp(x) = m 2^k for |x| < 2^11, m in [1, 2] but for an error of 2^-245.
 * x = k ln 2 + r; exp(r) = exp(r / 256)^256; exp(r / 256) by 27 terms of its series, the rest being below
 * 2^(-8.5 * 28) / 28! < 2^-335. */
static Fixed256 fixed_exp(Fixed256 x, int *k)
{
    *k = fixed_floor(fixed_multiply(x, ONE_OVER_LN2));
    Fixed256 multiple = fixed_scale(LN2, (uint32_t)(*k < 0 ? -*k : *k));
    multiple.negative = *k < 0;
    const Fixed256 r = fixed_shift(fixed_subtract(x, multiple), -8);
    Fixed256 sum = fixed_int(1);
    for (uint32_t i = 27; i >= 1; i--) /* 1 + r/1 (1 + r/2 (1 + r/3 (...))) */
        sum = fixed_add(fixed_int(1), fixed_divide(fixed_multiply(sum, r), i));
    for (int i = 0; i < 8; i++)
        sum = fixed_multiply(sum, sum);
    return sum;
}

double exp_f64(double x)
{
    if (x != x)
        return not_a_number();
    if (x > 752.0 || x < -752.0) /* e^752 > 2^1084 */
        return x > 0.0 ? infinity(false) : 0.0;
    int k;
    const Fixed256 m = fixed_exp(fixed_from_double(x), &k);
    return fixed_to_double(m, k);
}

/* log of a finite x > 0.  x = 2^k m, m in [sqrt(1/2), sqrt(2)).  With y any approximation of log(m), good to
 * 2^-45, and m exp(-y) = 1 + d:  log(m) = y + log(1 + d),  seven terms of whose series leave 2^-360. */
static Fixed256 fixed_log(double x)
{
    int k = 0;
    if (double_bits(x) >> 52 == 0) { /* subnormal: make it normal */
        x *= 0x1p54;
        k = -54;
    }
    const LogParts parts = log_parts(x);
    k += (int)parts.biased - 1024;
    const Fixed256 y = fixed_from_double(log_sum(0.0, parts.f));

    int shift;
    Fixed256 d = fixed_exp(fixed_negate(y), &shift);
    d = fixed_subtract(fixed_shift(fixed_multiply(fixed_from_double(1.0 + parts.f), d), shift),
                       fixed_int(1));
    Fixed256 power = d, sum = fixed_add(y, d);
    for (uint32_t i = 2; i <= 7; i++) { /* d - d^2/2 + d^3/3 - ... */
        power = fixed_negate(fixed_multiply(power, d));
        sum = fixed_add(sum, fixed_divide(power, i));
    }
    Fixed256 exponent_part = fixed_scale(LN2, (uint32_t)(k < 0 ? -k : k));
    exponent_part.negative = k < 0;
    return fixed_add(exponent_part, sum);
}

double log_f64(double x)
{
    if (x != x || x < 0.0)
        return not_a_number();
    if (x == 0.0)
        return infinity(true);
    if (double_bits(x) == 0x7ff0000000000000u)
        return x;
    const Fixed256 y = fixed_log(x);
    return fixed_is_zero(y) ? 0.0 : fixed_to_double(y, 0); /* x = 1 gives +0 */
}

/* sin(x + quarters pi/2) for |x| < 2^31.  x = k pi/2 + r, |r| <= pi/4; by k + quarters modulo 4 it is sin(r),
 * cos(r), -sin(r) or -cos(r), from 23 terms of the series: the rest is below (pi/4)^47 / 47! < 2^-213 of it. */
static double sin_of(double x, uint32_t quarters)
{
    if (!(x > -0x1p31 && x < 0x1p31))
        return not_a_number();
    const Fixed256 angle = fixed_from_double(x);
    const Fixed256 half = {.word = {0, 0x80000000u}};
    const int32_t k = fixed_floor(fixed_add(fixed_multiply(angle, ONE_OVER_HALF_PI), half));
    Fixed256 multiple = fixed_scale(HALF_PI, k < 0 ? 0u - (uint32_t)k : (uint32_t)k);
    multiple.negative = k < 0;
    const Fixed256 r = fixed_subtract(angle, multiple);

    const uint32_t quarter = ((uint32_t)k + quarters) & 3u;
    const uint32_t odd =
        1u - (quarter & 1u); /* 1: the series of sin, r - r^3/3! + ...; 0: 1 - r^2/2! + ... */
    const Fixed256 square = fixed_multiply(r, r);
    Fixed256 sum = fixed_int(1);
    for (uint32_t i = 46; i >= 2; i -= 2) {
        const Fixed256 term = fixed_divide(fixed_multiply(sum, square), (i + odd) * (i + odd - 1));
        sum = fixed_subtract(fixed_int(1), term);
    }
    if (odd)
        sum = fixed_multiply(sum, r);
    return fixed_to_double(quarter >= 2 ? fixed_negate(sum) : sum, 0);
}

double sin_f64(double x)
{
    return x < 0x1p-27 && x > -0x1p-27 ? x : sin_of(x, 0); /* x - x^3/6 rounds to x; and -0 stays -0 */
}

double cos_f64(double x)
{
    return x < 0x1p-27 && x > -0x1p-27 ? 1.0 : sin_of(x, 1); /* 1 - x^2/2 rounds to 1 */
}

/* Where x or y is 0, infinite or NaN, or x negative or 1. */
static double pow_special(double x, double y)
{
    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (x != x || y != y || x < 0.0)
        return not_a_number();
    if (x == 0.0 || x - x != 0.0)
        return (x == 0.0) == (y > 0.0) ? 0.0 : infinity(false);
    return (x > 1.0) == (y > 0.0) ? infinity(false) : 0.0; /* y is infinite */
}

/* exp(y log x).  y = f 2^e with f in [1, 2): the product f log x is exact to 2^-240, and moving it by e <= 63
 * bits leaves 177 of them; it needs no more when it is larger, since then the result overflows. */
double pow_f64(double x, double y)
{
    if (!(x > 0.0) || x == 1.0 || y == 0.0 || x - x != 0.0 || y - y != 0.0)
        return pow_special(x, y);
    int e;
    const double f = 2.0 * frexp(y, &e);
    e -= 1;
    Fixed256 product = fixed_multiply(fixed_log(x), fixed_from_double(f));
    if (e < 0)
        product = fixed_shift(product, e > -300 ? e : -300);
    for (; e > 0 && product.word[0] < 1024u; e--)
        product = fixed_shift(product, 1);
    if (product.word[0] >= 752u)
        return product.negative ? 0.0 : infinity(false);
    int k;
    const Fixed256 m = fixed_exp(product, &k);
    return fixed_to_double(m, k);
}
