/* base/fixed_functions.h - exp, log and sin with 256 bits after the point: what base/elementary64.h rounds. */
#ifndef BASE_FIXED_FUNCTIONS_H
#define BASE_FIXED_FUNCTIONS_H

#include "base/fixed256.h"

/* exp(x) = m 2^exponent for |x| < 2^11, m in [1, 2], with a relative error below 2^-240. */
Fixed256 fixed_exp(Fixed256 x, int *exponent);

/* log(x) of a finite double x > 0, with an error below 2^-240. */
Fixed256 fixed_log(double x);

/* sin(x + quarters pi/2) for |x| < 2^31, with an error below 2^-220: pi counts 2^31 times. */
Fixed256 fixed_sin(Fixed256 x, uint32_t quarters);

#endif
