#include "base/half.h"
#include "base/half_inline.h"
#include "base/isa.h"

static void f16_to_f32_loop(float *restrict y, const uint16_t *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = f16_to_f32_inline(x[i]);
}

static void f16_from_f32_loop(uint16_t *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = f16_from_f32_inline(x[i]);
}

static void bf16_to_f32_loop(float *restrict y, const uint16_t *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = bf16_to_f32_inline(x[i]);
}

static void bf16_from_f32_loop(uint16_t *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = bf16_from_f32_inline(x[i]);
}

extern const HalfTable ISA_TABLE(half_table);
const HalfTable ISA_TABLE(half_table) = {
    .f16_to_f32 = f16_to_f32_loop,
    .f16_from_f32 = f16_from_f32_loop,
    .bf16_to_f32 = bf16_to_f32_loop,
    .bf16_from_f32 = bf16_from_f32_loop,
};
