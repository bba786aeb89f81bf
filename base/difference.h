/* base/difference.h - where and how much two arrays of numbers differ. */
#ifndef BASE_DIFFERENCE_H
#define BASE_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t count, different; /* numbers, and those of other bits (any NaN is like any other) */
    double largest;          /* |a - b|; infinite where only one of the two is a number */
    uint64_t most_ulps;      /* steps on the line of all floats, between numbers of one sign */
    size_t other_signs;      /* pairs of a number above 0 and one below it: their steps say nothing */
    size_t first;            /* the first number of other bits; SIZE_MAX: none */
    float a, b;              /* there */
    uint64_t ulps;           /* between those two, of whatever signs */
} Difference;

Difference difference_of(const float *a, const float *b, size_t count);

/* Steps between two floats on the line of all floats, on which -0 and 0 are one; NaN against NaN is 0, against a
 * number 2^32 - 1. */
uint64_t float_steps(float a, float b);

/* One is above 0 and the other below. */
bool signs_differ(float a, float b);

#endif
