/* metrics/ssim.c: structural similarity, by hand and against the paper's equations as plain loops over each window. */
#include "base/rng.h"
#include "base/threads.h"
#include "metrics/pair_metric.h"
#include "tests/check.h"

enum { MOST = 3 * 40 * 40 };

static float a[MOST], b[MOST];

static double ssim(const float *x, const float *y, int planes, int height, int width, double range)
{
    Arena arena = {0};
    double got = -2.0;
    const PicturePair pair = {x, y, planes, height, width, range};
    CHECK(METRIC_SSIM.measure(&got, &pair, &arena, NULL) == STATUS_OK);
    CHECK(arena.used == 0);
    arena_free(&arena);
    return got;
}

/* Equations (13) and (14) to (17) of the paper with all 121 weights of a window, and deviations from its mean. */
static double plain(const float *x, const float *y, int planes, int height, int width, double range)
{
    double w[11][11], whole = 0.0, sum = 0.0;
    for (int j = 0; j < 11; j++)
        for (int i = 0; i < 11; i++)
            whole += w[j][i] = exp(-((j - 5) * (j - 5) + (i - 5) * (i - 5)) / 4.5);
    const double c1 = pow(0.01 * range, 2.0), c2 = pow(0.03 * range, 2.0);
    for (int c = 0; c < planes; c++)
        for (int top = 0; top + 11 <= height; top++)
            for (int left = 0; left + 11 <= width; left++) {
                double mx = 0.0, my = 0.0, vx = 0.0, vy = 0.0, xy = 0.0;
                for (int k = 0; k < 121; k++) {
                    const int at = (c * height + top + k / 11) * width + left + k % 11;
                    mx += w[k / 11][k % 11] / whole * (double)x[at];
                    my += w[k / 11][k % 11] / whole * (double)y[at];
                }
                for (int k = 0; k < 121; k++) {
                    const int at = (c * height + top + k / 11) * width + left + k % 11;
                    const double dx = (double)x[at] - mx, dy = (double)y[at] - my;
                    vx += w[k / 11][k % 11] / whole * dx * dx;
                    vy += w[k / 11][k % 11] / whole * dy * dy;
                    xy += w[k / 11][k % 11] / whole * dx * dy;
                }
                sum += (2.0 * mx * my + c1) * (2.0 * xy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
            }
    return sum / (planes * (height - 10) * (width - 10));
}

static void fill(uint64_t seed, float level, float spread)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_TEST, 0);
    rng_normal_fill(&rng, a, MOST);
    rng_normal_fill(&rng, b, MOST);
    for (int i = 0; i < MOST; i++) {
        a[i] = level + spread * a[i];
        b[i] = a[i] + 0.3f * spread * b[i];
    }
}

/* Without variance only the means count: (2 mx my + C1) / (mx^2 + my^2 + C1), here with C1 = 2.55^2. */
static void test_flat_pictures_by_hand(void)
{
    for (int i = 0; i < 144; i++) {
        a[i] = 100.0f;
        b[i] = 120.0f;
    }
    CHECK_NEAR(ssim(a, b, 1, 12, 12, 255.0), (24000.0 + 6.5025) / (24400.0 + 6.5025), 1e-12);
    for (int i = 0; i < 144; i++)
        b[i] = -100.0f; /* against its negative: below 0 */
    CHECK_NEAR(ssim(a, b, 1, 12, 12, 255.0), (-20000.0 + 6.5025) / (20000.0 + 6.5025), 1e-12);
}

/* One window, and stripes against stripes turned upside down in brightness: the covariance is minus the variance. */
static void test_opposite_stripes_by_hand(void)
{
    double mean = 0.0, whole = 0.0;
    for (int i = 0; i < 121; i++) {
        a[i] = i % 2 == 0 ? 1.0f : -1.0f;
        b[i] = -a[i];
        const double w = exp(-((i / 11 - 5) * (i / 11 - 5) + (i % 11 - 5) * (i % 11 - 5)) / 4.5);
        mean += w * (double)a[i];
        whole += w;
    }
    mean /= whole; /* of the chequers; the mean of their squares is 1 */
    const double variance = 1.0 - mean * mean, c1 = 0.0004, c2 = 0.0036;
    CHECK_NEAR(ssim(a, b, 1, 11, 11, 2.0),
               (-2.0 * mean * mean + c1) * (-2.0 * variance + c2) /
                   ((2.0 * mean * mean + c1) * (2.0 * variance + c2)),
               1e-12);
}

static void test_against_the_equations(void)
{
    static const int SIZES[][3] = {{1, 11, 11}, {1, 11, 23}, {3, 17, 12}, {2, 32, 40}, {3, 40, 40}};
    for (int s = 0; s < 5; s++)
        for (int k = 0; k < 3; k++) {
            static const double RANGES[] = {2.0, 1.0, 255.0};
            const int *n = SIZES[s];
            fill((uint64_t)(s * 3 + k), k == 2 ? 120.0f : 0.2f, k == 2 ? 40.0f : 0.4f);
            const double want = plain(a, b, n[0], n[1], n[2], RANGES[k]);
            CHECK(want > 0.05 && want < 0.99);
            CHECK_NEAR(ssim(a, b, n[0], n[1], n[2], RANGES[k]), want, 1e-12);
        }
}

/* Itself: exactly 1.  Exchanged, or with other threads: the same bits.  Planes: the mean of them alone. */
static void test_invariants(void)
{
    static const double WINDOWS[] = {0x1.e6f6898468ddap-1, 0x1.792f99a8df9e8p-1,  0x1.e76e700371c0fp-1,
                                     0x1.c4f8b3d14bf7ap-1, -0x1.081ce63855d7fp-4, 0x1.def64779ede28p-1};
    fill(9, 0.0f, 0.5f);
    CHECK(ssim(a, a, 3, 40, 40, 2.0) == 1.0);
    const double there = ssim(a, b, 3, 40, 40, 2.0);
    CHECK(ssim(b, a, 3, 40, 40, 2.0) == there);
    CHECK(there == 0x1.a309461285633p-1);
    for (int i = 0; i < 6; i++) /* one window: its sums, bit for bit */
        CHECK(ssim(a + 121 * i, b + 121 * i, 1, 11, 11, 2.0) == WINDOWS[i]);
    double sum = 0.0;
    for (int c = 0; c < 3; c++)
        sum += ssim(a + c * 1600, b + c * 1600, 1, 40, 40, 2.0);
    CHECK(sum / 3.0 == there);
    for (int threads = 1; threads <= 3; threads++) {
        threads_set(threads);
        CHECK(ssim(a, b, 3, 40, 40, 2.0) == there);
    }
    threads_set(0);
    for (int i = 0; i < MOST; i++) { /* a power of two changes nothing: every step is exact */
        a[i] *= 4.0f;
        b[i] *= 4.0f;
    }
    CHECK_NEAR(ssim(a, b, 3, 40, 40, 8.0), there, 1e-14);
}

static void test_refused_and_without_memory(void)
{
    Error err = {0};
    double got = 7.0;
    fill(11, 0.0f, 0.5f);
    PicturePair pair = {a, b, 1, 10, 40, 2.0};
    CHECK(METRIC_SSIM.measure(&got, &pair, NULL, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "40 x 10, expected at least 11 x 11");
    pair.height = 12;
    int tries = 1;
    for (Status status = STATUS_MEMORY; status != STATUS_OK && tries < 10; tries++) {
        Arena arena = {.fail_after = (size_t)tries};
        status = METRIC_SSIM.measure(&got, &pair, &arena, NULL);
        CHECK(status == STATUS_MEMORY ? got == 7.0 : status == STATUS_OK && got < 1.0);
        arena_free(&arena);
    }
    CHECK(tries > 2 && tries < 10);
}

int main(void)
{
    test_flat_pictures_by_hand();
    test_opposite_stripes_by_hand();
    test_against_the_equations();
    test_invariants();
    test_refused_and_without_memory();
    return check_report("ssim");
}
