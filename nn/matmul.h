/* nn/matmul.h - matrix products under the panel rule of the contract.
 *
 * Every product of the library (matmul, linear, conv2d, attention) sums like this: the reduction index k runs
 * upwards in panels of 256; a panel's sum starts at +0 and grows by one binary32 multiply and one binary32 add
 * a step; panel sums are added in order, the first one first; a bias is added last.  Tiles, threads and
 * instruction sets only choose who computes which output.
 * Derivation: docs/math/matmul.md. */
#ifndef NN_MATMUL_H
#define NN_MATMUL_H

#include "nn/tape.h"

/* One batch of products c = a b.
 *   a (batch,M,K)   b (batch,K,N), or (batch,N,K) when transpose_b   c (batch,M,N);   any size may be 0 */
typedef struct {
    size_t batch, M, N, K;
    bool transpose_b;
} MatmulShape;

/* Bytes of scratch that the two functions below need. */
size_t matmul_scratch(const MatmulShape *shape);

void matmul_forward(float *c,                       // out (batch,M,N)
                    const float *a, const float *b, // in
                    const MatmulShape *shape, void *scratch);

/* da = dc b^T (k runs over N) and db = a^T dc (k runs over M), written; either may be NULL. */
void matmul_backward(float *da, float *db,                            // out, shaped like a and b
                     const float *dc, const float *a, const float *b, // in
                     const MatmulShape *shape, void *scratch);

/* On the tape: a (...,M,K) times b (...,K,N), or (...,N,K) when transpose_b, gives (...,M,N).  Both have the
 * same rank, 2 to 4, and the same leading axes; STATUS_SHAPE otherwise. */
Tensor *matmul(Tape *tape, Tensor *a, Tensor *b, bool transpose_b);

#endif
