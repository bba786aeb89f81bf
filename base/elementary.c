#include "base/elementary.h"

#include <stdbool.h>
#include <string.h>

#include "base/elementary_inline.h"
#include "base/isa.h"

extern const ElementaryTable elementary_table_base, elementary_table_avx2, elementary_table_avx512;

static const ElementaryTable *table(void)
{
#if ISA_LEVELS > 1
    static const ElementaryTable *const tables[] = {&elementary_table_base, &elementary_table_avx2,
                                                    &elementary_table_avx512};
    return tables[isa_level()];
#else
    return &elementary_table_base;
#endif
}

float exp_f32(float x)
{
    return exp_inline(x);
}

float expm1_f32(float x)
{
    return expm1_inline(x);
}

float log_f32(float x)
{
    return log_inline(x);
}

float log1p_f32(float x)
{
    return log1p_inline(x);
}

float tanh_f32(float x)
{
    return tanh_inline(x);
}

float erf_f32(float x)
{
    return erf_inline(x);
}

float sigmoid_f32(float x)
{
    return sigmoid_inline(x);
}

float silu_f32(float x)
{
    return silu_inline(x);
}

float softplus_f32(float x)
{
    return softplus_inline(x);
}

/* ---- sin and cos of large arguments ---- */

/* An angle as a part of a full turn: (high 2^64 + low) / 2^128 turns. */
typedef struct {
    uint64_t high, low;
} Turn;

/* 1 / (2 pi) as bits after the point: word 1 holds 2^-1 ... 2^-32; word 0 is what stands before the point. */
static const uint32_t TURNS_PER_RADIAN[9] = {0x00000000u, 0x28be60dbu, 0x9391054au,
                                             0x7f09d5f4u, 0x7d4d3770u, 0x36d8a566u,
                                             0x4f10e410u, 0x7f9458eau, 0xf7aef158u};

/* |x| / (2 pi) without its integer part, for 10^5 < |x| < infinity (Payne and Hanek 1983, the idea).  With
 * |x| = m 2^e the bits of 1/(2 pi) worth 2^-e or more give whole turns, so the product needs only 128 bits
 * from the one worth 2^-(e+1) on.  What is cut off is below m 2^-128 < 2^-104 turns, while no float comes
 * nearer to a multiple of pi/2 than 2^-34 turns. */
static Turn turn_of(uint32_t size)
{
    const uint64_t m = (size & 0x7fffffu) | 0x800000u;
    const int first =
        (int)(size >> 23) - 150 + 32; /* e + 1, counted from the first bit of the table, less one */
    const int word = first / 32, shift = first % 32;
    uint32_t product[4];
    uint64_t carry = 0;
    for (int i = 3; i >= 0; i--) {
        const uint64_t pair = (uint64_t)TURNS_PER_RADIAN[word + i] << 32 | TURNS_PER_RADIAN[word + i + 1];
        carry += (pair << shift >> 32) * m;
        product[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (Turn){(uint64_t)product[0] << 32 | product[1], (uint64_t)product[2] << 32 | product[3]};
}

/* sin(2 pi turn).  pi is split as 26 bits + the rest, and so is the angle, so that r keeps its last bit. */
static double sin_of_turn(Turn t)
{
    const bool negative = t.high >> 63; /* the second half-turn */
    t = (Turn){t.high << 1 | t.low >> 63, t.low << 1};
    if (t.high >> 63)                /* h > 1/2 half-turns: the sine of 1 - h is the same */
        t = (Turn){~t.high, ~t.low}; /* but for 2^-128 */
    int exponent = 0;
    while (t.high >> 63 == 0) {
        t = (Turn){t.high << 1 | t.low >> 63, t.low << 1};
        exponent++;
    }
    const double high = (double)(t.high >> 38) * 0x1p-26;
    const double low = (double)(t.high & 0x3fffffffffu) * 0x1p-64 + (double)(t.low >> 11) * 0x1p-117;
    const double pi = 0x1.921fb54442d18p+1, pi_26 = 0x1.921fb5p+1, pi_rest = 0x1.110b4611a6263p-25;
    const double r = high * pi_26 + (low * pi + high * pi_rest);
    const double y = sin_half_turn(r * bits_double((uint64_t)(1023 - exponent) << 52));
    return negative ? -y : y;
}

float sin_f32(float x)
{
    const uint32_t u = float_bits(x), size = u & 0x7fffffffu;
    if (size <= CIRCLE_NEAR)
        return sin_near_inline(x);
    if (size >= 0x7f800000u)
        return bits_float(0x7fc00000u);
    const double y = sin_of_turn(turn_of(size));
    return (float)(u >> 31 ? -y : y);
}

float cos_f32(float x)
{
    const uint32_t size = float_bits(x) & 0x7fffffffu;
    if (size <= CIRCLE_NEAR)
        return cos_near_inline(x);
    if (size >= 0x7f800000u)
        return bits_float(0x7fc00000u);
    if (size == 0x5f18b878u || size == 0x6115cb11u || size == 0x7908cd73u) /* nearer to a tie than 2^-53 */
        return size == 0x5f18b878u ? 0x1.fe2976p-1f : size == 0x6115cb11u ? 0x1.f0285ep-1f : 0x1.f3176ap-1f;
    Turn t = turn_of(size);
    t.high += (uint64_t)1 << 62; /* the cosine is the sine a quarter turn later */
    return (float)sin_of_turn(t);
}

/* ---- arrays ---- */

/* The loops may be widened only where the compiler knows that x and y are apart: a block of x is copied when they
 * are one array. */
static void in_blocks(ElementaryLoop *loop, float *y, const float *x, size_t n)
{
    enum { BLOCK = 512 }; /* floats: x, y and the copy lie in the first-level cache */
    float copy[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        const size_t m = n - done < BLOCK ? n - done : BLOCK;
        if (x == y)
            memcpy(copy, x + done, m * sizeof *copy);
        loop(y + done, x == y ? copy : x + done, m);
    }
}

void exp_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->exp, y, x, n);
}

void expm1_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->expm1, y, x, n);
}

void log_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->log, y, x, n);
}

void log1p_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->log1p, y, x, n);
}

void sin_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->sin, y, x, n);
}

void cos_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->cos, y, x, n);
}

void tanh_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->tanh, y, x, n);
}

void erf_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->erf, y, x, n);
}

void sigmoid_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->sigmoid, y, x, n);
}

void silu_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->silu, y, x, n);
}

void softplus_array(float *y, const float *x, size_t n)
{
    in_blocks(table()->softplus, y, x, n);
}
