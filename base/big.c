#include "base/big.h"

#include <string.h>

/* A result of BIG_LIMBS limbs never overflows: base/decimal.c says why its numbers stay below 2^4096. */
static void push(Big *x, uint32_t limb)
{
    if (limb != 0 && x->size < BIG_LIMBS)
        x->limb[x->size++] = limb;
}

static void trim(Big *x)
{
    while (x->size > 0 && x->limb[x->size - 1] == 0)
        x->size--;
}

void big_set(Big *x, uint64_t value)
{
    x->limb[0] = (uint32_t)(value & UINT32_MAX);
    x->limb[1] = (uint32_t)(value >> 32);
    x->size = 2;
    trim(x);
}

void big_multiply_add(Big *x, uint32_t factor, uint32_t term)
{
    uint64_t carry = term;
    for (int i = 0; i < x->size; i++) {
        carry += (uint64_t)x->limb[i] * factor;
        x->limb[i] = (uint32_t)(carry & UINT32_MAX);
        carry >>= 32;
    }
    push(x, (uint32_t)carry);
}

void big_power_of_10(Big *x, int exponent)
{
    for (; exponent >= 9; exponent -= 9)
        big_multiply_add(x, 1000000000, 0);
    for (; exponent > 0; exponent--)
        big_multiply_add(x, 10, 0);
}

void big_shift(Big *x, int bits)
{
    const int limbs = bits / 32;
    if (limbs > 0 && x->size > 0 && x->size + limbs <= BIG_LIMBS) {
        memmove(x->limb + limbs, x->limb, (size_t)x->size * sizeof x->limb[0]);
        memset(x->limb, 0, (size_t)limbs * sizeof x->limb[0]);
        x->size += limbs;
    }
    big_multiply_add(x, (uint32_t)1 << (bits % 32), 0);
}

void big_add(Big *sum, const Big *a, const Big *b)
{
    const int size = a->size > b->size ? a->size : b->size;
    uint64_t carry = 0;
    for (int i = 0; i < size; i++) {
        carry += (uint64_t)(i < a->size ? a->limb[i] : 0) + (i < b->size ? b->limb[i] : 0);
        sum->limb[i] = (uint32_t)(carry & UINT32_MAX);
        carry >>= 32;
    }
    sum->size = size;
    push(sum, (uint32_t)carry);
}

void big_subtract(Big *x, const Big *y)
{
    uint32_t borrow = 0;
    for (int i = 0; i < x->size; i++) {
        const uint64_t taken = (uint64_t)(i < y->size ? y->limb[i] : 0) + borrow;
        borrow = x->limb[i] < taken;
        x->limb[i] = (uint32_t)((x->limb[i] - taken) & UINT32_MAX);
    }
    trim(x);
}

int big_compare(const Big *a, const Big *b)
{
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    for (int i = a->size - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

int big_bits(const Big *x)
{
    if (x->size == 0)
        return 0;
    int bits = 32 * (x->size - 1);
    for (uint32_t top = x->limb[x->size - 1]; top != 0; top >>= 1)
        bits++;
    return bits;
}
