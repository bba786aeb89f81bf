/* base/elementary_inline.h - the elementary functions as inline bodies, for loops in *_isa.c kernels.
 *
 * exp_inline, expm1_inline, log_inline, log1p_inline, tanh_inline, erf_inline, sigmoid_inline, silu_inline and
 * softplus_inline give, bit for bit, what exp_f32 ... of base/elementary.h give, and a loop over them is widened
 * by the compiler.  sin_near_inline and cos_near_inline do so for |x| <= 10^5 only. */
#ifndef BASE_ELEMENTARY_INLINE_H
#define BASE_ELEMENTARY_INLINE_H

#include "base/circle_inline.h"
#include "base/erf_inline.h"
#include "base/exp_inline.h"
#include "base/gate_inline.h"
#include "base/log_inline.h"

#endif
