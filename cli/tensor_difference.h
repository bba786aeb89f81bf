/* cli/tensor_difference.h - how far apart two tensors of one shape are, and where they part. */
#ifndef CLI_TENSOR_DIFFERENCE_H
#define CLI_TENSOR_DIFFERENCE_H

#include "base/difference.h"
#include "cli/tensor_file.h"
#include "io/json.h"

bool same_shape(const NamedTensor *a, const NamedTensor *b);

/* a and b have the same shape. */
Difference tensor_difference(const NamedTensor *a, const NamedTensor *b);

/* Whether its numbers are floats, so that steps between neighbouring floats (ulp) mean something. */
bool has_ulps(const NamedTensor *t);

/* More than `tolerance` apart; for 0: any bit. */
bool parts(const Difference *d, double tolerance);

/* "[0,3,17]": the place of number i of the tensor. */
void place_text(char text[160], const NamedTensor *t, size_t i);

/* "(2,4,16,16)" */
void shape_text(char text[160], const NamedTensor *t);

/* Members "max_abs", "numbers", "numbers_different" and "first": {"index": [], "a", "b"} of the object that is open; of
 * floats also "max_ulp", "other_signs" and, in "first", "ulp" where the signs are the same. */
void difference_write(JsonWriter *w, const NamedTensor *a, const Difference *d);

#endif
