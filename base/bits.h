/* base/bits.h - the bit pattern of a number, and choices that are made on bits.
 *
 * Elementary functions and conversions choose between results by an integer mask instead of a branch: then a
 * compiler widens the loop around them, and a lane that is not chosen cannot disturb the others. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdint.h>
#include <string.h>

#include "base/contract.h"

static inline uint32_t float_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float bits_float(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint64_t double_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double bits_double(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* condition != 0 ? yes : no */
static inline uint32_t select_bits(int condition, uint32_t yes, uint32_t no)
{
    const uint32_t mask = (uint32_t)0 - (uint32_t)(condition != 0);
    return (yes & mask) | (no & ~mask);
}

static inline double select_double(int condition, double yes, double no)
{
    const uint64_t mask = (uint64_t)0 - (uint64_t)(condition != 0);
    return bits_double((double_bits(yes) & mask) | (double_bits(no) & ~mask));
}

/* Towards zero, saturating; NaN gives 0.  (The plain cast is undefined outside the range and differs among
 * processors.) */
static inline int32_t float_to_int(float x)
{
    double d = x;
    d = d == d ? d : 0.0;
    d = d > 2147483647.0 ? 2147483647.0 : d;
    d = d < -2147483648.0 ? -2147483648.0 : d;
    return (int32_t)d;
}

#endif
