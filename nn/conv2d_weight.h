/* nn/conv2d_weight.h - a part of nn/conv2d.h: what its gradient to the weight needs. */
#ifndef NN_CONV2D_WEIGHT_H
#define NN_CONV2D_WEIGHT_H

#include "nn/conv2d.h"

/* Bytes of scratch for conv2d_backward_weight. */
size_t conv2d_weight_scratch(const Conv2dShape *shape);

#endif
