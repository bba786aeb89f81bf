/* nn/broadcast.h - two arrays of different shapes met element by element, by numpy's rule.
 *
 * Shapes are aligned at their last axis; an axis that is missing or has size 1 is repeated.  (N,C,H,W) with
 * (N,C,1,1), (B,T,C) with (C), anything with (1).
 * Source: numpy, "Broadcasting" (numpy.org/doc/stable/user/basics.broadcasting.html).
 *
 * Going back, a repeated operand gets the sum of what its copies got, in one written order:
 *   for each sample (index of axis 0 of the result) and each element of the operand, sum8 over the positions
 *   at which that sample used that element, in row-major order, rounded to binary32;
 *   an operand that has axis 0 of its own takes that number; for any other (a parameter) the samples' numbers
 *   are added to its gradient in ascending order, in binary32.
 * So a batch leaves in a parameter the same bits as its samples one after the other. */
#ifndef NN_BROADCAST_H
#define NN_BROADCAST_H

#include <stdbool.h>

#include "nn/tape.h"

/* The result's shape, and the loops that visit it: axes that can be walked as one are joined. */
typedef struct {
    int rank, dim[TENSOR_RANK];
    int loops;                                           /* at least 1, outermost first */
    size_t size[TENSOR_RANK];                            /* of each loop */
    size_t stride_a[TENSOR_RANK], stride_b[TENSOR_RANK]; /* in numbers; 0 where the operand is repeated */
    size_t count;
} Broadcast;

/* False when the shapes do not fit. */
bool broadcast_shapes(Broadcast *out, const Tensor *a, const Tensor *b);

/* y[..] of n numbers from n numbers (stride 1) or one number (stride 0) of a and of b. */
typedef void (*BinaryLoop)(float *y, const float *a, const float *b, size_t n);

typedef struct {
    BinaryLoop both, scalar_b, scalar_a; /* both have stride 1; b has stride 0; a has stride 0 */
} BinaryLoops;

/* y (the result's shape) = a op b; y may be a or b where that operand is not repeated. */
void broadcast_forward(float *y, const float *a, const float *b, const Broadcast *shape,
                       const BinaryLoops *loops);

/* True when x has the axis 0 of a result of that shape, so that its gradient belongs to single samples. */
bool broadcast_has_samples(const Tensor *x, int rank, const int *dim);

/* Sums `full` (the result's shape) to the shape of x by the rule above.  When x has the result's axis 0 the
 * sums are written to d, otherwise they are added to d. */
void broadcast_sum(float *d, const Tensor *x, const float *full, int rank, const int *dim);

/* Sends `full`, d loss / d operand in the result's shape, to the operand x. */
void broadcast_send(Tape *tape, Tensor *x, const float *full, int rank, const int *dim);

#endif
