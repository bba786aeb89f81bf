/* base/half.h - 16-bit floating point: IEEE 754 binary16 (f16) and the upper half of binary32 (bf16).
 *
 * To binary32 is exact; from binary32 rounds to nearest even, with subnormals kept and overflow to infinity.
 * Any NaN becomes the positive quiet one. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

float f16_to_f32(uint16_t bits);
uint16_t f16_from_f32(float x);

float bf16_to_f32(uint16_t bits);
uint16_t bf16_from_f32(float x);

/* The same for arrays of n numbers, which do not overlap. */
void f16_to_f32_array(float *y, const uint16_t *x, size_t n);
void f16_from_f32_array(uint16_t *y, const float *x, size_t n);
void bf16_to_f32_array(float *y, const uint16_t *x, size_t n);
void bf16_from_f32_array(uint16_t *y, const float *x, size_t n);

/* The loops of base/half_isa.c. */
typedef struct {
    void (*f16_to_f32)(float *y, const uint16_t *x, size_t n);
    void (*f16_from_f32)(uint16_t *y, const float *x, size_t n);
    void (*bf16_to_f32)(float *y, const uint16_t *x, size_t n);
    void (*bf16_from_f32)(uint16_t *y, const float *x, size_t n);
} HalfTable;

#endif
