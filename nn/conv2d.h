/* nn/conv2d.h - convolution of pictures, as deep learning means it (no flip of the kernel).
 *
 *   y[n,o,oy,ox] = bias[o] + sum over (c,ky,kx) of weight[o,c,ky,kx] * x[n,c,iy,ix]
 *   iy = oy*stride - pad_top + ky*dilation,   ix = ox*stride - pad_left + kx*dilation
 *
 * c runs over the C/groups input channels of the group of o.  Orders (contract, section 3):
 *   y         k = (c*KH + ky)*KW + kx ascending; a tap outside the picture counts as a factor of +0
 *   dx        dx[n,c,iy,ix] sums over k = (o*KH + ky)*KW + kx ascending, o in the group of c; a tap that no
 *             output used (outside, or between the steps of the stride) counts as a factor of +0
 *   dweight   sample after sample: over positions k = oy*OW + ox ascending
 *   dbias     sample after sample: sum8 over positions
 * in panels of 256 as nn/matmul.h says.
 * Derivation: docs/math/conv2d.md. */
#ifndef NN_CONV2D_H
#define NN_CONV2D_H

#include "nn/tape.h"

/* Zero means the usual: stride 1, dilation 1, one group.  Paddings are rows and columns of zeros, 0 or more. */
typedef struct {
    int stride, pad_top, pad_bottom, pad_left, pad_right, dilation, groups;
} Conv2dOptions;

/* The same padding on all four sides. */
Conv2dOptions conv2d_padding(int stride, int pad);

/* Everything the kernels need to know, made by conv2d_shape.
 *   x (N,C,H,W)   weight (O,C/groups,KH,KW)   bias (O) or NULL   y (N,O,OH,OW) */
typedef struct {
    size_t N, C, H, W, O, KH, KW, OH, OW;
    size_t stride, pad_top, pad_left, dilation, groups;
} Conv2dShape;

/* False when they do not fit: channels, groups, or a kernel larger than the padded picture. */
bool conv2d_shape(Conv2dShape *out, const Tensor *x, const Tensor *weight, Conv2dOptions options);

/* Bytes of scratch that conv2d_forward, and each of the other two, needs. */
size_t conv2d_forward_scratch(const Conv2dShape *shape);
size_t conv2d_backward_scratch(const Conv2dShape *shape);

void conv2d_forward(float *y,                                               // out
                    const float *x, const float *weight, const float *bias, // in
                    const Conv2dShape *shape, void *scratch);

/* dx, written. */
void conv2d_backward_input(float *dx,                            // out
                           const float *dy, const float *weight, // in
                           const Conv2dShape *shape, void *scratch);

/* dweight += each sample's gradient, first sample first. */
void conv2d_backward_weight(float *dweight,                  // in/out
                            const float *dy, const float *x, // in
                            const Conv2dShape *shape, void *scratch);

/* dbias += each sample's sum of dy, first sample first. */
void conv2d_backward_bias(float *dbias,    // in/out (O)
                          const float *dy, // in (N,O,P)
                          size_t N, size_t O, size_t P);

/* On the tape; STATUS_SHAPE or STATUS_ARGUMENT when the shapes or the options do not fit. */
Tensor *conv2d(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, Conv2dOptions options);

#endif
