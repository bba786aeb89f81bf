/* base/elementary64.h - exp, log, sin, cos, pow of doubles: the correctly rounded result for every input.
 *
 * For schedules, twiddle factors and tables, where a few microseconds a call do not matter: everything is
 * computed with 256 bits (base/fixed256.h) and rounded once.  f(NaN) = NaN (7ff8000000000000). */
#ifndef BASE_ELEMENTARY64_H
#define BASE_ELEMENTARY64_H

#include "base/contract.h"

double exp_f64(double x);
double log_f64(double x); /* -infinity at +-0, NaN below */
double sin_f64(double x); /* |x| < 2^31, NaN beyond */
double cos_f64(double x); /* |x| < 2^31, NaN beyond */

/* x^y for x > 0.  C99's results where x or y is 0 or infinite; NaN for x < 0 (unless y = 0). */
double pow_f64(double x, double y);

#endif
