/* nn/resample.h - pictures (N,C,h,w) at another size (N,C,H,W).
 *
 * Each output is a weighted mean of inputs, separately along rows and columns (weights in binary32):
 *   nearest                 input floor(i * h / H), exactly (integers)
 *   bilinear                align_corners false: centre c = (i + 0.5) * h / H - 0.5 in binary64, at least 0 and at most
 *                           h - 1; input f = floor(c) has weight RN32(1 - (c - f)), input f + 1 RN32(c - f), or 0
 *                           where there is no such input
 *   adaptive_average_pool   inputs floor(i * h / H) to ceil((i + 1) * h / H) - 1; RN32(sum8 of the window / its size)
 * bilinear: each row is taken first, RN32(RN32(left * u) + RN32(right * v)), then the two rows in the same way.
 *
 * Backward: dx = RN32(sum8 over the outputs that used the input, in row-major order, of what each sends back):
 *   nearest dy;   bilinear RN32(RN32(dy * row weight) * column weight);   pool RN32(dy / window size).
 *
 * Source: torch.nn.functional.interpolate and adaptive_avg_pool2d (their definition of the centres and windows).
 * STATUS_ARGUMENT when a size is below 1, STATUS_SHAPE when x is not (N,C,h,w) with h and w above 0.
 * Derivation: docs/math/resampling.md. */
#ifndef NN_RESAMPLE_H
#define NN_RESAMPLE_H

#include "nn/tape.h"

Tensor *nearest(Tape *tape, Tensor *x, int H, int W);
Tensor *bilinear(Tape *tape, Tensor *x, int H, int W);
Tensor *adaptive_average_pool(Tape *tape, Tensor *x, int H, int W);

/* One output of bilinear along one axis: inputs `first` and `next` with weights u and v. */
typedef struct {
    int first, next;
    float u, v;
} BilinearTap;

/* y[2 i] = y[2 i + 1] = x[i], and dx[i] = the sum of the four numbers over it; once an instruction set. */
typedef struct {
    void (*twice)(float *y, const float *x, size_t n);
    void (*fold)(float *dx, const float *dy0, const float *dy1, size_t n);
} NearestTable;

#endif
