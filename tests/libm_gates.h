/* tests/libm_gates.h - sigmoid, silu and softplus in binary64, made of libm's functions.
 *
 * With those good to u these are good to 2 u + 2^-52: 1 + e and log1p(e) pass on less than the whole error of e. */
#ifndef TESTS_LIBM_GATES_H
#define TESTS_LIBM_GATES_H

#include <math.h>

static inline double sigmoid_libm(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static inline double silu_libm(double x)
{
    return x < -1000.0 ? -0.0 : x / (1.0 + exp(-x));
}

static inline double softplus_libm(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

#endif
