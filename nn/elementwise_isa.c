#include "nn/elementwise.h"

#include <math.h>

#include "base/elementary.h"
#include "base/isa.h"

/* One loop for all: the kind and the strides are constants where it is called, so the compiler makes twelve
 * loops of it and widens each. */
static inline void binary(float *y, const float *a, size_t step_a, const float *b, size_t step_b, size_t n,
                          BinaryKind kind)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float p = a[i * step_a], q = b[i * step_b];
        y[i] = kind == BINARY_ADD        ? p + q
               : kind == BINARY_SUBTRACT ? p - q
               : kind == BINARY_MULTIPLY ? p * q
                                         : p / q;
    }
}

static void add_both(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 1, n, BINARY_ADD);
}

static void add_scalar_b(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 0, n, BINARY_ADD);
}

static void add_scalar_a(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 0, b, 1, n, BINARY_ADD);
}

static void subtract_both(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 1, n, BINARY_SUBTRACT);
}

static void subtract_scalar_b(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 0, n, BINARY_SUBTRACT);
}

static void subtract_scalar_a(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 0, b, 1, n, BINARY_SUBTRACT);
}

static void multiply_both(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 1, n, BINARY_MULTIPLY);
}

static void multiply_scalar_b(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 0, n, BINARY_MULTIPLY);
}

static void multiply_scalar_a(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 0, b, 1, n, BINARY_MULTIPLY);
}

static void divide_both(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 1, n, BINARY_DIVIDE);
}

static void divide_scalar_b(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 1, b, 0, n, BINARY_DIVIDE);
}

static void divide_scalar_a(float *y, const float *a, const float *b, size_t n)
{
    binary(y, a, 0, b, 1, n, BINARY_DIVIDE);
}

/* ---- one tensor ---- */

static void scale_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)q;
    binary(y, x, 1, &p, 0, n, BINARY_MULTIPLY);
}

static void add_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)q;
    binary(y, x, 1, &p, 0, n, BINARY_ADD);
}

static void clamp_loop(float *y, const float *x, size_t n, float p, float q)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float above = x[i] < p ? p : x[i];
        y[i] = q < above ? q : above;
    }
}

static void exp_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)p, (void)q;
    exp_array(y, x, n);
}

static void log_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)p, (void)q;
    log_array(y, x, n);
}

static void sqrt_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)p, (void)q;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = sqrtf(x[i]);
}

static void power2_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)p, (void)q;
    binary(y, x, 1, x, 1, n, BINARY_MULTIPLY);
}

static void absolute_loop(float *y, const float *x, size_t n, float p, float q)
{
    (void)p, (void)q;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = fabsf(x[i]);
}

/* ---- their slopes, named after the column dx of the header ---- */

static void scale_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                        float q)
{
    (void)x, (void)y, (void)q;
    binary(dx, dy, 1, &p, 0, n, BINARY_MULTIPLY);
}

static void add_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                      float q)
{
    (void)x, (void)y, (void)p, (void)q;
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i];
}

static void clamp_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                        float q)
{
    (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float above = x[i] >= p ? dy[i] : 0.0f;
        dx[i] = x[i] <= q ? above : 0.0f;
    }
}

static void exp_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                      float q)
{
    (void)x, (void)p, (void)q;
    binary(dx, dy, 1, y, 1, n, BINARY_MULTIPLY);
}

static void log_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                      float q)
{
    (void)y, (void)p, (void)q;
    binary(dx, dy, 1, x, 1, n, BINARY_DIVIDE);
}

static void sqrt_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                       float q)
{
    (void)x, (void)p, (void)q;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float twice = y[i] + y[i];
        dx[i] = dy[i] / twice;
    }
}

static void power2_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                         float q)
{
    (void)y, (void)p, (void)q;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float twice = x[i] + x[i];
        dx[i] = dy[i] * twice;
    }
}

static void absolute_slope(float *dx, const float *dy, const float *x, const float *y, size_t n, float p,
                           float q)
{
    (void)y, (void)p, (void)q;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float negative = x[i] < 0.0f ? -dy[i] : 0.0f;
        dx[i] = x[i] > 0.0f ? dy[i] : negative;
    }
}

extern const ElementwiseTable ISA_TABLE(elementwise_table);
const ElementwiseTable ISA_TABLE(elementwise_table) = {
    .binary = {[BINARY_ADD] = {add_both, add_scalar_b, add_scalar_a},
               [BINARY_SUBTRACT] = {subtract_both, subtract_scalar_b, subtract_scalar_a},
               [BINARY_MULTIPLY] = {multiply_both, multiply_scalar_b, multiply_scalar_a},
               [BINARY_DIVIDE] = {divide_both, divide_scalar_b, divide_scalar_a}},
    .unary = {[UNARY_SCALE] = scale_loop,
              [UNARY_ADD] = add_loop,
              [UNARY_CLAMP] = clamp_loop,
              [UNARY_EXP] = exp_loop,
              [UNARY_LOG] = log_loop,
              [UNARY_SQRT] = sqrt_loop,
              [UNARY_POWER2] = power2_loop,
              [UNARY_ABSOLUTE] = absolute_loop},
    .slope = {[UNARY_SCALE] = scale_slope,
              [UNARY_ADD] = add_slope,
              [UNARY_CLAMP] = clamp_slope,
              [UNARY_EXP] = exp_slope,
              [UNARY_LOG] = log_slope,
              [UNARY_SQRT] = sqrt_slope,
              [UNARY_POWER2] = power2_slope,
              [UNARY_ABSOLUTE] = absolute_slope},
};
