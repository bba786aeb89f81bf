#include "nn/symmetric_eigen.h"

#include <time.h>

#include "base/isa.h"
#include "nn/double_rows.h"
#include "nn/tridiagonal.h"
#include "tests/gradcheck.h"

enum { MOST = 70 };
static double a[MOST * MOST], v[MOST * MOST], values[MOST];

static void fill(int n, uint64_t seed)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            a[i * n + j] = a[j * n + i] = (double)test_number(seed, (uint64_t)(i * n + j));
}

/* Decomposes a, and says how far the definition is off: A v = value v, V V^T = 1, ascending values. */
static double decompose(int n)
{
    Arena arena = {0};
    Error err = {0};
    double off = 0.0;
    if (!CHECK(symmetric_eigen(values, v, a, n, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return INFINITY;
    }
    CHECK(arena.used == 0);
    for (int i = 0; i < n; i++) {
        CHECK(i == 0 || values[i] >= values[i - 1]);
        for (int j = 0; j < n; j++) {
            double row = 0.0, dot = 0.0;
            for (int k = 0; k < n; k++) {
                row += a[j * n + k] * v[i * n + k];
                dot += v[i * n + k] * v[j * n + k];
            }
            off = fmax(off, fabs(row - values[i] * v[i * n + j]));
            off = fmax(off, fabs(dot - (i == j)));
        }
    }
    arena_free(&arena);
    return off;
}

static void test_by_hand(void)
{
    const double two[4] = {2, 99, 1, 2}; /* the upper triangle is not read */
    Arena arena = {0};
    CHECK(symmetric_eigen(values, v, two, 2, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(values[0], 1.0, 1e-15);
    CHECK_NEAR(values[1], 3.0, 1e-15);
    CHECK_NEAR(fabs(v[0]), sqrt(0.5), 1e-15);
    CHECK_NEAR(v[0] + v[1], 0.0, 1e-15);
    CHECK_NEAR(v[2] - v[3], 0.0, 1e-15);
    a[0] = -3.5;
    CHECK(decompose(1) == 0.0 && values[0] == -3.5 && fabs(v[0]) == 1.0);
    const double three[9] = {0, 1, 0, 1, 0, 0, 0, 0, 5};
    memcpy(a, three, sizeof three);
    CHECK(decompose(3) < 1e-15 && fabs(values[0] + 1) < 1e-15 && fabs(values[1] - 1) < 1e-15 &&
          values[2] == 5.0);
    arena_free(&arena);
}

static void test_all_sizes(void)
{
    for (int n = 1; n <= MOST; n += n < 20 ? 1 : 7) {
        double trace = 0.0, sum = 0.0;
        fill(n, (uint64_t)n);
        const double off = decompose(n);
        if (!CHECK(off < 1e-14 * (n + 4)))
            printf("    %d rows: off by %g\n", n, off);
        for (int i = 0; i < n; i++) {
            trace += a[i * n + i];
            sum += values[i];
        }
        CHECK_NEAR(sum, trace, 1e-13);
    }
}

/* -1 2 -1 has the values 2 - 2 cos(k pi / (n + 1)). */
static void test_second_differences(void)
{
    enum { n = 40 };
    memset(a, 0, sizeof a);
    for (int i = 0; i < n; i++) {
        a[i * n + i] = 2.0;
        if (i > 0)
            a[i * n + i - 1] = a[(i - 1) * n + i] = -1.0;
    }
    CHECK(decompose(n) < 1e-14);
    for (int k = 1; k <= n; k++)
        CHECK_NEAR(values[k - 1], 2.0 - 2.0 * cos(k * 3.14159265358979323846 / (n + 1)), 1e-14);
}

static void test_easy_and_degenerate_ones(void)
{
    enum { n = 12 };
    memset(a, 0, sizeof a);
    CHECK(decompose(n) == 0.0 && values[0] == 0.0 && values[n - 1] == 0.0);
    for (int i = 0; i < n; i++)
        a[i * n + i] = (i * 7) % n;
    CHECK(decompose(n) == 0.0 && values[0] == 0.0 && values[n - 1] == n - 1.0);
    for (int i = 0; i < n * n; i++)
        a[i] = 1.0; /* rank 1 */
    CHECK(decompose(n) < 1e-14);
    CHECK_NEAR(values[n - 1], (double)n, 1e-14);
    CHECK(fabs(values[n - 2]) < 1e-14 && fabs(values[0]) < 1e-14);
    fill(n, 5);
    decompose(n);
    const double largest = values[n - 1];
    for (int i = 0; i < n * n; i++)
        a[i] = ldexp(a[i], 900);
    Arena arena = {0};
    CHECK(symmetric_eigen(values, NULL, a, n, &arena, NULL) == STATUS_OK &&
          values[n - 1] == ldexp(largest, 900));
    arena_free(&arena);
}

/* Sums of three squares of vectors that are mostly 0: past rank 3 there is rounding, and rounding of that, down to
 * numbers whose squares underflow. */
static void test_ranks_far_below_the_size(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int i = 0; i < MOST; i++)
            for (int j = 0; j < MOST; j++) {
                a[i * MOST + j] = 0.0;
                for (uint64_t k = 0; k < 3 && i % 2 == 0 && j % 2 == 0; k++)
                    a[i * MOST + j] += (double)test_number(seed + k, (uint64_t)i) *
                                       (double)test_number(seed + k, (uint64_t)j);
            }
        CHECK(decompose(MOST) < 1e-13);
        CHECK(values[MOST - 1] > 1.0 && fabs(values[MOST - 4]) < 1e-12);
    }
}

/* Values alone are the same bits; threads and instruction sets change none. */
static void test_the_same_bits(void)
{
    enum { n = 53 };
    static double kept[n * n], kept_values[n];
    fill(n, 9);
    CHECK(decompose(n) < 1e-12);
    memcpy(kept, v, sizeof kept);
    memcpy(kept_values, values, sizeof kept_values);
    for (int threads = 1; threads <= 3; threads++)
        for (int level = ISA_BASE; level <= ISA_AVX512; level++) {
            threads_set(threads);
            isa_limit((IsaLevel)level);
            CHECK(decompose(n) < 1e-12);
            CHECK(memcmp(kept, v, sizeof kept) == 0 &&
                  memcmp(kept_values, values, sizeof kept_values) == 0);
        }
    threads_set(0);
    isa_limit(ISA_AVX512);
    Arena arena = {0};
    CHECK(symmetric_eigen(values, NULL, a, n, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(kept_values, values, sizeof kept_values) == 0);
    arena_free(&arena);
}

static void test_what_is_refused(void)
{
    Arena arena = {0};
    Error err = {0};
    values[0] = 7.0;
    fill(4, 1);
    CHECK(symmetric_eigen(values, v, a, 0, &arena, &err) == STATUS_ARGUMENT);
    CHECK(symmetric_eigen(values, v, a, EIGEN_LARGEST + 1, &arena, NULL) == STATUS_ARGUMENT);
    a[2 * 4 + 1] = NAN;
    CHECK(symmetric_eigen(values, v, a, 4, &arena, NULL) == STATUS_NOT_FINITE);
    a[2 * 4 + 1] = INFINITY;
    CHECK(symmetric_eigen(values, v, a, 4, &arena, NULL) == STATUS_NOT_FINITE && values[0] == 7.0);
    fill(4, 1);
    size_t n = 1;
    for (Status status = STATUS_MEMORY; status != STATUS_OK && n < 50; n++) {
        Arena failing = {.fail_after = n};
        status = symmetric_eigen(values, v, a, 4, &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 4 && n < 50);
    arena_free(&arena);
}

static void test_products(void)
{
    double x[2 * 3] = {1, 2, 3, 4, 5, 6}, y[4 * 3] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1}, c[8];
    const double want[8] = {1, 2, 3, 6, 4, 5, 6, 15};
    product_of_rows(c, x, y, 2, 4, 3);
    CHECK(memcmp(c, want, sizeof want) == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* test_symmetric_eigen N: how long a matrix of N rows takes */
        const int n = atoi(argv[1]);
        Arena arena = {0};
        double *big = arena_raw(&arena, (size_t)n * (size_t)n, 2 * sizeof *big),
               *w = arena_raw(&arena, (size_t)n, 8);
        for (int i = 0; i < n * n; i++)
            big[i] = (double)test_number(1, (uint64_t)i);
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        CHECK(symmetric_eigen(w, big + (size_t)n * (size_t)n, big, n, &arena, NULL) == STATUS_OK);
        clock_gettime(CLOCK_MONOTONIC, &to);
        printf("%d rows: %.2f s\n", n,
               (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
        arena_free(&arena);
        return check_report("symmetric_eigen");
    }
    test_by_hand();
    test_all_sizes();
    test_second_differences();
    test_easy_and_degenerate_ones();
    test_ranks_far_below_the_size();
    test_the_same_bits();
    test_what_is_refused();
    test_products();
    return check_report("symmetric_eigen");
}
