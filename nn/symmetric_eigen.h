/* nn/symmetric_eigen.h - eigenvalues and eigenvectors of symmetric matrices, in binary64.
 *
 *   A = V^T diag(values) V,   row i of V the vector of values[i], values ascending
 *
 * Householder reflections make A tridiagonal, implicit QL makes that diagonal.  Work is shared between threads by rows
 * or columns of the result, each computed in one written order: the bits are the same for any number of threads.
 * The tables take 16 n^2 bytes.
 * Sources: Householder 1958 [Hou58]; QL as in nn/tridiagonal.h.  Derivation: docs/math/eigen.md. */
#ifndef NN_SYMMETRIC_EIGEN_H
#define NN_SYMMETRIC_EIGEN_H

#include "base/arena.h"
#include "base/error.h"

enum { EIGEN_LARGEST = 16384 };

/*   out  values (n) ascending; vectors (n,n), or NULL when only the values are wanted
 *   in   a (n,n): its lower triangle is read, 1 <= n <= EIGEN_LARGEST
 * Scratch is given back.  Errors: STATUS_ARGUMENT for n, STATUS_NOT_FINITE, STATUS_MEMORY; then nothing is written. */
MUST_CHECK Status symmetric_eigen(double *values, double *vectors, const double *a, int n, Arena *scratch,
                                  Error *err);

/* c (m,k) = x (m,n) times the transpose of y (k,n); each number is one sum8 of n products.  Shared by rows. */
void product_of_rows(double *c, const double *x, const double *y, int m, int k, int n);

#endif
