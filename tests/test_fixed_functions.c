#include "base/fixed_functions.h"

#include "base/rng.h"
#include "tests/check.h"

/* |a - b| < 2^-bits. */
static bool near(Fixed256 a, Fixed256 b, int bits)
{
    const Fixed256 distance = fixed_subtract(a, b);
    return fixed_is_zero(fixed_shift(distance, bits - 256)) ||
           fixed_compare_sizes(distance, fixed_shift(fixed_int(1), -bits)) < 0;
}

static Fixed256 random_number(Rng *rng, uint32_t whole)
{
    Fixed256 a = {.negative = rng_below(rng, 2) == 1};
    for (int i = 1; i < FIXED_WORDS; i++)
        a.word[i] = rng_u32(rng);
    a.word[0] = rng_below(rng, whole);
    return a;
}

/* e and log(10): the digits that any table has. */
static void test_known_numbers(void)
{
    const Fixed256 half_e = {.word = {1, 0x5bf0a8b1, 0x45769535, 0x5fb8ac40, 0x4e7a79e3, 0xb1738b07,
                                      0x9c5a6d2b, 0x53c26c82, 0x28c867f8}};
    const Fixed256 log10 = {.word = {2, 0x4d763776, 0xaaa2b05b, 0xa95b58ae, 0x0b4c28a3, 0x8a3fb3e7,
                                     0x6977e43a, 0x0f187a08, 0x07c0b5ca}};
    int exponent;
    CHECK(near(fixed_exp(fixed_int(1), &exponent), half_e, 245) && exponent == 1);
    CHECK(near(fixed_log(10.0), log10, 245));
    CHECK(fixed_is_zero(fixed_log(1.0)));
    CHECK(near(fixed_log(0x1p-1074), fixed_negate(fixed_scale(fixed_log(2.0), 1074)), 238));
}

/* exp(a) exp(b) = exp(a + b) */
static void test_exp_of_a_sum(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 64);
    int wrong = 0;
    for (int i = 0; i < 100; i++) {
        const Fixed256 a = random_number(&rng, 700), b = random_number(&rng, 700);
        int ka, kb, k;
        const Fixed256 product = fixed_multiply(fixed_exp(a, &ka), fixed_exp(b, &kb));
        const Fixed256 sum = fixed_exp(fixed_add(a, b), &k);
        wrong += !near(fixed_shift(product, ka + kb - k), sum, 238);
    }
    CHECK(wrong == 0);
}

/* exp(log(x)) = x */
static void test_log_inverts_exp(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 2, STREAM_TEST, 64);
    int wrong = 0;
    for (int i = 0; i < 100; i++) {
        const double x = ldexp(1.0 + (double)rng_u32(&rng) * 0x1p-32, (int)rng_below(&rng, 200) - 100);
        int exponent, order;
        const Fixed256 m = fixed_exp(fixed_log(x), &exponent);
        const double fraction = 2.0 * frexp(x, &order);
        wrong += !near(fixed_shift(m, exponent - (order - 1)), fixed_from_double(fraction), 238);
    }
    CHECK(wrong == 0);
}

/* sin^2 + cos^2 = 1 and sin(2 x) = 2 sin(x) cos(x), also for large x. */
static void test_sines(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 3, STREAM_TEST, 64);
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
        const Fixed256 x = random_number(&rng, i < 100 ? 3 : (uint32_t)1 << 30);
        const Fixed256 s = fixed_sin(x, 0), c = fixed_sin(x, 1);
        wrong += !near(fixed_add(fixed_multiply(s, s), fixed_multiply(c, c)), fixed_int(1), 217);
        wrong += !near(fixed_sin(fixed_shift(x, 1), 0), fixed_shift(fixed_multiply(s, c), 1),
                       i < 100 ? 217 : 215);
        wrong +=
            !near(fixed_sin(x, 2), fixed_negate(s), 250) || !near(fixed_sin(x, 7), fixed_negate(c), 250);
        wrong += !near(fixed_sin(fixed_negate(x), 0), fixed_negate(s), 217);
    }
    CHECK(wrong == 0);
    CHECK(fixed_is_zero(fixed_sin(fixed_int(0), 0)) && near(fixed_sin(fixed_int(0), 1), fixed_int(1), 256));
}

int main(void)
{
    test_known_numbers();
    test_exp_of_a_sum();
    test_log_inverts_exp();
    test_sines();
    return check_report("fixed_functions");
}
