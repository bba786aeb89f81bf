/* nn/linear.h - y = x W^T + b on every row of x.  Derivation: docs/math/matmul.md. */
#ifndef NN_LINEAR_H
#define NN_LINEAR_H

#include "nn/tape.h"

/* N samples of T rows each (T = 1 when there is one row a sample).
 *   x (N,T,in)   weight (out,in)   bias (out) or NULL   y (N,T,out) */
typedef struct {
    size_t N, T, in, out;
} LinearShape;

/* Bytes of scratch that linear_forward, and each of the two after it, needs. */
size_t linear_forward_scratch(const LinearShape *shape);
size_t linear_backward_scratch(const LinearShape *shape);

void linear_forward(float *y,                                               // out
                    const float *x, const float *weight, const float *bias, // in
                    const LinearShape *shape, void *scratch);

/* dx = dy W, written; the reduction runs over the out features. */
void linear_backward_input(float *dx,                            // out
                           const float *dy, const float *weight, // in
                           const LinearShape *shape, void *scratch);

/* Sample after sample, dweight += dy_n^T x_n (the reduction runs over the T rows). */
void linear_backward_weight(float *dweight,                  // in/out
                            const float *dy, const float *x, // in
                            const LinearShape *shape, void *scratch);

/* Sample after sample, dbias += sum8 over the T rows of dy_n, rounded to binary32. */
void linear_backward_bias(float *dbias,    // in/out
                          const float *dy, // in
                          const LinearShape *shape);

/* On the tape: x (...,in) with axis 0 the samples, weight (out,in) or any shape with `out` first and out*in
 * numbers (a 1x1 convolution's), bias (out) or NULL; gives (...,out). */
Tensor *linear(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias);

#endif
