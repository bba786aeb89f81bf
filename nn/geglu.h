/* nn/geglu.h - the gated linear unit of the transformer blocks.
 *
 *   y = a * gelu(g)      where a row of x is (a, g), two halves of C numbers
 *
 * Source: Shazeer 2020, "GLU Variants Improve Transformer", equation (5) without its matrices; which half is the
 * gate as in diffusers (models/attention.py, class GEGLU: hidden_states, gate = chunk(2)).
 * Arithmetic: gelu and its slope as in nn/activation.h, then one binary32 product.  Backward:
 *   da = dy * gelu(g),   dg = (dy * a) * gelu'(g).
 * Derivation: docs/math/activations.md. */
#ifndef NN_GEGLU_H
#define NN_GEGLU_H

#include "nn/tape.h"

/* y (rows,C) from x (rows,2C). */
void geglu_forward(float *y, const float *x, size_t rows, size_t C);

/* Writes dx (rows,2C). */
void geglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t C);

/* x (...,2C) -> (...,C); STATUS_SHAPE when the last axis is odd. */
Tensor *geglu(Tape *tape, Tensor *x);

#endif
