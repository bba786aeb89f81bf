#include "metrics/exact_sum.h"

#include "base/bits.h"
#include "base/rng.h"
#include "tests/check.h"

static double sum_of(const float *a, const float *b, int n)
{
    ExactSum s = {{0}};
    for (int i = 0; i < n; i++)
        exact_add(&s, exact_factor(a[i]), exact_factor(b[i]));
    exact_carry(&s);
    CHECK(exact_is_carried(&s));
    return exact_value(&s, -298);
}

static void test_factors_by_hand(void)
{
    const ExactFactor one = exact_factor(1.0f), least = exact_factor(-0x1p-149f),
                      most = exact_factor(0x1.fffffep127f);
    CHECK(one.mantissa == 1 << 23 && one.place == 126);
    CHECK(least.mantissa == -1 && least.place == 0);
    CHECK(most.mantissa == (1 << 24) - 1 && most.place == 253);
    CHECK(exact_factor(-0.0f).mantissa == 0);
}

static void test_single_products_are_exact(void)
{
    Rng rng = rng_stream(RNG_PHILOX, 5, STREAM_TEST, 0);
    for (int i = 0; i < 20000; i++) {
        const float a = bits_float(rng_u32(&rng)), b = bits_float(rng_u32(&rng));
        if (a - a != 0.0f || b - b != 0.0f)
            continue;
        if (sum_of(&a, &b, 1) != (double)a * (double)b && !CHECK(false))
            printf("    %a times %a\n", (double)a, (double)b);
    }
}

/* What binary64 would lose: the largest products cancel, the smallest stays. */
static void test_cancelling(void)
{
    const float big = 0x1.fffffep127f, least = 0x1p-149f;
    const float a[5] = {big, least, -big, 3.0f, 3.0f}, b[5] = {big, least, big, 5.0f, -5.0f};
    CHECK(sum_of(a, b, 5) == 0x1p-298);
    CHECK(sum_of(a, b, 3) == 0x1p-298 && sum_of(a, b, 1) == (double)big * (double)big);
    const float minus[2] = {-least, 0.0f};
    CHECK(sum_of(minus, a + 1, 1) == -0x1p-298);
}

/* 1 + 2^-53 is a tie and goes to 1; a little more goes up; (1 + 2^-52) + 2^-53 goes to the even neighbour above. */
static void test_rounding_to_even(void)
{
    const float a[4] = {1.0f, 0x1p-53f, 0x1p-140f, 0x1p-52f}, one[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    CHECK(sum_of(a, one, 2) == 1.0);
    CHECK(sum_of(a, one, 3) == 1.0 + 0x1p-52);
    const float b[3] = {1.0f, 0x1p-52f, 0x1p-53f};
    CHECK(sum_of(b, one, 3) == 1.0 + 0x1p-51);
}

static void test_order_and_parts_do_not_matter(void)
{
    enum { N = 3000 };
    static float a[N], b[N];
    Rng rng = rng_stream(RNG_PHILOX, 6, STREAM_TEST, 0);
    for (int i = 0; i < N; i++) {
        a[i] = ldexpf(rng_normal(&rng), (int)rng_below(&rng, 200) - 100);
        b[i] = ldexpf(rng_normal(&rng), (int)rng_below(&rng, 50) - 25);
    }
    ExactSum whole = {{0}}, parts = {{0}};
    for (int i = 0; i < N; i++)
        exact_add(&whole, exact_factor(a[i]), exact_factor(b[i]));
    exact_carry(&whole);
    for (int part = 6; part >= 0; part--) {
        ExactSum s = {{0}};
        for (int i = N - 1; i >= 0; i--)
            if (i % 7 == part)
                exact_add(&s, exact_factor(b[i]), exact_factor(a[i]));
        exact_carry(&s);
        exact_join(&parts, &s);
    }
    CHECK(memcmp(&whole, &parts, sizeof whole) == 0);
}

/* n S_xy - S_x S_y for x = 1, 2, -4 and y = 3, 5, 7: 3 (3 + 10 - 28) + 15 = -30. */
static void test_difference_by_hand(void)
{
    const float x[3] = {1, 2, -4}, y[3] = {3, 5, 7};
    ExactSum xy = {{0}}, sx = {{0}}, sy = {{0}};
    for (int i = 0; i < 3; i++) {
        exact_add(&xy, exact_factor(x[i]), exact_factor(y[i]));
        exact_add(&sx, exact_factor(x[i]), EXACT_UNIT);
        exact_add(&sy, exact_factor(y[i]), EXACT_UNIT);
    }
    exact_carry(&xy);
    exact_carry(&sx);
    exact_carry(&sy);
    CHECK(exact_value(&sx, -149) == -1.0 && exact_value(&sy, -149) == 15.0);
    CHECK(exact_difference(&xy, 3, &sx, &sy, -298) == -30.0);
    CHECK(exact_difference(&xy, 3, &sy, &sy, -298) == -45.0 - 225.0);
    CHECK(exact_difference(&xy, 0, &sx, &sx, -298) == -1.0);
    CHECK(exact_difference(&xy, 0, &sx, &sy, -298) == 15.0 &&
          exact_difference(&xy, 1, &sx, &sy, -298) == 0.0);
    ExactSum zero = {{0}}, xx = {{0}};
    for (int i = 0; i < 3; i++)
        exact_add(&xx, exact_factor(x[i]), exact_factor(x[i]));
    exact_carry(&xx);
    CHECK(exact_difference(&xx, 1, &sy, &sy, -298) ==
          21.0 - 225.0); /* the second is larger: the sign turns */
    CHECK(exact_difference(&zero, 7, &zero, &sx, -298) == 0.0);
    CHECK(exact_difference(&xy, 7, &zero, &sx, -298) == -105.0);
}

static void test_limbs_that_no_sum_has(void)
{
    ExactSum s = {{0}};
    CHECK(exact_is_carried(&s));
    s.limb[3] = -1;
    CHECK(!exact_is_carried(&s));
    s.limb[3] = (int64_t)1 << 32;
    CHECK(!exact_is_carried(&s));
    s.limb[3] = 0;
    s.limb[EXACT_LIMBS - 1] = INT64_MIN;
    CHECK(!exact_is_carried(&s));
}

int main(void)
{
    test_factors_by_hand();
    test_single_products_are_exact();
    test_cancelling();
    test_rounding_to_even();
    test_order_and_parts_do_not_matter();
    test_difference_by_hand();
    test_limbs_that_no_sum_has();
    return check_report("exact_sum");
}
