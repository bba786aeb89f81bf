/* base/contract.h - the promise that results are the same bits everywhere, and what guards it.
 *
 * Every numeric file includes this page, so that a build that could not keep the promise stops here, with the
 * reason.  What the compiler cannot tell, contract_check tries at start-up on operands that it cannot foresee. */
#ifndef BASE_CONTRACT_H
#define BASE_CONTRACT_H

#include <float.h>
#include <limits.h>
#include <math.h>

#include "base/error.h"

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "ldm99: -ffast-math, -Ofast and their parts change results; build without them"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0
#error "ldm99: -ffinite-math-only changes results; build without it"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 &&                                                    \
    FLT_EVAL_METHOD != 1 /* tcc defines none; 0 is true of it */
#error "ldm99: FLT_EVAL_METHOD must be 0 or 1: no x87 arithmetic; on i386 use -msse2 -mfpmath=sse"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MIN_EXP != -125 || FLT_MAX_EXP != 128
#error "ldm99: float must be IEEE 754 binary32"
#endif
#if DBL_MANT_DIG != 53 || DBL_MIN_EXP != -1021 || DBL_MAX_EXP != 1024
#error "ldm99: double must be IEEE 754 binary64"
#endif
#if CHAR_BIT != 8
#error "ldm99: a byte must have 8 bits"
#endif
#if INT_MAX < 2147483647
#error "ldm99: int must have 32 bits at least"
#endif

/* Tries every rule of arithmetic that the contract needs, in about a microsecond.  STATUS_DIFFERENT with the name
 * of the broken rule when this machine, its mode or the build does not follow one. */
MUST_CHECK Status contract_check(Error *err);

/* The same in every worker thread of parallel_for: rounding mode and flush-to-zero belong to a thread. */
MUST_CHECK Status contract_check_threads(Error *err);

#endif
