/* nn/conv2d_wide.h - conv2d_gather for many samples: the samples are the lanes.
 *
 * The source is turned to (channel, row, column, sample); then every tap of every output position is a vector of
 * lanes that lies where it is needed, and taps that fall on the frame's zeros can be left out, position by
 * position.  That is only right when A is finite (gemm_finite says why): the caller checks. */
#ifndef NN_CONV2D_WIDE_H
#define NN_CONV2D_WIDE_H

#include "nn/conv2d_gather.h"

/* How many of the N samples it takes: whole vectors of lanes, the first ones; 0 when there are no zeros to leave
 * out, or too many taps. */
size_t conv2d_wide_samples(const Conv2dGather *g);

/* Bytes of scratch. */
size_t conv2d_wide_scratch(const Conv2dGather *g);

/* As conv2d_gather, for the first conv2d_wide_samples(g) samples. */
void conv2d_wide(float *out, const float *source, const float *a, const float *bias, const Conv2dGather *g,
                 void *scratch);

#endif
