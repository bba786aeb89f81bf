/* base/sum.h - sums with one written order (contract, section 3: sum8).
 *
 * Eight binary64 lanes start at +0; element i is added to lane i mod 8, i ascending; the result is
 *   ((s0+s4)+(s2+s6)) + ((s1+s5)+(s3+s7)).
 * So a sum may run in vector registers of any width and still has the same bits.  n = 0 gives +0.
 * Derivation: docs/math/sums.md. */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stddef.h>

#include "base/contract.h"

double sum8(const float *x, size_t n);                        /* sum of x[i] */
double sum8_squares(const float *x, size_t n, double centre); /* sum of (x[i] - centre)^2, in binary64 */
double sum8_dot(const float *x, const float *y, size_t n);    /* sum of x[i] y[i]; the products are exact */
double sum8_double(const double *x, size_t n);                /* sum of binary64 numbers */

/* The loops, once an instruction set (base/isa.h). */
typedef struct {
    double (*plain)(const float *x, size_t n);
    double (*squares)(const float *x, size_t n, double centre);
    double (*dot)(const float *x, const float *y, size_t n);
    double (*wide)(const double *x, size_t n);
} SumTable;

#endif
