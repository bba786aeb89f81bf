/* cli/picture_pair.h - two tensors of files as the planes that a metric holds against each other. */
#ifndef CLI_PICTURE_PAIR_H
#define CLI_PICTURE_PAIR_H

#include "cli/tensor_file.h"
#include "metrics/pair_metric.h"

/* Pictures (height,width,channels) become planes of their levels, of range 255; alpha is a plane like others.  Of arrays
 * the last two axes are height and width, and all before them planes; their range is the caller's.  a and b have the
 * same shape, and are both pictures or both arrays. */
MUST_CHECK Status picture_pair(PicturePair *out, const NamedTensor *a, const NamedTensor *b, double range,
                               Arena *arena, Error *err);

#endif
