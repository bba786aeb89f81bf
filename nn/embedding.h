/* nn/embedding.h - rows of a table, looked up by number.
 *
 *   y[p] = table[ids[p]]
 *
 * Backward (contract, section 3): for each sample (index of the first axis of ids), the gradients of the positions
 * that used a row are summed by sum8 in ascending order of position and rounded to binary32; the samples' sums are
 * added to the row's gradient in ascending order.
 * Derivation: docs/math/embeddings.md. */
#ifndef NN_EMBEDDING_H
#define NN_EMBEDDING_H

#include "nn/tape.h"

/* table (V,width), ids of the shape dim -> dim + (width).  The ids are copied.
 * STATUS_ARGUMENT when an id is not in [0, V), STATUS_SHAPE when the table is not a matrix or rank is above 3. */
Tensor *embedding(Tape *tape, Tensor *table, const int *ids, int rank, const int *dim);

/* Adds to dtable (V,width) from dy (N,P,width) and ids (N,P). */
void embedding_backward(float *dtable, const float *dy, const int *ids, size_t N, size_t P, size_t width);

#endif
