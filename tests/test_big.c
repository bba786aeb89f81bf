#include "base/big.h"

#include "base/rng.h"
#include "tests/check.h"

/* Limbs, the highest first, as hexadecimal text. */
static const char *hex(const Big *x)
{
    static char text[BIG_LIMBS * 8 + 1];
    size_t n = 0;
    text[0] = '\0';
    for (int i = x->size - 1; i >= 0; i--)
        n += (size_t)snprintf(text + n, sizeof text - n, n == 0 ? "%x" : "%08x", (unsigned)x->limb[i]);
    return text;
}

static Big number(uint64_t value)
{
    Big x;
    big_set(&x, value);
    return x;
}

static Big random_number(Rng *rng, int limbs)
{
    Big x = {.size = limbs};
    for (int i = 0; i < limbs; i++)
        x.limb[i] = rng_below(rng, 4) == 0 ? UINT32_MAX : rng_u32(rng); /* long carries are not rare */
    if (limbs > 0)
        x.limb[limbs - 1] |= 1u;
    return x;
}

static void test_small_numbers_by_hand(void)
{
    Big x = number(0);
    CHECK(x.size == 0 && big_bits(&x) == 0);
    x = number(1);
    CHECK(x.size == 1 && big_bits(&x) == 1);
    x = number((uint64_t)1 << 32);
    CHECK(x.size == 2 && x.limb[0] == 0 && x.limb[1] == 1 && big_bits(&x) == 33);
    big_multiply_add(&x, 0xffffffffu, 0xffffffffu); /* 2^32 (2^32 - 1) + 2^32 - 1 = 2^64 - 1 */
    CHECK(strcmp(hex(&x), "ffffffffffffffff") == 0 && big_bits(&x) == 64);
    big_multiply_add(&x, 1, 1);
    CHECK(strcmp(hex(&x), "10000000000000000") == 0 && big_bits(&x) == 65);
    big_multiply_add(&x, 0, 7);
    CHECK(big_compare(&x, &(Big){.size = 0}) > 0);
}

/* 10^30 = 0xc9f2c9cd04674edea40000000 */
static void test_powers_of_ten(void)
{
    Big x = number(1);
    big_power_of_10(&x, 30);
    CHECK_TEXT(hex(&x), "c9f2c9cd04674edea40000000");
    Big y = number(1);
    for (int i = 0; i < 30; i++)
        big_multiply_add(&y, 10, 0);
    CHECK(big_compare(&x, &y) == 0);
    big_power_of_10(&y, 0);
    CHECK(big_compare(&x, &y) == 0);
}

/* x 2^n by shifting and by doubling. */
static void test_shift_is_doubling(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 0);
    for (int bits = 0; bits < 140; bits++) {
        Big x = random_number(&rng, 5), y = x;
        const int before = big_bits(&x);
        big_shift(&x, bits);
        for (int i = 0; i < bits; i++)
            big_add(&y, &y, &y);
        CHECK(big_compare(&x, &y) == 0 && big_bits(&x) == before + bits);
    }
    Big zero = number(0);
    big_shift(&zero, 100);
    CHECK(zero.size == 0);
}

/* (a + b) - b = a, a + b = b + a, a < a + b. */
static void test_sums_and_differences(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 2, STREAM_TEST, 0);
    for (int i = 0; i < 400; i++) {
        const Big a = random_number(&rng, i % 7), b = random_number(&rng, 1 + i % 9);
        Big sum, other;
        big_add(&sum, &a, &b);
        big_add(&other, &b, &a);
        CHECK(big_compare(&sum, &other) == 0);
        CHECK(big_compare(&a, &sum) < 0 && big_compare(&sum, &a) > 0);
        big_subtract(&sum, &b);
        CHECK(big_compare(&sum, &a) == 0 && sum.size == a.size);
        big_subtract(&other, &other);
        CHECK(other.size == 0);
    }
}

/* The largest number that fits: 2^4096 - 1; what base/decimal.c needs stays far below. */
static void test_the_largest_number(void)
{
    Big x = number(1), one = number(1);
    big_shift(&x, 32 * BIG_LIMBS - 1);
    CHECK(x.size == BIG_LIMBS && big_bits(&x) == 32 * BIG_LIMBS);
    big_subtract(&x, &one);
    CHECK(big_bits(&x) == 32 * BIG_LIMBS - 1 && x.limb[0] == UINT32_MAX);
    big_add(&x, &x, &one);
    CHECK(x.size == BIG_LIMBS && x.limb[BIG_LIMBS - 1] == 0x80000000u);
}

int main(void)
{
    test_small_numbers_by_hand();
    test_powers_of_ten();
    test_shift_is_doubling();
    test_sums_and_differences();
    test_the_largest_number();
    return check_report("big");
}
