/* nn/reshape.h - the same numbers under another shape, or in another order of axes.  No arithmetic. */
#ifndef NN_RESHAPE_H
#define NN_RESHAPE_H

#include "nn/tape.h"

/* A view: shares x's numbers, nothing is copied (backward passes the gradient on).  One size may be -1: what is
 * left.  STATUS_SHAPE when the counts differ. */
Tensor *reshape(Tape *tape, Tensor *x, int rank, const int *dim);

/* Axis k of the result is axis order[k] of x, as numpy's transpose: (N,C,H,W) with {0,2,3,1} gives (N,H,W,C).
 * STATUS_ARGUMENT when order is not a permutation of x's axes. */
Tensor *permute(Tape *tape, Tensor *x, const int *order);

/* y = x with its axes in that order; dim (rank) is the shape of x. */
void permute_forward(float *y, const float *x, int rank, const int *dim, const int *order);

#endif
