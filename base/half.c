#include "base/half.h"

#include "base/bytes.h"

/* Bit patterns of binary32, without sign. */
static const uint32_t INFINITE = 0x7f800000;
static const uint32_t F16_OVERFLOW = 0x477ff000; /* 65520: halfway between the largest f16 and 65536 */
static const uint32_t F16_NORMAL = 0x38800000;   /* 2^-14 */
static const uint32_t F16_NOTHING = 0x33000000;  /* 2^-25: half of the smallest subnormal, rounds to zero */

/* a / 2^shift, rounded to nearest even; 1 <= shift < 32. */
static uint32_t shifted(uint32_t a, unsigned shift)
{
    const uint32_t odd = a >> shift & 1;
    return (a + ((uint32_t)1 << (shift - 1)) - 1 + odd) >> shift;
}

float f16_to_f32(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 31,
                   fraction = bits & 1023;
    if (exponent == 31)
        return bits_float(fraction != 0 ? INFINITE | 1u << 22 : sign | INFINITE);
    if (exponent != 0)
        return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
    const float magnitude = (float)fraction * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
}

uint16_t f16_from_f32(float x)
{
    const uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff;
    if (a > INFINITE)
        return 0x7e00;
    if (a >= F16_OVERFLOW)
        return (uint16_t)(sign | 0x7c00);
    if (a >= F16_NORMAL)
        return (uint16_t)(sign | shifted(a - 0x38000000, 13));
    if (a <= F16_NOTHING)
        return (uint16_t)sign;
    return (uint16_t)(sign | shifted((a & 0x7fffff) | 0x800000, 126 - (a >> 23)));
}

float bf16_to_f32(uint16_t bits)
{
    const float x = bits_float((uint32_t)bits << 16);
    return x == x ? x : bits_float(INFINITE | 1u << 22);
}

uint16_t bf16_from_f32(float x)
{
    return (uint16_t)(x == x ? shifted(float_bits(x), 16) : 0x7fc0);
}
