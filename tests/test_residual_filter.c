#include "metrics/residual_filter.h"

#include <math.h>
#include <string.h>

#include "tests/net_check.h"

enum { H = 13, W = 12, N = H * W, REACH = 4 };

static Arena arena;

static void run(const ResidualFilter *f, double *residual, const double *x)
{
    CHECK(f->run(residual, x, H, W, f->context, &arena, NULL) == STATUS_OK);
}

/* Three planes of one kind. */
static void spread(double *x)
{
    memcpy(x + N, x, N * sizeof *x);
    memcpy(x + 2 * N, x, N * sizeof *x);
}

/* Planes and slopes have nothing to lose: gauss and haar are linear there, the median is in the middle. */
static void test_planes_and_slopes(void)
{
    const ResidualFilter *const all[] = {&RESIDUAL_GAUSS, &RESIDUAL_MEDIAN3, &RESIDUAL_HAAR};
    double x[3 * N], residual[3 * N];
    for (int k = 0; k < 3; k++)
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 0; i < N; i++)
                x[i] = kind == 0 ? 0.25 : (kind == 1 ? 1.0 : 2.0) * (i % W) / 512.0 + (i / W) / 256.0;
            spread(x);
            run(all[k], residual, x);
            const int m = all[k]->margin;
            for (int i = 0; i < 3 * (H - 2 * m) * (W - 2 * m); i++)
                CHECK(fabs(residual[i]) < 1e-15);
        }
}

/* One pixel: gauss leaves 1 - g0^2 there and -g g around; the median takes all of it; which channel it is in. */
static void test_one_pixel(void)
{
    double x[3 * N] = {0}, residual[3 * N], g[2 * REACH + 1], sum = 0.0;
    for (int k = 0; k <= 2 * REACH; k++)
        sum += g[k] = exp(-0.5 * (k - REACH) * (k - REACH));
    x[N + 6 * W + 5] = 1.0;
    run(&RESIDUAL_GAUSS, residual, x);
    const int h = H - 2 * REACH, w = W - 2 * REACH;
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++) {
            const int down = i + REACH - 6, right = j + REACH - 5;
            const double weight = g[REACH + down] * g[REACH + right] / (sum * sum);
            CHECK_NEAR(residual[(h + i) * w + j], (down == 0 && right == 0 ? 1.0 : 0.0) - weight, 1e-15);
            CHECK(residual[i * w + j] == 0.0 && residual[(2 * h + i) * w + j] == 0.0);
        }
    run(&RESIDUAL_MEDIAN3, residual, x);
    for (int i = 0; i < 3 * (H - 2) * (W - 2); i++)
        CHECK(residual[i] == (i == (H - 2) * (W - 2) + 5 * (W - 2) + 4 ? 1.0 : 0.0));
}

/* Nine numbers in every order of their halves. */
static void test_median(void)
{
    double x[3 * N] = {0}, residual[3 * N];
    static const double NINE[9] = {5, 1, 9, 7, 3, 3, 8, 2, 6}; /* the middle one is 5 */
    for (int turn = 0; turn < 9; turn++) {
        for (int k = 0; k < 9; k++)
            x[(2 + k / 3) * W + 3 + k % 3] = NINE[(k + turn) % 9];
        run(&RESIDUAL_MEDIAN3, residual, x);
        CHECK(residual[2 * (W - 2) + 3] == NINE[(4 + turn) % 9] - 5.0);
    }
}

/* Details within 3/256 go entirely: what is left of x is its mean over [1 2 1] x [1 2 1] / 16.  Larger ones lose 3/256. */
static void test_haar(void)
{
    double x[3 * N], residual[3 * N];
    for (int i = 0; i < N; i++)
        x[i] = ((i * 7919) % 11) / 5000.0;
    spread(x);
    run(&RESIDUAL_HAAR, residual, x);
    for (int i = 1; i < H - 1; i++)
        for (int j = 1; j < W - 1; j++) {
            double mean = 0.0;
            for (int a = -1; a <= 1; a++)
                for (int b = -1; b <= 1; b++)
                    mean += (a == 0 ? 2 : 1) * (b == 0 ? 2 : 1) * x[(i + a) * W + j + b] / 16.0;
            CHECK_NEAR(residual[(i - 1) * (W - 2) + j - 1], x[i * W + j] - mean, 1e-16);
        }
    for (int i = 0; i < N; i++)
        x[i] = i % W < 6 ? 0.0 : 1.0; /* an edge: of the four blocks of a pixel beside it two see it */
    spread(x);
    run(&RESIDUAL_HAAR, residual, x);
    for (int j = 1; j < W - 1; j++) {
        const double want = j == 5 ? -3.0 / 256 / 4 : j == 6 ? 3.0 / 256 / 4 : 0.0;
        CHECK_NEAR(residual[3 * (W - 2) + j - 1], want, 1e-16);
    }
}

static Arena failing;

static Status attempt(void *context)
{
    double x[3 * N] = {0}, residual[3 * N];
    (void)context;
    const Status status = RESIDUAL_GAUSS.run(residual, x, H, W, NULL, &failing, NULL);
    arena_free(&failing);
    return status;
}

int main(void)
{
    test_planes_and_slopes();
    test_one_pixel();
    test_median();
    test_haar();
    CHECK(residual_filter_find("gauss") == &RESIDUAL_GAUSS &&
          residual_filter_find("haar") == &RESIDUAL_HAAR);
    CHECK(residual_filter_find("median3") == &RESIDUAL_MEDIAN3 && residual_filter_find("median") == NULL);
    check_allocations(attempt, NULL, &failing);
    arena_free(&arena);
    return check_report("residual_filter");
}
