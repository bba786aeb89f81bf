#include "base/sort.h"

#include <stdlib.h>

#include "base/rng.h"
#include "tests/check.h"

enum { MOST = 600 };

/* Key, then index: what a stable sort is, by definition. */
static bool in_order(const size_t *order, size_t n, const float *key)
{
    static unsigned char seen[MOST];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < n; i++) {
        if (order[i] >= n || seen[order[i]]++ != 0)
            return false;
        if (i == 0)
            continue;
        const float a = key[order[i - 1]], b = key[order[i]];
        if (a > b || (a != a && b == b) || ((a == b || (a != a && b != b)) && order[i - 1] > order[i]))
            return false;
    }
    return true;
}

static void test_all_lengths_with_many_equal_keys(void)
{
    static float key[MOST], sorted[MOST], scratch[MOST];
    static size_t order[MOST], spare[MOST];
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 0);
    for (size_t n = 0; n < MOST; n += n < 70 ? 1 : 53) {
        for (size_t i = 0; i < n; i++) {
            key[i] = (float)rng_below(&rng, 20) - 10.0f;
            if (rng_below(&rng, 9) == 0)
                key[i] = rng_below(&rng, 2) == 0 ? bits_float(0x7fc00000u) : -0.0f;
        }
        sort_order_floats(order, spare, n, key);
        CHECK(in_order(order, n, key));
        memcpy(sorted, key, sizeof sorted);
        sort_floats(sorted, scratch, n);
        bool same = true;
        for (size_t i = 0; i < n; i++)
            same = same && float_bits(sorted[i]) == float_bits(key[order[i]]);
        CHECK(same);
    }
}

/* By the tens only: equal tens keep their order. */
static bool tens_before(const void *context, size_t a, size_t b)
{
    const int *number = context;
    return number[a] / 10 < number[b] / 10;
}

static void test_an_order_of_our_own(void)
{
    const int number[] = {31, 12, 39, 11, 30, 10, 5};
    const size_t want[] = {6, 1, 3, 5, 0, 2, 4};
    size_t order[7], scratch[7];
    sort_order(order, scratch, 7, tens_before, number);
    CHECK(memcmp(order, want, sizeof want) == 0);
}

static void test_float_to_int_saturates(void)
{
    CHECK(float_to_int(0.0f) == 0 && float_to_int(-0.0f) == 0);
    CHECK(float_to_int(2.9f) == 2 && float_to_int(-2.9f) == -2);
    CHECK(float_to_int(bits_float(0x7fc00000u)) == 0 && float_to_int(bits_float(0xffc00000u)) == 0);
    CHECK(float_to_int(HUGE_VALF) == INT32_MAX && float_to_int(-HUGE_VALF) == INT32_MIN);
    CHECK(float_to_int(0x1p31f) == INT32_MAX && float_to_int(-0x1p31f) == INT32_MIN);
    CHECK(float_to_int(-0x1.000002p31f) == INT32_MIN && float_to_int(0x1.fffffep30f) == 2147483520);
    CHECK(float_to_int(0x1p-149f) == 0 && float_to_int(16777215.0f) == 16777215);
}

static void test_selects(void)
{
    CHECK(select_bits(1, 5u, 7u) == 5u && select_bits(0, 5u, 7u) == 7u && select_bits(-8, 5u, 7u) == 5u);
    CHECK(select_double(1, -1.5, 2.0) == -1.5 && select_double(0, -1.5, 2.0) == 2.0);
    CHECK(signbit(select_double(2, -0.0, 0.0)) && !signbit(select_double(0, -0.0, 0.0)));
}

int main(void)
{
    test_all_lengths_with_many_equal_keys();
    test_an_order_of_our_own();
    test_float_to_int_saturates();
    test_selects();
    return check_report("sort");
}
