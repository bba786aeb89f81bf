/* diffusion/vjp.h - the gradient of a whole network with respect to its
 * inputs: a vector-Jacobian product. */
#ifndef DIFFUSION_VJP_H
#define DIFFUSION_VJP_H

#include "nn/tape.h"

enum { VJP_INPUTS = 4 };

/* Runs y = run(inputs) and walks back from dy:  gradient[i] = (d y / d inputs[i])^T dy.
 *   out  y: as many numbers as the result has; gradient[i]: as many as inputs[i].  Each may be NULL
 *   in   inputs: at most VJP_INPUTS, each may be NULL; only shape and data are read.  dy: like y
 * An input without gradient[] gets none, and what only it depends on is not recorded.  A gradient that
 * nothing reaches is zero.  All that was taken from the tape's arena is given back; the tape can be used
 * again unless it has failed. */
MUST_CHECK Status vjp(float *y, float *const *gradient,             // out
                      Tape *tape, Segment run, const void *context, // in
                      const Tensor *const *inputs, int count, const float *dy);

#endif
