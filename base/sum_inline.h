/* base/sum_inline.h - the bodies of base/sum.h, for use inside *_isa.c kernels.
 *
 * Element i goes to lane i mod 8; the eight lanes are folded by one fixed tree.  The inner loops run over the
 * lanes, which do not depend on one another: a compiler may keep them in one, two or four vector registers
 * without changing a bit. */
#ifndef BASE_SUM_INLINE_H
#define BASE_SUM_INLINE_H

#include <stddef.h>

#include "base/contract.h"

enum { SUM_LANES = 8 };

/* The last step of every sum8. */
static inline double sum8_fold(const double s[SUM_LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static inline double sum8_inline(const float *x, size_t n)
{
    double s[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
        for (size_t l = 0; l < SUM_LANES; l++)
            s[l] += (double)x[i + l];
    for (size_t i = whole; i < n; i++)
        s[i - whole] += (double)x[i];
    return sum8_fold(s);
}

static inline double sum8_squares_inline(const float *x, size_t n, double centre)
{
    double s[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
        for (size_t l = 0; l < SUM_LANES; l++) {
            const double d = (double)x[i + l] - centre;
            s[l] += d * d;
        }
    for (size_t i = whole; i < n; i++) {
        const double d = (double)x[i] - centre;
        s[i - whole] += d * d;
    }
    return sum8_fold(s);
}

static inline double sum8_dot_inline(const float *x, const float *y, size_t n)
{
    double s[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
        for (size_t l = 0; l < SUM_LANES; l++)
            s[l] += (double)x[i + l] * (double)y[i + l];
    for (size_t i = whole; i < n; i++)
        s[i - whole] += (double)x[i] * (double)y[i];
    return sum8_fold(s);
}

static inline double sum8_double_inline(const double *x, size_t n)
{
    double s[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
        for (size_t l = 0; l < SUM_LANES; l++)
            s[l] += x[i + l];
    for (size_t i = whole; i < n; i++)
        s[i - whole] += x[i];
    return sum8_fold(s);
}

#endif
