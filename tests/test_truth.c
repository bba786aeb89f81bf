/* The numbers with bounds of cli/truth.h: functions against base/elementary64.h, bounds by hand, gradients against
 * slopes, and that the bound holds for what binary32 computes in several orders. */
#include "cli/truth.h"

#include "base/elementary64.h"
#include "base/rng.h"
#include "tests/check.h"

static const double U = 0x1p-24;

static void test_functions(void)
{
    for (int i = -300; i <= 300; i++) {
        const double x = i * 0.173;
        CHECK(fabs(truth_exp(x) / exp_f64(x) - 1.0) < 4e-16);
    }
    CHECK(truth_exp(-2000.0) == 0.0 && truth_exp(2000.0) == INFINITY && truth_exp(0.0) == 1.0);
    /* NIST Digital Library of Mathematical Functions, table 7.23: erf(0.5), erf(1), erf(2) */
    CHECK(fabs(truth_erf(0.5) - 0.5204998778130465) < 2e-16);
    CHECK(fabs(truth_erf(1.0) - 0.8427007929497149) < 3e-16);
    CHECK(fabs(truth_erf(-2.0) + 0.9953222650189527) < 4e-16);
    CHECK(truth_erf(7.0) == 1.0 && truth_erf(-INFINITY) == -1.0);
}

/* expm1, log1p and tanh keep their last places where 1 is nearly taken away. */
static void test_small_arguments(void)
{
    Arena arena = {.limit = 0};
    Truth t = truth_begin(&arena, false);
    for (double x = 0x1p-60; x < 1.0; x *= 3.0) {
        const TruthId id = truth_leaf(&t, x);
        const double e = truth_number(&t, truth_unary(&t, TRUTH_EXPM1, id)).v;
        const double back = truth_number(&t, truth_unary(&t, TRUTH_LOG1P, truth_leaf(&t, e))).v;
        CHECK(fabs(back / x - 1.0) < 8e-16);
        const double h = truth_number(&t, truth_unary(&t, TRUTH_TANH, id)).v;
        const double twice = truth_number(&t, truth_unary(&t, TRUTH_EXPM1, truth_leaf(&t, 2.0 * x))).v;
        CHECK(fabs(h / (twice / (twice + 2.0)) - 1.0) < 6e-16);
    }
    arena_free(&arena);
}

static void test_bounds_by_hand(void)
{
    Arena arena = {.limit = 0};
    Truth t = truth_begin(&arena, false);
    const TruthId a = truth_leaf(&t, 3.0), b = truth_leaf(&t, 0.1);
    const TruthId product = truth_binary(&t, TRUTH_MULTIPLY, a, b);
    const double p = 3.0 * 0.1;
    CHECK(truth_number(&t, product).e == 17.0 / 16.0 * U * p);
    const TruthId sum = truth_binary(&t, TRUTH_ADD, product, a);
    CHECK_NEAR(truth_number(&t, sum).e / U, 17.0 / 16.0 * (p + (p + 3.0)), 1e-12);
    truth_sum_begin(&t);
    for (int i = 0; i < 100; i++)
        truth_sum_multiply_add(&t, a, i % 2 == 0 ? a : b);
    const TruthId dot = truth_sum_end(&t);
    CHECK_NEAR(truth_number(&t, dot).v, 50.0 * (9.0 + p), 1e-12);
    CHECK_NEAR(truth_number(&t, dot).e / U, 17.0 / 16.0 * (4.0 * sqrt(99.0) + 1.0) * 50.0 * (9.0 + p),
               1e-9);
    truth_sum_begin(&t);
    CHECK(truth_number(&t, truth_sum_end(&t)).v == 0.0);
    arena_free(&arena);
}

/* Infinities and NaN are required, but after an overflow of binary32 anything goes. */
static void test_special_numbers(void)
{
    Arena arena = {.limit = 0};
    Truth t = truth_begin(&arena, false);
    const TruthId infinite = truth_leaf(&t, INFINITY), large = truth_leaf(&t, 1e30);
    const TruthNumber nan = truth_number(&t, truth_binary(&t, TRUTH_SUBTRACT, infinite, infinite));
    CHECK(nan.v != nan.v && nan.e == 0.0);
    CHECK(truth_number(&t, truth_binary(&t, TRUTH_DIVIDE, large, infinite)).v == 0.0);
    const TruthId over = truth_binary(&t, TRUTH_MULTIPLY, large, large);
    CHECK_NEAR(truth_number(&t, over).v / 1e60, 1.0, 1e-15);
    CHECK(truth_number(&t, over).e < 1e53);
    CHECK(truth_number(&t, truth_binary(&t, TRUTH_DIVIDE, over, large)).e == INFINITY);
    arena_free(&arena);
}

/* A formula with every kind of step; y and, recorded, what it was made of. */
static TruthId formula(Truth *t, const TruthId x[3])
{
    static const TruthKind kinds[] = {TRUTH_EXP,   TRUTH_LOG, TRUTH_SQRT, TRUTH_TANH,  TRUTH_ERF,
                                      TRUTH_EXPM1, TRUTH_SIN, TRUTH_COS,  TRUTH_LOG1P, TRUTH_SIGMOID};
    truth_sum_begin(t);
    truth_sum_multiply_add(t, x[0], x[1]);
    truth_sum_add(t, x[2]);
    truth_sum_multiply_add(t, x[2], x[2]);
    TruthId y = truth_sum_end(t);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const TruthId f = truth_unary(t, kinds[i], x[i % 3]);
        y = i % 2 == 0
                ? truth_binary(t, TRUTH_ADD, y, truth_binary(t, TRUTH_MULTIPLY, f, x[(i + 1) % 3]))
                : truth_binary(t, TRUTH_SUBTRACT, y, truth_binary(t, TRUTH_DIVIDE, f, x[(i + 2) % 3]));
    }
    return truth_scale(t, y, 0.75);
}

static void test_gradients(void)
{
    static const double at[3] = {0.8, 1.3, 0.6};
    Arena arena = {.limit = 0};
    Truth t = truth_begin(&arena, true);
    TruthId x[3];
    for (int i = 0; i < 3; i++)
        x[i] = truth_leaf(&t, at[i]);
    const TruthId y = formula(&t, x);
    const TruthNumber *d = truth_backward(&t, &y, (const double[1]){2.0}, 1);
    for (int i = 0; CHECK(d != NULL) && i < 3; i++) {
        double side[2];
        for (int s = 0; s < 2; s++) {
            Truth moved = truth_begin(&arena, false);
            TruthId z[3];
            for (int k = 0; k < 3; k++)
                z[k] = truth_leaf(&moved, at[k] + (k == i ? (s == 0 ? -1e-5 : 1e-5) : 0.0));
            side[s] = truth_number(&moved, formula(&moved, z)).v;
        }
        CHECK_NEAR(d[x[i]].v, 2.0 * (side[1] - side[0]) / 2e-5, 1e-8);
        CHECK(d[x[i]].e > 0.0 && d[x[i]].e < 1e-4);
    }
    arena_free(&arena);
}

/* A sum of 500 products in binary32: upwards, downwards, in pairs; the bound covers all and is not far away. */
static void test_bound_covers_orders(void)
{
    enum { K = 500 };
    float a[K], b[K], s[3] = {0.0f}, pair[K];
    Rng rng = rng_stream(RNG_PHILOX, 4, STREAM_TEST, 0);
    rng_normal_fill(&rng, a, K);
    rng_normal_fill(&rng, b, K);
    Arena arena = {.limit = 0};
    Truth t = truth_begin(&arena, false);
    truth_sum_begin(&t);
    for (int i = 0; i < K; i++)
        truth_sum_multiply_add(&t, truth_leaf(&t, a[i]), truth_leaf(&t, b[i]));
    const TruthNumber y = truth_number(&t, truth_sum_end(&t));
    for (int i = 0; i < K; i++) {
        const float p = a[i] * b[i], q = a[K - 1 - i] * b[K - 1 - i];
        s[0] = s[0] + p;
        s[1] = s[1] + q;
        pair[i] = p;
    }
    for (int n = K; n > 1; n = (n + 1) / 2)
        for (int i = 0; i < n / 2; i++)
            pair[i] = pair[i] + pair[n - 1 - i];
    s[2] = pair[0];
    double worst = 0.0;
    for (int i = 0; i < 3; i++) {
        CHECK(fabs(s[i] - y.v) <= y.e);
        worst = fabs(s[i] - y.v) > worst ? fabs(s[i] - y.v) : worst;
    }
    CHECK(worst > y.e / 1000.0);
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    for (size_t n = 1; n < 6; n++) {
        Arena arena = {.fail_after = n};
        Truth t = truth_begin(&arena, true);
        TruthId x[3];
        for (int i = 0; i < 3; i++)
            x[i] = truth_leaf(&t, 0.5 + i);
        const TruthId y = formula(&t, x);
        const TruthNumber *d = truth_backward(&t, &y, (const double[1]){1.0}, 1);
        CHECK((d == NULL) == (n <= 5));
        arena_free(&arena);
    }
}

int main(void)
{
    test_functions();
    test_small_arguments();
    test_bounds_by_hand();
    test_special_numbers();
    test_gradients();
    test_bound_covers_orders();
    test_failing_allocations();
    return check_report("truth");
}
