/* cli/golden_items.h - what `ldm99 golden self` computes: small results from every layer, each with a hash that
 * every build on every machine must give (contract, section 8).
 *
 * A hash is SHA-256 over name, dtype, shape and data (little-endian, one NaN) of each tensor, in order. */
#ifndef CLI_GOLDEN_ITEMS_H
#define CLI_GOLDEN_ITEMS_H

#include "io/sha256.h"
#include "nn/tape.h"

typedef struct {
    const char *name;                                        /* "nn.conv2d" */
    Status (*run)(Sha256 *hash, Arena arena[2], Error *err); /* arena[1]: gradients */
    const char *sources;                                     /* what it tries that items before it do not */
} GoldenItem;

extern const GoldenItem GOLDEN_BASE[], GOLDEN_OPERATORS[], GOLDEN_NETWORKS[], GOLDEN_PIPELINE[],
    GOLDEN_DOODL[], GOLDEN_TRAINING[]; /* end: name NULL */

void golden_add_floats(Sha256 *hash, const char *name, const float *x, int rank, const int *dim);
void golden_add_doubles(Sha256 *hash, const char *name, const double *x, size_t count);
void golden_add_tensor(Sha256 *hash, const char *name, const Tensor *x);

/* Normal numbers of the stream (seed 99, STREAM_TEST, index) as an input that wants a gradient. */
Tensor *golden_input(Tape *tape, uint64_t index, int rank, const int *dim);

/* Adds y; walks back from it with normal dy (index 1000); adds the gradients of the `count` inputs. */
Status golden_add_gradients(Sha256 *hash, Tape *tape, Tensor *y, Tensor *const *inputs, int count,
                            Error *err);

#endif
