/* nn/symmetric_root.h - square roots of positive semi-definite matrices, in binary64, by their eigenvalues.
 *
 * Eigenvalues below 0 (rounding) count as 0.  Derivation: docs/math/eigen.md. */
#ifndef NN_SYMMETRIC_ROOT_H
#define NN_SYMMETRIC_ROOT_H

#include "base/arena.h"
#include "base/error.h"

/* root (n,n) with root root = a; a as for symmetric_eigen.  Errors likewise. */
MUST_CHECK Status symmetric_root(double *root, const double *a, int n, Arena *scratch, Error *err);

/* root (n,n) with root root = a b, which is not symmetric.  STATUS_ARGUMENT when a is singular: its smallest
 * eigenvalue is not above 2^-52 of its largest. */
MUST_CHECK Status product_root(double *root, const double *a, const double *b, int n, Arena *scratch,
                               Error *err);

/* The trace of that root, also for singular a. */
MUST_CHECK Status product_root_trace(double *trace, const double *a, const double *b, int n, Arena *scratch,
                                     Error *err);

#endif
