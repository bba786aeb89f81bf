/* base/elementary.h - elementary functions of floats: the correctly rounded result for every input.
 *
 * "Correctly rounded" has one answer, so these give the same bits on every machine, and so would any other
 * implementation of the same mathematics.  f(NaN) = NaN (7fc00000); limits and signed zeros as in C99, Annex F;
 * sin and cos of an infinity are NaN.  softplus(x) = log(1 + exp(x)), silu(x) = x / (1 + exp(-x)).
 * Derivations: docs/math/elementary.md, and the *_inline.h beside this file, one a family. */
#ifndef BASE_ELEMENTARY_H
#define BASE_ELEMENTARY_H

#include <stddef.h>

#include "base/contract.h"

float exp_f32(float x);
float expm1_f32(float x);
float log_f32(float x);
float log1p_f32(float x);
float sin_f32(float x);
float cos_f32(float x);
float tanh_f32(float x);
float erf_f32(float x);
float sigmoid_f32(float x);
float silu_f32(float x);
float softplus_f32(float x);

/* y[i] = f(x[i]) for i < n, the same bits, several elements at a time.  y may be x; they may not overlap
 * otherwise. */
void exp_array(float *y, const float *x, size_t n);
void expm1_array(float *y, const float *x, size_t n);
void log_array(float *y, const float *x, size_t n);
void log1p_array(float *y, const float *x, size_t n);
void sin_array(float *y, const float *x, size_t n);
void cos_array(float *y, const float *x, size_t n);
void tanh_array(float *y, const float *x, size_t n);
void erf_array(float *y, const float *x, size_t n);
void sigmoid_array(float *y, const float *x, size_t n);
void silu_array(float *y, const float *x, size_t n);
void softplus_array(float *y, const float *x, size_t n);

/* The loops, once an instruction set (base/isa.h); x and y do not overlap. */
typedef void ElementaryLoop(float *restrict y, const float *restrict x, size_t n);

typedef struct {
    ElementaryLoop *exp, *expm1, *log, *log1p, *sin, *cos, *tanh, *erf, *sigmoid, *silu, *softplus;
} ElementaryTable;

#endif
