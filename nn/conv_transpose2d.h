/* nn/conv_transpose2d.h - the transpose of conv2d as a linear map: it spreads where conv2d gathers.
 *
 *   y[n,o,oy,ox] = bias[o] + sum over (c,ky,kx) of weight[c,o,ky,kx] * x[n,c,iy,ix]
 *   over the taps with iy*stride - pad_top + ky*dilation = oy, and the same for ix
 *
 * That is conv2d's gradient to its input, so the kernels and their orders are those of nn/conv2d.h with the
 * roles of x and y exchanged: y sums over k = (c*KH + ky)*KW + kx, dx is a plain conv2d of dy, dweight runs
 * over the positions of x.
 * Derivation: docs/math/conv2d.md. */
#ifndef NN_CONV_TRANSPOSE2D_H
#define NN_CONV_TRANSPOSE2D_H

#include "nn/conv2d.h"

/* As Conv2dOptions, and extra_bottom and extra_right (torch's output_padding, 0 to stride - 1): rows and
 * columns of y beyond the last one that x reaches. */
typedef struct {
    Conv2dOptions conv;
    int extra_bottom, extra_right;
} ConvTranspose2dOptions;

/* On the tape: x (N,C,H,W), weight (C,O/groups,KH,KW), bias (O) or NULL give y (N,O,OH,OW) with
 * OH = (H - 1)*stride - pad_top - pad_bottom + (KH - 1)*dilation + 1 + extra_bottom, and OW alike. */
Tensor *conv_transpose2d(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias,
                         ConvTranspose2dOptions options);

#endif
