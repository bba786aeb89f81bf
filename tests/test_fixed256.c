#include "base/fixed256.h"

#include "base/bits.h"
#include "base/rng.h"
#include "tests/check.h"

static bool equal(Fixed256 a, Fixed256 b)
{
    return fixed_compare_sizes(a, b) == 0 && (a.negative == b.negative || fixed_is_zero(a));
}

static Fixed256 random_number(Rng *rng, uint32_t whole)
{
    Fixed256 a = {.negative = rng_below(rng, 2) == 1};
    for (int i = 1; i < FIXED_WORDS; i++)
        a.word[i] = rng_below(rng, 4) == 0 ? 0xffffffffu * rng_below(rng, 2) : rng_u32(rng);
    a.word[0] = rng_below(rng, whole);
    return a;
}

static void test_sums_and_differences(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 256);
    int wrong = 0;
    for (int i = 0; i < 2000; i++) {
        const Fixed256 a = random_number(&rng, 1000), b = random_number(&rng, 1000),
                       c = random_number(&rng, 1000);
        wrong += !equal(fixed_subtract(fixed_add(a, b), b), a);
        wrong += !equal(fixed_add(a, b), fixed_add(b, a));
        wrong += !equal(fixed_add(fixed_add(a, b), c), fixed_add(a, fixed_add(b, c)));
        wrong += !fixed_is_zero(fixed_subtract(a, a));
        wrong += !equal(fixed_negate(fixed_negate(a)), a);
    }
    CHECK(wrong == 0);
}

/* a (b + c) = a b + a c but for what is cut off: three times less than 2^-251. */
static void test_products(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 2, STREAM_TEST, 256);
    int wrong = 0;
    for (int i = 0; i < 2000; i++) {
        const Fixed256 a = random_number(&rng, 1000), b = random_number(&rng, 1000),
                       c = random_number(&rng, 1000);
        const Fixed256 left = fixed_multiply(a, fixed_add(b, c)),
                       right = fixed_add(fixed_multiply(a, b), fixed_multiply(a, c));
        const Fixed256 distance = fixed_subtract(left, right);
        for (int w = 0; w < FIXED_WORDS - 1; w++)
            wrong += distance.word[w] != 0;
        wrong += distance.word[FIXED_WORDS - 1] > 3u << 5;
        const uint32_t n = 1 + rng_below(&rng, 100000);
        const Fixed256 small = fixed_divide(a, n), back = fixed_subtract(a, fixed_scale(small, n));
        wrong +=
            back.word[FIXED_WORDS - 1] >= n || (!fixed_is_zero(back) && back.word[FIXED_WORDS - 2] != 0);
        wrong += !equal(fixed_scale(a, 7), fixed_multiply(a, fixed_int(7)));
    }
    CHECK(wrong == 0);
    const Fixed256 product = fixed_multiply(fixed_int(-12), fixed_int(11));
    CHECK(product.negative && product.word[0] == 132);
}

static void test_shifts_and_floor(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 3, STREAM_TEST, 256);
    int wrong = 0;
    for (int i = 0; i < 500; i++) {
        const Fixed256 a = random_number(&rng, 100);
        wrong += !equal(fixed_shift(a, 5), fixed_scale(a, 32)) ||
                 !equal(fixed_shift(a, -9), fixed_divide(a, 512));
        wrong += !equal(fixed_shift(a, 0), a) || !fixed_is_zero(fixed_shift(a, -300));
    }
    CHECK(wrong == 0);
    CHECK(fixed_floor(fixed_from_double(2.75)) == 2 && fixed_floor(fixed_from_double(-2.75)) == -3);
    CHECK(fixed_floor(fixed_int(-3)) == -3 && fixed_floor(fixed_from_double(-0x1p-200)) == -1);
}

static void test_doubles_come_back(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 4, STREAM_TEST, 256);
    int wrong = 0;
    for (int i = 0; i < 3000; i++) {
        const double mantissa = (double)rng_u32(&rng) * 0x1p-32 + (double)rng_u32(&rng) - 0x1p31;
        const double x = ldexp(mantissa, -(int)rng_below(&rng, 170));
        wrong += double_bits(fixed_to_double(fixed_from_double(x), 0)) != double_bits(x);
    }
    CHECK(wrong == 0);
    CHECK(double_bits(fixed_to_double(fixed_int(0), 0)) == 0);
    CHECK(double_bits(fixed_to_double(fixed_negate(fixed_int(0)), 0)) == (uint64_t)1 << 63);
}

/* 1 + 2^-53 is a tie; what stands behind it decides, but not below the 100th bit. */
static void test_rounding_by_hand(void)
{
    const Fixed256 one = fixed_int(1);
    const Fixed256 tie = fixed_add(one, fixed_from_double(0x1p-53));
    const Fixed256 odd_tie = fixed_add(one, fixed_from_double(0x1.8p-52));
    CHECK(fixed_to_double(tie, 0) == 1.0 && fixed_to_double(odd_tie, 0) == 0x1.0000000000002p+0);
    CHECK(fixed_to_double(fixed_add(tie, fixed_from_double(0x1p-150)), 0) == 0x1.0000000000001p+0);
    CHECK(fixed_to_double(fixed_subtract(tie, fixed_from_double(0x1p-150)), 0) == 1.0);
    CHECK(fixed_to_double(fixed_add(tie, fixed_from_double(0x1p-156)), 0) == 1.0);
    CHECK(fixed_to_double(fixed_subtract(tie, fixed_from_double(0x1p-156)), 0) == 1.0);
    CHECK(fixed_to_double(fixed_subtract(odd_tie, fixed_from_double(0x1p-156)), 0) == 0x1.0000000000002p+0);
    CHECK(fixed_to_double(fixed_subtract(one, fixed_from_double(0x1p-160)), 0) == 1.0);
    CHECK(fixed_to_double(fixed_from_double(-0x1.fffffffffffffp+0), 1023) == -0x1.fffffffffffffp+1023);
    CHECK(fixed_to_double(fixed_subtract(fixed_int(2), fixed_from_double(0x1p-53)), 1023) == HUGE_VAL);
    CHECK(fixed_to_double(one, 1024) == HUGE_VAL && fixed_to_double(fixed_int(-1), 5000) == -HUGE_VAL);
}

static void test_subnormals_by_hand(void)
{
    CHECK(fixed_to_double(fixed_int(1), -1074) == 0x1p-1074 && fixed_to_double(fixed_int(1), -1075) == 0.0);
    CHECK(fixed_to_double(fixed_int(3), -1075) == 0x1p-1073); /* 1.5 units: to even */
    CHECK(fixed_to_double(fixed_from_double(1.0 + 0x1p-52), -1075) == 0x1p-1074);
    CHECK(fixed_to_double(fixed_int(1), -2000) == 0.0);
    CHECK(fixed_to_double(fixed_from_double(0x1.fffffffffffffp+0), -1023) ==
          0x1p-1022); /* into the normal numbers */
    CHECK(double_bits(fixed_to_double(fixed_int(-1), -1080)) == (uint64_t)1 << 63);
}

int main(void)
{
    test_sums_and_differences();
    test_products();
    test_shifts_and_floor();
    test_doubles_come_back();
    test_rounding_by_hand();
    test_subnormals_by_hand();
    return check_report("fixed256");
}
