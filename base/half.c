#include "base/half.h"

#include "base/half_inline.h"
#include "base/isa.h"

extern const HalfTable half_table_base, half_table_avx2, half_table_avx512;

static const HalfTable *table(void)
{
#if ISA_LEVELS > 1
    static const HalfTable *const tables[] = {&half_table_base, &half_table_avx2, &half_table_avx512};
    return tables[isa_level()];
#else
    return &half_table_base;
#endif
}

float f16_to_f32(uint16_t bits)
{
    return f16_to_f32_inline(bits);
}

uint16_t f16_from_f32(float x)
{
    return f16_from_f32_inline(x);
}

float bf16_to_f32(uint16_t bits)
{
    return bf16_to_f32_inline(bits);
}

uint16_t bf16_from_f32(float x)
{
    return bf16_from_f32_inline(x);
}

void f16_to_f32_array(float *y, const uint16_t *x, size_t n)
{
    table()->f16_to_f32(y, x, n);
}

void f16_from_f32_array(uint16_t *y, const float *x, size_t n)
{
    table()->f16_from_f32(y, x, n);
}

void bf16_to_f32_array(float *y, const uint16_t *x, size_t n)
{
    table()->bf16_to_f32(y, x, n);
}

void bf16_from_f32_array(uint16_t *y, const float *x, size_t n)
{
    table()->bf16_from_f32(y, x, n);
}
