/* cli/tensor_difference.h - how far apart two tensors of one shape are, and where they part. */
#ifndef CLI_TENSOR_DIFFERENCE_H
#define CLI_TENSOR_DIFFERENCE_H

#include "cli/tensor_file.h"
#include "io/json.h"

typedef struct {
    size_t count, different; /* numbers, and those of other bits (any NaN is like any other) */
    double largest;          /* |a - b|; infinite where only one of the two is a number */
    uint64_t most_ulps;      /* steps on the line of all floats */
    double squares;          /* sum of (a - b)^2, in order */
    size_t first;            /* the first number of other bits; SIZE_MAX: none */
    float a, b;              /* there */
    uint64_t ulps;           /* between those two */
} Difference;

/* Steps between two floats on the line of all floats; NaN against NaN is 0, against a number 2^32 - 1. */
uint64_t float_steps(float a, float b);

bool same_shape(const NamedTensor *a, const NamedTensor *b);

/* a and b have the same shape. */
Difference tensor_difference(const NamedTensor *a, const NamedTensor *b);

/* More than `tolerance` apart; for 0: any bit. */
bool parts(const Difference *d, double tolerance);

/* 10 log10(255^2 / mean square), from our own logarithm; infinite for equal pictures. */
double difference_psnr(const Difference *d);

/* "[0,3,17]": the place of number i of the tensor. */
void place_text(char text[160], const NamedTensor *t, size_t i);

/* "(2,4,16,16)" */
void shape_text(char text[160], const NamedTensor *t);

/* Members "max_abs", "max_ulp", "numbers", "numbers_different", "psnr" (of pictures) and "first": {"index": [],
 * "a", "b", "ulp"} of the object that is open. */
void difference_write(JsonWriter *w, const NamedTensor *a, const Difference *d);

#endif
