#include "base/half.h"

#include "base/bytes.h"
#include "base/isa.h"
#include "tests/check.h"

static void test_known_numbers(void)
{
    CHECK(f16_to_f32(0x3c00) == 1.0f && f16_to_f32(0xc000) == -2.0f && f16_to_f32(0x7bff) == 65504.0f);
    CHECK(f16_to_f32(0x0001) == 0x1p-24f && f16_to_f32(0x83ff) == -0x1.ff8p-15f &&
          f16_to_f32(0xfc00) == -HUGE_VALF);
    CHECK(float_bits(f16_to_f32(0x8000)) == 0x80000000u && float_bits(f16_to_f32(0xfe01)) == 0x7fc00000u);
    CHECK(f16_from_f32(65519.996f) == 0x7bff && f16_from_f32(65520.0f) == 0x7c00 &&
          f16_from_f32(-1e30f) == 0xfc00);
    CHECK(f16_from_f32(0x1p-25f) == 0 && f16_from_f32(0x1.000002p-25f) == 1 &&
          f16_from_f32(-0x1p-40f) == 0x8000);
    CHECK(f16_from_f32(bits_float(0xffc12345u)) == 0x7e00);
    CHECK(bf16_to_f32(0x3f80) == 1.0f && bf16_to_f32(0xff80) == -HUGE_VALF &&
          bf16_to_f32(0x0001) == 0x1p-133f);
    CHECK(bf16_from_f32(1.00390625f) == 0x3f80 && bf16_from_f32(1.01171875f) == 0x3f82);
    CHECK(bf16_from_f32(bits_float(0x7f7fffff)) == 0x7f80 &&
          bf16_from_f32(bits_float(0x7f800001)) == 0x7fc0);
    CHECK(float_bits(bf16_to_f32(0xff81)) == 0x7fc00000u);
}

/* All patterns come back; between two neighbours the rounding turns in the middle, where the even one wins. */
static void check_all(float (*to)(uint16_t), uint16_t (*from)(float), uint16_t infinity)
{
    int wrong = 0;
    for (uint32_t bits = 0; bits < infinity; bits++) {
        const uint16_t here = (uint16_t)bits, next = (uint16_t)(bits + 1), minus = 0x8000;
        wrong += from(to(here)) != here || from(-to(here)) != (here | minus);
        const double end = next == infinity ? 2.0 * to(here) - to((uint16_t)(here - 1)) : (double)to(next);
        const float middle = (float)((to(here) + end) / 2.0);
        wrong += from(middle) != (bits % 2 == 0 ? here : next) ||
                 from(-middle) != ((bits % 2 == 0 ? here : next) | minus);
        wrong += from(nextafterf(middle, 0.0f)) != here || from(nextafterf(middle, HUGE_VALF)) != next;
    }
    CHECK(wrong == 0 && from(to(infinity)) == infinity);
}

/* At every level of the processor the arrays have the bits of the scalars. */
static void test_arrays_equal_scalars(void)
{
    static uint16_t all[65536], back[65536];
    static float x[65536], odd[65536];
    uint32_t state = 1;
    for (uint32_t i = 0; i < 65536; i++) {
        all[i] = (uint16_t)i;
        state = state * 1664525u + 1013904223u;
        odd[i] = bits_float(state ^ state >> 15);
        odd[i] = i % 2 == 0 ? odd[i]
                            : bits_float((float_bits(odd[i]) & 0x8fffffffu) | 0x30000000u); /* near f16 */
    }
    for (int level = ISA_BASE; level <= ISA_AVX512; level++) {
        isa_limit((IsaLevel)level);
        int wrong = 0;
        f16_to_f32_array(x, all, 65536);
        for (uint32_t i = 0; i < 65536; i++)
            wrong += float_bits(x[i]) != float_bits(f16_to_f32(all[i]));
        bf16_to_f32_array(x, all, 65536);
        for (uint32_t i = 0; i < 65536; i++)
            wrong += float_bits(x[i]) != float_bits(bf16_to_f32(all[i]));
        f16_from_f32_array(back, odd, 65536);
        for (uint32_t i = 0; i < 65536; i++)
            wrong += back[i] != f16_from_f32(odd[i]);
        bf16_from_f32_array(back, odd, 65536);
        for (uint32_t i = 0; i < 65536; i++)
            wrong += back[i] != bf16_from_f32(odd[i]);
        CHECK(wrong == 0);
    }
    isa_limit(ISA_AVX512);
}

int main(void)
{
    test_known_numbers();
    check_all(f16_to_f32, f16_from_f32, 0x7c00);
    check_all(bf16_to_f32, bf16_from_f32, 0x7f80);
    test_arrays_equal_scalars();
    return check_report("half");
}
