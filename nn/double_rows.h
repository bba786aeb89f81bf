/* nn/double_rows.h - the loops over rows of binary64 numbers on which nn/symmetric_eigen.c stands, once an instruction
 * set (base/isa.h).  Every sum is sum8: element i to lane i mod 8. */
#ifndef NN_DOUBLE_ROWS_H
#define NN_DOUBLE_ROWS_H

#include <stddef.h>

typedef struct {
    double (*dot)(const double *x, const double *y, size_t n);
    /* z -= a x + b y:  RN(z - RN(RN(a x) + RN(b y))) */
    void (*update)(double *z, double a, const double *x, double b, const double *y, size_t n);
    /* (x, y) <- (c x - s y, s x + c y) */
    void (*rotate)(double *x, double *y, double c, double s, size_t n);
} DoubleRows;

/* For this processor. */
const DoubleRows *double_rows(void);

#endif
