/* base/sort.h - the one sort of the library: stable, so equal keys keep their order on every machine (the C
 * library's qsort promises no order among equals). */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bits.h" /* float_to_int */

/* Does item a come before item b?  a and b are indices; the context knows what they stand for.  Must be a strict
 * weak order. */
typedef bool SortBefore(const void *context, size_t a, size_t b);

/* order[0..n) becomes the indices 0..n-1 sorted; items of which neither comes before the other stay in ascending
 * index.  scratch: n numbers more. */
void sort_order(size_t *order, size_t *scratch, size_t n, SortBefore *before, const void *context);

/* The indices of key[0..n), smallest key first, NaN last; -0 and +0 are equal. */
void sort_order_floats(size_t *order, size_t *scratch, size_t n, const float *key);

/* x[0..n) itself, ascending, NaN last, stable.  scratch: n floats more. */
void sort_floats(float *x, float *scratch, size_t n);

#endif
