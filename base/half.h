/* base/half.h - 16-bit floating point: IEEE 754 binary16 (f16) and the upper half of binary32 (bf16).
 *
 * To binary32 is exact; from binary32 rounds to nearest even, with subnormals kept and overflow to infinity.
 * Any NaN becomes the positive quiet one. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdint.h>

float f16_to_f32(uint16_t bits);
uint16_t f16_from_f32(float x);

float bf16_to_f32(uint16_t bits);
uint16_t bf16_from_f32(float x);

#endif
