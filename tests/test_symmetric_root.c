#include "nn/symmetric_root.h"

#include "tests/gradcheck.h"

enum { MOST = 30 };
static double a[MOST * MOST], b[MOST * MOST], root[MOST * MOST];

/* A product X X^T of n rows, rank `rank`. */
static void positive(double *out, int n, int rank, uint64_t seed)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            out[i * n + j] = 0.0;
            for (int k = 0; k < rank; k++)
                out[i * n + j] += (double)test_number(seed, (uint64_t)(i * rank + k)) *
                                  (double)test_number(seed, (uint64_t)(j * rank + k));
        }
}

static double squared_off(const double *x, const double *y, int n) /* x x - a y, or x x - a without y */
{
    double off = 0.0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double s = 0.0, want = y == NULL ? a[i * n + j] : 0.0;
            for (int k = 0; k < n; k++) {
                s += x[i * n + k] * x[k * n + j];
                want += y == NULL ? 0.0 : a[i * n + k] * y[k * n + j];
            }
            off = fmax(off, fabs(s - want));
        }
    return off;
}

static void test_roots_square_to_the_matrix(void)
{
    Arena arena = {0};
    for (int n = 1; n <= MOST; n += 5) {
        double trace = 0.0, sum = 0.0;
        positive(a, n, n + 3, 1);
        positive(b, n, n + 3, 2);
        CHECK(symmetric_root(root, a, n, &arena, NULL) == STATUS_OK && squared_off(root, NULL, n) < 1e-12);
        CHECK(product_root(root, a, b, n, &arena, NULL) == STATUS_OK);
        CHECK(squared_off(root, b, n) < 1e-10);
        CHECK(product_root_trace(&trace, a, b, n, &arena, NULL) == STATUS_OK);
        for (int i = 0; i < n; i++)
            sum += root[i * n + i];
        CHECK_NEAR(trace, sum, 1e-11);
        CHECK(product_root_trace(&sum, b, a, n, &arena, NULL) == STATUS_OK);
        CHECK_NEAR(trace, sum, 1e-12); /* AB and BA have the same eigenvalues */
        CHECK(arena.used == 0);
    }
    arena_free(&arena);
}

static void test_diagonals_and_singular_ones(void)
{
    const double x[4] = {4, 0, 0, 9}, y[4] = {25, 0, 0, 1}, flat[4] = {1, 1, 1, 1};
    Arena arena = {0};
    Error err = {0};
    double trace;
    CHECK(product_root(root, x, y, 2, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(root[0], 10.0, 1e-14);
    CHECK_NEAR(root[3], 3.0, 1e-14);
    CHECK(product_root_trace(&trace, x, y, 2, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(trace, 13.0, 1e-14);
    CHECK(product_root(root, flat, y, 2, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "singular");
    CHECK(product_root_trace(&trace, flat, y, 2, &arena, NULL) ==
          STATUS_OK); /* flat y has the trace 26 and rank 1 */
    CHECK_NEAR(trace, sqrt(26.0), 1e-7);
    CHECK(symmetric_root(root, flat, 2, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(root[1], sqrt(0.5), 1e-7);
    CHECK(symmetric_root(root, flat, 0, &arena, NULL) == STATUS_ARGUMENT);
    arena_free(&arena);
}

static void test_no_memory(void)
{
    size_t n = 1;
    double trace;
    positive(a, 5, 6, 1);
    for (Status status = STATUS_MEMORY; status != STATUS_OK && n < 60; n++) {
        Arena failing = {.fail_after = n};
        status = product_root(root, a, a, 5, &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        failing.fail_after = n;
        const Status other = product_root_trace(&trace, a, a, 5, &failing, NULL);
        CHECK(other == STATUS_OK || other == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 8 && n < 60);
}

int main(void)
{
    test_roots_square_to_the_matrix();
    test_diagonals_and_singular_ones();
    test_no_memory();
    return check_report("symmetric_root");
}
