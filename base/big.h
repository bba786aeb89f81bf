/* base/big.h - natural numbers below 2^4096, as many operations as decimal text needs. */
#ifndef BASE_BIG_H
#define BASE_BIG_H

#include <stdbool.h>
#include <stdint.h>

enum { BIG_LIMBS = 128 };

typedef struct {
    int size;                 /* limbs in use; the last is not zero */
    uint32_t limb[BIG_LIMBS]; /* the lowest first */
} Big;

void big_set(Big *x, uint64_t value);
void big_multiply_add(Big *x, uint32_t factor, uint32_t term); /* x = x * factor + term */
void big_power_of_10(Big *x, int exponent);                    /* x = x * 10^exponent, exponent >= 0 */
void big_shift(Big *x, int bits);                              /* x = x * 2^bits, bits >= 0 */
void big_add(Big *sum, const Big *a, const Big *b);            /* sum may be a or b */
void big_subtract(Big *x, const Big *y);                       /* x = x - y, y <= x */
int big_compare(const Big *a, const Big *b);                   /* sign of a - b */
int big_bits(const Big *x); /* 0 for 0, else 1 + the highest bit's place */

#endif
