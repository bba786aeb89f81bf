/* nn/reduce.h - sums and means.
 *
 *   operator      result                               arithmetic
 *   sum_axis      the axis has size 1                  RN32(sum8 along the axis)
 *   mean_axis     the axis has size 1                  RN32(sum8 along the axis / its size)
 *   sum_sample    (N): all axes but the first          RN32(sum8 of the sample, row-major)
 *   mean_sample   (N)                                  RN32(sum8 of the sample / its size)
 *   sum_all       (1): first per sample, then samples  RN32(sum of the RN32 sums of the samples, in order, binary64)
 *   mean_all      (1)                                  RN32(that sum / number of all numbers)
 * Along axis 0 (samples) sum_axis and mean_axis add in binary64, first sample first.  Contract, section 3.
 * Backward: every number summed gets dy, or RN32(dy / count).
 * STATUS_ARGUMENT when there is no such axis (negative: from the last), STATUS_SHAPE for a mean of nothing.
 * Derivation: docs/math/sums.md. */
#ifndef NN_REDUCE_H
#define NN_REDUCE_H

#include "nn/tape.h"

Tensor *sum_axis(Tape *tape, Tensor *x, int axis);
Tensor *mean_axis(Tape *tape, Tensor *x, int axis);
Tensor *sum_sample(Tape *tape, Tensor *x);
Tensor *mean_sample(Tape *tape, Tensor *x);
Tensor *sum_all(Tape *tape, Tensor *x);
Tensor *mean_all(Tape *tape, Tensor *x);

#endif
