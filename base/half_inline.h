/* base/half_inline.h - the bodies of base/half.h, for loops that the compiler is to widen: every case is
 * computed and one is chosen by its bits. */
#ifndef BASE_HALF_INLINE_H
#define BASE_HALF_INLINE_H

#include "base/bits.h"

/* Bit patterns of binary32 without sign (hexadecimal: binary16). */
#define HALF_INFINITE  0x7f800000u
#define HALF_QUIET_NAN 0x7fc00000u
#define HALF_OVERFLOW  0x477ff000u /* 65520: halfway between the largest f16 and 65536 */
#define HALF_NORMAL    0x38800000u /* 2^-14, the smallest normal f16 */
#define HALF_BIAS      0x38000000u /* 127 - 15 in the place of the exponent */

static inline float f16_to_f32_inline(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
    const float tiny = (float)(int32_t)magnitude * 0x1p-24f; /* exact; right below 2^-14 */
    uint32_t y = (magnitude << 13) + HALF_BIAS;
    y = select_bits(magnitude < 0x400, float_bits(tiny), y);
    y = select_bits(magnitude >= 0x7c00, HALF_INFINITE, y);
    y = select_bits(magnitude > 0x7c00, HALF_QUIET_NAN, y | sign);
    return bits_float(y);
}

static inline uint16_t f16_from_f32_inline(float x)
{
    const uint32_t bits = float_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    /* Between 1/2 and 1 binary32 counts in steps of 2^-24, as subnormal f16 do: the sum rounds to them. */
    const float tiny = bits_float(magnitude) + 0.5f;
    const uint32_t odd = magnitude >> 13 & 1;
    uint32_t y = (magnitude - HALF_BIAS + 0xfff + odd) >> 13;
    y = select_bits(magnitude < HALF_NORMAL, float_bits(tiny) - 0x3f000000u, y);
    y = select_bits(magnitude >= HALF_OVERFLOW, 0x7c00, y);
    y = select_bits(magnitude > HALF_INFINITE, 0x7e00, y | sign);
    return (uint16_t)y;
}

static inline float bf16_to_f32_inline(uint16_t bits)
{
    const uint32_t y = (uint32_t)bits << 16;
    return bits_float(select_bits((y & 0x7fffffff) > HALF_INFINITE, HALF_QUIET_NAN, y));
}

static inline uint16_t bf16_from_f32_inline(float x)
{
    const uint32_t bits = float_bits(x), odd = bits >> 16 & 1;
    const uint32_t y = (bits + 0x7fff + odd) >> 16;
    return (uint16_t)select_bits((bits & 0x7fffffff) > HALF_INFINITE, 0x7fc0, y);
}

#endif
