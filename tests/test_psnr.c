/* metrics/psnr.c: mean squared error and decibels, by hand and against plain sums. */
#include <float.h>

#include "base/rng.h"
#include "base/sum.h"
#include "metrics/pair_metric.h"
#include "tests/check.h"

static double measured(const PairMetric *metric, const PicturePair *pair)
{
    double got = -1.0;
    CHECK(metric->measure(&got, pair, NULL, NULL) == STATUS_OK);
    return got;
}

/* Gaps 1, 0, -2, 1 over four numbers: mse 6/4; of a range of 255 that is 46.37 dB. */
static void test_four_numbers_by_hand(void)
{
    const float a[4] = {1.0f, 2.0f, 3.0f, 4.0f}, b[4] = {0.0f, 2.0f, 5.0f, 3.0f};
    PicturePair pair = {a, b, 1, 2, 2, 255.0};
    CHECK(measured(&METRIC_MSE, &pair) == 1.5);
    CHECK_NEAR(measured(&METRIC_PSNR, &pair), 20.0 * log10(255.0) - 10.0 * log10(1.5), 1e-13);
    pair.range = 2.0; /* twice the range is 6.02 dB */
    const double two = measured(&METRIC_PSNR, &pair);
    pair.range = 4.0;
    CHECK_NEAR(measured(&METRIC_PSNR, &pair) - two, 20.0 * log10(2.0), 1e-12);
    CHECK(measured(&METRIC_MSE, &pair) == 1.5);
    pair.b = a;
    CHECK(measured(&METRIC_MSE, &pair) == 0.0 && measured(&METRIC_PSNR, &pair) == INFINITY);
}

/* An error in each place counts, whatever lane of the sum it falls into; nothing changes when a and b change places. */
static void test_each_number_counts(void)
{
    enum { N = 3 * 5 * 67 };
    float a[N] = {0}, b[N] = {0};
    for (int i = 0; i < N; i++) {
        b[i] = 3.0f;
        CHECK(measured(&METRIC_MSE, &(PicturePair){a, b, 3, 5, 67, 1.0}) == 9.0 / N);
        b[i] = 0.0f;
    }
    Rng rng = rng_stream(RNG_PHILOX, 5, STREAM_TEST, 0);
    rng_normal_fill(&rng, a, N);
    rng_normal_fill(&rng, b, N);
    const PicturePair there = {a, b, 3, 5, 67, 2.0}, back = {b, a, 3, 5, 67, 2.0};
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    CHECK_NEAR(measured(&METRIC_MSE, &there), sum / N, 1e-14);
    CHECK_NEAR(measured(&METRIC_PSNR, &there), 10.0 * log10(4.0 * N / sum), 1e-13);
    CHECK(measured(&METRIC_PSNR, &there) == measured(&METRIC_PSNR, &back));
}

/* Ones are lost in the lane of 2^54, an eighth of all, and in no other. */
static void test_the_order_of_the_sum(void)
{
    float a[64], b[64] = {0};
    double squares[64];
    for (int i = 0; i < 64; i++) {
        a[i] = i == 0 ? 0x1p27f : 1.0f;
        squares[i] = (double)a[i] * (double)a[i];
    }
    const double got = measured(&METRIC_MSE, &(PicturePair){a, b, 1, 8, 8, 1.0});
    CHECK(got == sum8_double(squares, 64) / 64.0 && got == (0x1p54 + 56.0) / 64.0);
}

static void test_the_largest_numbers(void)
{
    const float a[2] = {FLT_MAX, 0.0f}, b[2] = {-FLT_MAX, 0x1p-149f};
    const double twice = 2.0 * (double)FLT_MAX;
    CHECK(measured(&METRIC_MSE, &(PicturePair){a, b, 1, 1, 2, 1.0}) == twice * twice / 2.0);
    CHECK(measured(&METRIC_MSE, &(PicturePair){a + 1, b + 1, 1, 1, 1, 1.0}) == 0x1p-298);
}

int main(void)
{
    test_four_numbers_by_hand();
    test_each_number_counts();
    test_the_order_of_the_sum();
    test_the_largest_numbers();
    return check_report("psnr");
}
