/* io/resize_weights.h - how much each sample of a line counts for each sample of a resized line.
 *
 * The line of `in` samples is drawn from `start` to `start + length` on a line of `out` samples.  The
 * centre of output sample x lies at u = (x + 1/2 - start) * step of the input, step = in / length, and
 * input sample i has
 *   weight  k((i + 1/2 - u) / s) / sum of all,    s = max(1, step):  wider when the line shrinks,
 * with k the kernel of the filter (io/resize.h); RESIZE_AREA counts the overlap of [i, i+1] with [u -
 * step/2, u + step/2].  Weights are computed in binary64 (sines are those of base/elementary.h), divided
 * by their sum8 and rounded to binary32. */
#ifndef IO_RESIZE_WEIGHTS_H
#define IO_RESIZE_WEIGHTS_H

#include <stdbool.h>

#include "io/resize.h"

/* The cubic kernel of Keys 1981 [Keys81] with a = -1/2: 1 at 0, 0 at every other integer and beyond +-2. */
double resize_cubic(double t);

/* Output sample x is the sum of weight[k] * input[first + k], 0 <= k < count; none: 0. */
typedef struct {
    int first, count;
    const float *weight;
} ResizeTaps;

/* The taps of all `out` samples, in the arena; NULL when there is no memory.  1 <= length.  clear:
 * samples beyond the line count as zeros; otherwise they are left away and the rest makes up the sum. */
const ResizeTaps *resize_weights(ResizeFilter filter, int in, int out, double start, double length,
                                 bool clear, Arena *arena);

#endif
