/* nn/softmax.h - softmax over the last axis.
 *
 *   m = max of the row,  e_i = exp(RN32(x_i - m)),  S = sum8(e),  y_i = RN32(e_i / S)     (contract, section 3)
 *
 * Backward, in binary64 and rounded once:  dx_i = RN32(y_i * (dy_i - b)),  b = sum8(dy * y) with exact products.
 * A row that is -inf everywhere, or holds a NaN, gives NaN.
 * Derivation: docs/math/attention.md. */
#ifndef NN_SOFTMAX_H
#define NN_SOFTMAX_H

#include "nn/tape.h"

/* y and x (rows,C), C at least 1; y may be x.  In threads. */
void softmax_forward(float *y, const float *x, size_t rows, size_t C);

/* Writes dx (rows,C) from dy and the forward's y; dx may be dy. */
void softmax_backward(float *dx, const float *dy, const float *y, size_t rows, size_t C);

/* x (...,C); the shape stays.  STATUS_SHAPE when x has no last axis or it is empty. */
Tensor *softmax(Tape *tape, Tensor *x);

/* The loops, once an instruction set (base/isa.h): one row of n numbers. */
typedef struct {
    double (*forward)(float *y, const float *x, size_t n); /* returns S; *y may be x */
    void (*backward)(float *dx, const float *dy, const float *y, size_t n);
} SoftmaxTable;

const SoftmaxTable *softmax_table(void);

#endif
