/* nn/concat.h - tensors put side by side along one axis, and a part cut out of one.  No arithmetic. */
#ifndef NN_CONCAT_H
#define NN_CONCAT_H

#include "nn/tape.h"

/* At least one part; equal shapes but along `axis` (negative: from the last axis, -1).
 * STATUS_SHAPE when they do not fit, STATUS_ARGUMENT when there is no such axis.  NULL when a part is NULL. */
Tensor *concat(Tape *tape, Tensor *const *parts, int count, int axis);

/* Positions start <= i < start + length of the axis (negative: from the last); STATUS_ARGUMENT when they are not
 * inside. */
Tensor *slice(Tape *tape, Tensor *x, int axis, int start, int length);

#endif
