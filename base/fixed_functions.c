#include "base/fixed_functions.h"

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

/* n times a positive constant. */
static Fixed256 multiple_of(Fixed256 constant, int32_t n)
{
    Fixed256 product = fixed_scale(constant, n < 0 ? 0u - (uint32_t)n : (uint32_t)n);
    product.negative = n < 0;
    return product;
}

/* x = k ln 2 + r; exp(r) = exp(r / 256)^256; exp(r / 256) by 27 terms of its series, the rest being below
 * 2^(-8.5 * 28) / 28! < 2^-335. */
Fixed256 fixed_exp(Fixed256 x, int *exponent)
{
    const int32_t k = fixed_floor(fixed_multiply(x, ONE_OVER_LN2));
    const Fixed256 r = fixed_shift(fixed_subtract(x, multiple_of(LN2, k)), -8);
    Fixed256 sum = fixed_int(1);
    for (uint32_t i = 27; i >= 1; i--) /* 1 + r/1 (1 + r/2 (1 + r/3 (...))) */
        sum = fixed_add(fixed_int(1), fixed_divide(fixed_multiply(sum, r), i));
    for (int i = 0; i < 8; i++)
        sum = fixed_multiply(sum, sum);
    *exponent = k;
    return sum;
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)).  With y any approximation of log(m), good to 2^-45, and
 * m exp(-y) = 1 + d:   log(m) = y + log(1 + d),  seven terms of whose series leave 2^-360. */
Fixed256 fixed_log(double x)
{
    int32_t k = 0;
    if (double_bits(x) >> 52 == 0) { /* subnormal: make it normal */
        x *= 0x1p54;
        k = -54;
    }
    const LogParts parts = log_parts(x);
    k += (int32_t)parts.biased - 1024;
    const Fixed256 m = fixed_from_double(1.0 + parts.f), y = fixed_from_double(log_sum(0.0, parts.f));
    int shift;
    const Fixed256 inverse = fixed_exp(fixed_negate(y), &shift);
    const Fixed256 d = fixed_subtract(fixed_shift(fixed_multiply(m, inverse), shift), fixed_int(1));
    Fixed256 power = d, sum = fixed_add(y, d);
    for (uint32_t i = 2; i <= 7; i++) { /* d - d^2/2 + d^3/3 - ... */
        power = fixed_negate(fixed_multiply(power, d));
        sum = fixed_add(sum, fixed_divide(power, i));
    }
    return fixed_add(multiple_of(LN2, k), sum);
}

/* x = k pi/2 + r, |r| <= pi/4; by k + quarters modulo 4 it is sin(r), cos(r), -sin(r) or -cos(r), from terms up to
 * r^46 or r^47 of the series: the rest is below (pi/4)^48 / 48! < 2^-219. */
Fixed256 fixed_sin(Fixed256 x, uint32_t quarters)
{
    const Fixed256 half = {.word = {0, 0x80000000u}};
    const int32_t k = fixed_floor(fixed_add(fixed_multiply(x, ONE_OVER_HALF_PI), half));
    const Fixed256 r = fixed_subtract(x, multiple_of(HALF_PI, k));
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
    return quarter >= 2 ? fixed_negate(sum) : sum;
}
