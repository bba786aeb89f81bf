#include "base/fixed256.h"

#include "base/bits.h"

enum { TOP = 0, BOTTOM = FIXED_WORDS - 1, BITS = 32 * FIXED_WORDS };

Fixed256 fixed_int(int32_t n)
{
    return (Fixed256){.negative = n < 0, .word = {n < 0 ? 0u - (uint32_t)n : (uint32_t)n}};
}

bool fixed_is_zero(Fixed256 a)
{
    uint32_t any = 0;
    for (int i = TOP; i <= BOTTOM; i++)
        any |= a.word[i];
    return any == 0;
}

Fixed256 fixed_negate(Fixed256 a)
{
    a.negative = !a.negative;
    return a;
}

int fixed_compare_sizes(Fixed256 a, Fixed256 b)
{
    for (int i = TOP; i <= BOTTOM; i++)
        if (a.word[i] != b.word[i])
            return a.word[i] < b.word[i] ? -1 : 1;
    return 0;
}

/* |a| + |b| with the sign of a. */
static Fixed256 sizes_added(Fixed256 a, Fixed256 b)
{
    uint64_t carry = 0;
    for (int i = BOTTOM; i >= TOP; i--) {
        carry += (uint64_t)a.word[i] + b.word[i];
        a.word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

/* |a| - |b| >= 0 with the sign of a. */
static Fixed256 sizes_subtracted(Fixed256 a, Fixed256 b)
{
    uint64_t carry = 1; /* a + ~b + 1 */
    for (int i = BOTTOM; i >= TOP; i--) {
        carry += (uint64_t)a.word[i] + (uint32_t)~b.word[i];
        a.word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

Fixed256 fixed_add(Fixed256 a, Fixed256 b)
{
    if (a.negative == b.negative)
        return sizes_added(a, b);
    return fixed_compare_sizes(a, b) >= 0 ? sizes_subtracted(a, b) : sizes_subtracted(b, a);
}

Fixed256 fixed_subtract(Fixed256 a, Fixed256 b)
{
    return fixed_add(a, fixed_negate(b));
}

/* Schoolbook, column by column from the right.  The columns to the right of word[BOTTOM + 1] are left out: less
 * than 9 2^-288 + ... < 2^-251 together. */
Fixed256 fixed_multiply(Fixed256 a, Fixed256 b)
{
    Fixed256 product = {.negative = a.negative != b.negative};
    uint64_t low = 0; /* this column; */
    for (int column = BOTTOM + 1; column >= TOP; column--) {
        uint64_t high = 0; /* and what it sends to the next one */
        for (int i = TOP; i <= BOTTOM; i++) {
            const int j = column - i;
            if (j < TOP || j > BOTTOM)
                continue;
            const uint64_t p = (uint64_t)a.word[i] * b.word[j];
            low += (uint32_t)p;
            high += p >> 32;
        }
        if (column <= BOTTOM)
            product.word[column] = (uint32_t)low;
        low = (low >> 32) + high;
    }
    return product;
}

Fixed256 fixed_scale(Fixed256 a, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = BOTTOM; i >= TOP; i--) {
        carry += (uint64_t)a.word[i] * factor;
        a.word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

Fixed256 fixed_divide(Fixed256 a, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = TOP; i <= BOTTOM; i++) {
        rest = rest << 32 | a.word[i];
        a.word[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return a;
}

/* Bit `place` of the size, counted from the left: 0 is worth 2^31, 31 is worth 1, 32 is worth 1/2. */
static uint32_t bit_at(const Fixed256 *a, int place)
{
    return place >= 0 && place < BITS ? a->word[place / 32] >> (31 - place % 32) & 1u : 0u;
}

Fixed256 fixed_shift(Fixed256 a, int bits)
{
    Fixed256 shifted = {.negative = a.negative};
    for (int place = 0; place < BITS; place++)
        shifted.word[place / 32] |= bit_at(&a, place + bits) << (31 - place % 32);
    return shifted;
}

int32_t fixed_floor(Fixed256 a)
{
    const int32_t whole = (int32_t)a.word[TOP];
    a.word[TOP] = 0;
    return a.negative ? -whole - !fixed_is_zero(a) : whole;
}

Fixed256 fixed_from_double(double x)
{
    const uint64_t bits = double_bits(x);
    const int field = (int)(bits >> 52 & 0x7ffu);
    const uint64_t mantissa = (bits & 0xfffffffffffffu) | (field != 0 ? (uint64_t)1 << 52 : 0);
    const int lowest = (field != 0 ? field : 1) - 1075; /* the mantissa's last bit is worth 2^lowest */
    Fixed256 a = {.negative = bits >> 63};
    for (int i = 0; i < 53; i++) {
        const int place = 31 - (lowest + i);
        if (place >= 0 && place < BITS && (mantissa >> i & 1u))
            a.word[place / 32] |= (uint32_t)1 << (31 - place % 32);
    }
    return a;
}

double fixed_to_double(Fixed256 a, int exponent)
{
    const uint64_t sign = (uint64_t)a.negative << 63;
    int top = 0;
    while (top < BITS && bit_at(&a, top) == 0)
        top++;
    const int order = 31 - top + exponent; /* 2^order <= |a| 2^exponent < 2^(order+1) */
    const int keep =
        order < -1022 ? 53 - (-1022 - order) : 53; /* bits of the mantissa; fewer for subnormals */
    if (top == BITS || keep < 0)
        return bits_double(sign);

    uint64_t mantissa = 0;
    for (int i = 0; i < keep; i++)
        mantissa = mantissa << 1 | bit_at(&a, top + i);
    const uint32_t half = bit_at(&a, top + keep);
    bool all = true, any = false; /* of the 100 bits behind it */
    for (int i = 1; i <= 100; i++) {
        const uint32_t bit = bit_at(&a, top + keep + i);
        all = all && bit == 1;
        any = any || bit == 1;
    }
    if (all) /* 0.0111... is the tie, 0.1111... the next double */
        mantissa += half == 1 ? 1 : mantissa & 1u;
    else if (half == 1)
        mantissa += any ? 1 : mantissa & 1u;

    if (order < -1022) /* a carry out of the mantissa makes the smallest normal number by itself */
        return bits_double(sign | mantissa);
    const uint64_t infinity = 0x7ff0000000000000u;
    if (order > 1023)
        return bits_double(sign | infinity);
    return bits_double(sign | (((uint64_t)(order + 1022) << 52) + mantissa)); /* nor does it here */
}
