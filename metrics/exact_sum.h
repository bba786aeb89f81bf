/* metrics/exact_sum.h - sums of products of two floats in which nothing is rounded: the same whatever the order of the
 * terms, and however they are shared among runs.
 *
 * A finite float is m 2^(p - 149) with whole numbers |m| < 2^24 and 0 <= p <= 253, so a product is a whole number below
 * 2^48 times 2^(p_a + p_b - 298).  The sum is a whole number of 2^-298 in 18 limbs of 32 bits, held in 64 so that carries
 * can wait [Neal15].  Derivation: docs/math/distribution.md. */
#ifndef METRICS_EXACT_SUM_H
#define METRICS_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EXACT_LIMBS = 18,
    EXACT_WAIT =
        1 << 28 /* additions between two calls of exact_carry: each adds less than 2^33 to a limb */
};

/* The sum of limb[k] 2^(32 k).  Carried: limbs but the last are in [0, 2^32), so that equal sums have equal limbs. */
typedef struct {
    int64_t limb[EXACT_LIMBS];
} ExactSum;

typedef struct {
    int32_t mantissa, place; /* x = mantissa 2^(place - 149) */
} ExactFactor;

ExactFactor exact_factor(float x); /* x is finite */

/* s += a b 2^298.  With b = EXACT_UNIT: s += a 2^149. */
void exact_add(ExactSum *s, ExactFactor a, ExactFactor b);
extern const ExactFactor EXACT_UNIT;

void exact_carry(ExactSum *s);

/* Whether the limbs are those of a carried sum that EXACT_WAIT^2 products could have given. */
bool exact_is_carried(const ExactSum *s);

/* to += from, both carried before and afterwards. */
void exact_join(ExactSum *to, const ExactSum *from);

/* s 2^exponent, rounded once.  s is carried. */
double exact_value(const ExactSum *s, int exponent);

/* (n product - a b) 2^exponent, rounded once.  All are carried; 0 <= n < 2^31. */
double exact_difference(const ExactSum *product, uint32_t n, const ExactSum *a, const ExactSum *b,
                        int exponent);

#endif
