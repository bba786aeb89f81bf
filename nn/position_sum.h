/* nn/position_sum.h - sums over the positions of a sample, the rule for gradients of biases and their like.
 *
 * x is seen as (samples, keep0, sum0, keep1, sum1), row-major.  For each sample and each (keep0, keep1) the
 * numbers of (sum0, sum1) are summed by sum8 in row-major order and rounded to binary32.  Contract, section 3.
 * Derivation: docs/math/sums.md. */
#ifndef NN_POSITION_SUM_H
#define NN_POSITION_SUM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    size_t samples, keep0, sum0, keep1, sum1;
    bool add_samples; /* false: y (samples, keep0, keep1) is written; true: the samples' sums are added to
                         y (keep0, keep1), first sample first, in binary32 */
    double divisor;   /* each sum is divided by this before it is rounded; 0: it is not */
} PositionSum;

void position_sum(float *y, const float *x, const PositionSum *shape);

/* The loop that is compiled for each instruction set (base/isa.h). */
enum { COLUMN_BLOCK = 64 };

typedef struct {
    /* sum[c] = sum8 over the rows of x[row * stride + c], c < columns <= COLUMN_BLOCK */
    void (*columns)(double *sum, const float *x, size_t rows, size_t stride, size_t columns);
} PositionSumTable;

#endif
