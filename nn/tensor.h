/* nn/tensor.h - a contiguous binary32 array with its shape and, when asked for, its gradient. */
#ifndef NN_TENSOR_H
#define NN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>

enum { TENSOR_RANK = 4 };

/* Axes are written outermost first, as in the papers: (N,C,H,W) pictures, (B,T,C) token rows, (C) a bias.
 * Axes from `rank` on are 1, so that dim[0]*dim[1]*dim[2]*dim[3] is always the count. */
typedef struct Tensor {
    int rank;             /* 0 (one number) to TENSOR_RANK */
    int dim[TENSOR_RANK]; /* each at least 0 */
    float *data;
    float *grad;     /* d loss / d data, or NULL while nothing has flowed back */
    bool wants_grad; /* a gradient is to flow through it: a trainable parameter, an input that asks, or made
                        from one */
    bool keeps_grad; /* parameters and inputs: the gradient stays after the walk and is added to */
} Tensor;

size_t tensor_count(const Tensor *x);
bool tensor_finite(const Tensor *x); /* no infinity and no NaN among its numbers */

/* Numbers in one sample: the product of all axes but the first (1 when rank is 0 or 1). */
size_t tensor_sample(const Tensor *x);

/* Numbers in one channel of one sample: the product of all axes from axis 2 on. */
size_t tensor_positions(const Tensor *x);

bool tensor_same_shape(const Tensor *x, const Tensor *y);

/* Writes "(2,3,4)" into text, for error sentences; returns text. */
const char *tensor_shape_text(const Tensor *x, char text[64]);

#endif
