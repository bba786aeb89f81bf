/* nn/tridiagonal.h - eigenvalues of a symmetric tridiagonal matrix by implicit QL.
 *
 * Each sweep chases a bulge with plane rotations, which are handed on in their order, so that the caller can turn
 * vectors by them in blocks of any size.  Source: Bowdler, Martin, Reinsch, Wilkinson 1968 [BowMRW68] (tql2) with the
 * implicit shift of Dubrulle, Martin, Wilkinson 1968 as EISPACK's imtql2 has it. */
#ifndef NN_TRIDIAGONAL_H
#define NN_TRIDIAGONAL_H

#include <stdbool.h>
#include <stddef.h>

/* Squares of lengths below this count as 0 in matrices whose largest number is about 1: there sums of squares lose their
 * digits to underflow, and what is built on them is no rotation and no reflection any more. */
extern const double TRIDIAGONAL_NOTHING; /* 2^-900 */

/* Rows i and i + 1 of the vectors become (c z_i - s z_(i+1), s z_i + c z_(i+1)). */
typedef struct {
    size_t row;
    double c, s;
} Rotation;

typedef struct {
    Rotation *list; /* room for `room` of them, at least n; NULL: nobody wants them */
    size_t count, room;
    void (*apply)(void *context, const Rotation *list, size_t count);
    void *context;
} RotationList;

/* d (n) the diagonal becomes the eigenvalues, unsorted; e (n) the numbers beside it, e[i] between i and i + 1 (e[n - 1]
 * is not read), is used up.  The largest |d[i]| + |e[i]|, `norm`, is to be about 1.  Blocks of a singular matrix that hold
 * nothing but rounding may never become diagonal beside their own numbers: after 60 sweeps what is nothing beside norm
 * counts as 0.  False after 60 more (NaN or infinity). */
bool tridiagonal_eigen(double *d, double *e, size_t n, RotationList *rotations);

#endif
