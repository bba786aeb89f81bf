/* nn/pool.h - maxima and means over square windows of a picture.
 *
 * x (N,C,h,w) -> (N,C,H,W) with H = floor((h + 2 pad - kernel) / stride) + 1; with ceil_mode ceil, less one when
 * the last window would begin beyond h + pad.  Window i covers kernel rows from i * stride - pad on.
 *
 *   max_pool2d       the largest number of the window inside the picture, the first one among equals in row-major
 *                    order; a NaN counts as larger than all
 *   average_pool2d   RN32(sum8 of the window inside the picture, in row-major order / n), where n counts the window's
 *                    places inside the picture, or with count_padding also those in the padding (but none beyond it)
 *
 * Backward: dx = RN32(sum8 over the outputs that used the input, in row-major order) of dy (max_pool2d: where the
 * input was the largest) or of RN32(dy / n).
 *
 * Source: torch.nn.functional.max_pool2d and avg_pool2d (their definition of the windows; count_padding is their
 * count_include_pad).
 * Derivation: docs/math/resampling.md. */
#ifndef NN_POOL_H
#define NN_POOL_H

#include "nn/tape.h"

typedef struct {
    int kernel, stride; /* at least 1; stride 0 means kernel */
    int pad;            /* at most kernel / 2 */
    bool ceil_mode, count_padding;
} PoolOptions;

/* STATUS_SHAPE when x is not (N,C,h,w) or no window fits, STATUS_ARGUMENT when an option is out of range. */
Tensor *max_pool2d(Tape *tape, Tensor *x, PoolOptions options);
Tensor *average_pool2d(Tape *tape, Tensor *x, PoolOptions options);

#endif
