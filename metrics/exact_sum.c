#include "metrics/exact_sum.h"

#include <math.h>

#include "base/big.h"
#include "base/bits.h"

const ExactFactor EXACT_UNIT = {1, 0};

ExactFactor exact_factor(float x)
{
    const uint32_t u = float_bits(x), exponent = (u >> 23) & 255u, fraction = u & 0x7fffffu;
    const int32_t size = (int32_t)(exponent > 0 ? fraction | 0x800000u : fraction);
    return (ExactFactor){u >> 31 ? -size : size, exponent > 0 ? (int32_t)exponent - 1 : 0};
}

void exact_add(ExactSum *s, ExactFactor a, ExactFactor b)
{
    const int64_t product = (int64_t)a.mantissa * b.mantissa, sign = product < 0 ? -1 : 1;
    const uint64_t size = (uint64_t)(product * sign);
    const int place = a.place + b.place, shift = place % 32;
    const uint64_t low = (size & UINT32_MAX) << shift, high = (size >> 32) << shift; /* below 2^63, 2^47 */
    int64_t *limb = s->limb + place / 32;
    limb[0] += sign * (int64_t)(low & UINT32_MAX);
    limb[1] += sign * (int64_t)((low >> 32) + (high & UINT32_MAX));
    limb[2] += sign * (int64_t)(high >> 32);
}

void exact_carry(ExactSum *s)
{
    for (int k = 0; k + 1 < EXACT_LIMBS; k++) {
        const int64_t rest = (int64_t)((uint64_t)s->limb[k] & UINT32_MAX);
        s->limb[k + 1] += (s->limb[k] - rest) / ((int64_t)1 << 32); /* exact: rounds down */
        s->limb[k] = rest;
    }
}

bool exact_is_carried(const ExactSum *s)
{
    const int64_t top = s->limb[EXACT_LIMBS - 1];
    bool good = top > -((int64_t)1 << 62) && top < (int64_t)1 << 62;
    for (int k = 0; k + 1 < EXACT_LIMBS; k++)
        good = good && s->limb[k] >= 0 && s->limb[k] <= (int64_t)UINT32_MAX;
    return good;
}

void exact_join(ExactSum *to, const ExactSum *from)
{
    for (int k = 0; k < EXACT_LIMBS; k++)
        to->limb[k] += from->limb[k];
    exact_carry(to);
}

/* ---- sums as one number ---- */

typedef struct {
    bool negative;
    Big size;
} Whole;

static Whole whole_of(const ExactSum *s)
{
    ExactSum t = *s;
    Whole w = {.negative = s->limb[EXACT_LIMBS - 1] < 0};
    for (int k = 0; w.negative && k < EXACT_LIMBS; k++)
        t.limb[k] = -t.limb[k];
    exact_carry(&t);
    big_set(&w.size, (uint64_t)t.limb[EXACT_LIMBS - 1]);
    for (int k = EXACT_LIMBS - 2; k >= 0; k--) {
        big_shift(&w.size, 32);
        const uint32_t limb = (uint32_t)t.limb[k];
        if (w.size.size > 0)
            big_multiply_add(&w.size, 1, limb);
        else
            big_set(&w.size, limb);
    }
    return w;
}

static void multiply(Big *out, const Big *a, const Big *b)
{
    big_set(out, 0);
    for (int k = a->size - 1; k >= 0; k--) {
        big_shift(out, 32);
        if (a->limb[k] == 0 || b->size == 0)
            continue;
        Big part = *b;
        big_multiply_add(&part, a->limb[k], 0);
        big_add(out, out, &part);
    }
}

/* To nearest even: the highest 53 bits, and what is below them. */
static double rounded(const Whole *w, int exponent)
{
    const int drop = big_bits(&w->size) > 53 ? big_bits(&w->size) - 53 : 0;
    uint64_t kept = 0;
    bool half = false, below = false;
    for (int i = w->size.size - 1; i >= 0; i--)
        for (int bit = 31; bit >= 0; bit--) {
            const int place = 32 * i + bit;
            const bool one = (w->size.limb[i] >> bit) & 1u;
            if (place >= drop)
                kept = 2 * kept + one;
            else if (place == drop - 1)
                half = one;
            else
                below = below || one;
        }
    kept += half && (below || (kept & 1u));
    const double size = ldexp((double)kept, drop + exponent);
    return w->negative ? -size : size;
}

double exact_value(const ExactSum *s, int exponent)
{
    const Whole w = whole_of(s);
    return rounded(&w, exponent);
}

double exact_difference(const ExactSum *product, uint32_t n, const ExactSum *a, const ExactSum *b,
                        int exponent)
{
    Whole w = whole_of(product), x = whole_of(a), y = whole_of(b);
    Big other;
    if (n == 0)
        big_set(&w.size, 0);
    else
        big_multiply_add(&w.size, n, 0);
    multiply(&other, &x.size, &y.size);
    if (w.negative != (x.negative != y.negative)) {
        big_add(&w.size, &w.size, &other);
    } else if (big_compare(&w.size, &other) >= 0) {
        big_subtract(&w.size, &other);
    } else {
        big_subtract(&other, &w.size);
        w.size = other;
        w.negative = !w.negative;
    }
    return rounded(&w, exponent);
}
