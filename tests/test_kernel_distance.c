#include "metrics/kernel_distance.h"

#include "tests/gradcheck.h"

static double one_estimate(const float *x, int n1, const float *y, int n2, int d, double sigma)
{
    Arena arena = {0};
    Error err = {0};
    KernelDistanceOptions o = KERNEL_DISTANCE_DEFAULTS;
    KernelDistance k = {NAN, NAN};
    o.subsets = 0;
    o.sigma = sigma;
    if (!CHECK(kernel_distance(&k, NULL, x, n1, y, n2, d, &o, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(k.deviation == 0.0 && arena.used == 0);
    arena_free(&arena);
    return k.mean;
}

/* d = 1, k(a, b) = (ab + 1)^3: x = 0, 1 and y = 2, 3.  (2 1 + 2 343) / 2 - 2 (1 + 1 + 27 + 64) / 4. */
static void test_by_hand(void)
{
    const float x[2] = {0, 1}, y[2] = {2, 3};
    CHECK_NEAR(one_estimate(x, 2, y, 2, 1, 0.0), 344.0 - 46.5, 1e-15);
    const double h = exp(-0.5), f = exp(-2.0), n = exp(-4.5); /* |a - b| 1, 2, 3 */
    CHECK_NEAR(one_estimate(x, 2, y, 2, 1, 1.0), h + h - (f + n + h + f) / 2.0, 1e-14);
}

static void test_order_and_equal_sets(void)
{
    enum { n = 30, d = 5 };
    float x[n * d], y[n * d], z[n * d];
    double mean = 0.0;
    test_fill(x, n * d, 1);
    test_fill(y, n * d, 2);
    for (int i = 0; i < n; i++)
        memcpy(z + i * d, x + (n - 1 - i) * d, d * sizeof *z);
    CHECK_NEAR(one_estimate(x, n, y, n, d, 0.0), one_estimate(z, n, y, n, d, 0.0), 1e-14);
    for (int s = 0; s < 50; s++) { /* the expectation for equal distributions is 0 */
        test_fill(x, n * d, 100 + 2 * (uint64_t)s);
        test_fill(y, n * d, 101 + 2 * (uint64_t)s);
        mean += one_estimate(x, n, y, n, d, 0.0) / 50.0;
    }
    CHECK(fabs(mean) < 0.01);
    for (int i = 0; i < n * d; i++)
        y[i] += 2.0f;
    CHECK(one_estimate(x, n, y, n, d, 0.0) > 1.0);
}

/* numpy.random.RandomState(2020).choice(9, 4, replace=False), then of 7; mean and deviation are the subsets'. */
static void test_subsets(void)
{
    enum { d = 2 };
    float x[9 * d], y[7 * d];
    int rows[8];
    Arena arena = {0};
    KernelDistanceOptions o = KERNEL_DISTANCE_DEFAULTS;
    KernelDistance k, again;
    test_fill(x, 9 * d, 1);
    test_fill(y, 7 * d, 2);
    o.subsets = 3;
    o.size = 4;
    CHECK(kernel_distance(&k, rows, x, 9, y, 7, d, &o, &arena, NULL) == STATUS_OK);
    const int want[8] = {2, 4, 7, 1, 4, 3, 1, 2};
    CHECK(memcmp(rows, want, sizeof want) == 0);
    CHECK(k.deviation > 0.0);
    o.subsets = 1; /* the same first subset */
    CHECK(kernel_distance(&k, NULL, x, 9, y, 7, d, &o, &arena, NULL) == STATUS_OK && k.deviation == 0.0);
    float p[8], q[8];
    for (int i = 0; i < 4; i++) {
        memcpy(p + d * i, x + d * want[i], d * sizeof *p);
        memcpy(q + d * i, y + d * want[4 + i], d * sizeof *q);
    }
    CHECK(one_estimate(p, 4, q, 4, d, 0.0) == k.mean);
    o.gamma = 0.5; /* 1 / d */
    CHECK(kernel_distance(&again, NULL, x, 9, y, 7, d, &o, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(again.mean, k.mean, 1e-15);
    arena_free(&arena);
}

static void refused(KernelDistanceOptions o, float number, Status status)
{
    const float x[4] = {1, 2, number, 4}, y[3] = {1, 2, 3};
    Arena arena = {0};
    Error err = {0};
    KernelDistance k = {7, 7};
    CHECK(kernel_distance(&k, NULL, x, 4, y, 3, 1, &o, &arena, &err) == status);
    CHECK(status == STATUS_OK || (k.mean == 7.0 && err.text[0] != '\0'));
    arena_free(&arena);
}

static void test_what_is_refused(void)
{
    KernelDistanceOptions o = KERNEL_DISTANCE_DEFAULTS;
    refused(o, 3, STATUS_ARGUMENT); /* 1000 of 4 */
    o.size = 4;
    refused(o, 3, STATUS_ARGUMENT); /* of 3 */
    o.size = 1;
    refused(o, 3, STATUS_ARGUMENT);
    o.size = 3;
    refused(o, 3, STATUS_OK);
    refused(o, NAN, STATUS_NOT_FINITE);
    o.degree = 0;
    refused(o, 3, STATUS_ARGUMENT);
    o.degree = 3;
    size_t n = 1;
    const float x[4] = {1, 2, 3, 4};
    for (Status status = STATUS_MEMORY; status != STATUS_OK && n < 20; n++) {
        Arena failing = {.fail_after = n};
        KernelDistance k;
        status = kernel_distance(&k, NULL, x, 4, x, 4, 1, &o, &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 4 && n < 20);
}

int main(void)
{
    test_by_hand();
    test_order_and_equal_sets();
    test_subsets();
    test_what_is_refused();
    return check_report("kernel_distance");
}
