#include "metrics/feature_sums.h"

#include "tests/gradcheck.h"

enum { D = 5, N = 60 };
static float x[N * D];

static Status sums_of(FeatureSums *out, const float *rows, int n, int d, int batch, Arena *arena,
                      Error *err)
{
    Status status = feature_sums_new(out, d, arena, err);
    for (int k = 0; k < n && status == STATUS_OK; k += batch)
        status = feature_sums_add(out, rows + k * d, n - k < batch ? n - k : batch, arena, err);
    if (status == STATUS_OK)
        feature_sums_carry(out);
    return status;
}

static void fill(void)
{
    test_fill(x, N * D, 3);
    for (int i = 0; i < N * D; i++)
        x[i] = i % 3 == 0 && x[i] < 0.0f ? 0.0f : x[i] * (float)(1 + i % D);
}

/* (1,3), (3,-1), (5,1): means 3 and 1, variances 4 and 4, covariance -2. */
static void test_by_hand(void)
{
    const float rows[6] = {1, 3, 3, -1, 5, 1};
    Arena arena = {0};
    FeatureSums sums;
    FeatureStatistics s;
    CHECK(sums_of(&sums, rows, 3, 2, 1, &arena, NULL) == STATUS_OK);
    if (CHECK(feature_sums_statistics(&s, &sums, &arena, NULL) == STATUS_OK)) {
        CHECK(s.n == 3 && s.d == 2 && s.mean[0] == 3.0 && s.mean[1] == 1.0);
        CHECK(s.covariance[0] == 4.0 && s.covariance[3] == 4.0);
        CHECK(s.covariance[1] == -2.0 && s.covariance[2] == -2.0);
    }
    arena_free(&arena);
}

static void test_near_sums_in_binary64(void)
{
    Arena arena = {0};
    FeatureSums sums;
    FeatureStatistics s, plain;
    fill();
    CHECK(sums_of(&sums, x, N, D, 7, &arena, NULL) == STATUS_OK);
    if (CHECK(feature_sums_statistics(&s, &sums, &arena, NULL) == STATUS_OK &&
              feature_statistics(&plain, x, N, D, &arena, NULL) == STATUS_OK))
        for (int i = 0; i < D * D; i++) {
            CHECK_NEAR(s.covariance[i], plain.covariance[i], 1e-14);
            CHECK_NEAR(s.mean[i % D], plain.mean[i % D], 1e-15);
        }
    arena_free(&arena);
}

/* 2^24 times the spread away from 0: sums of squares in binary64 would keep 5 bits of the variance. */
static void test_a_large_mean_costs_nothing(void)
{
    const float rows[4] = {16777214.0f, 16777215.0f, 16777216.0f, 16777213.0f};
    Arena arena = {0};
    FeatureSums sums;
    FeatureStatistics s;
    CHECK(sums_of(&sums, rows, 4, 1, 4, &arena, NULL) == STATUS_OK);
    if (CHECK(feature_sums_statistics(&s, &sums, &arena, NULL) == STATUS_OK))
        CHECK(s.covariance[0] == 5.0 / 3.0);
    arena_free(&arena);
}

/* Any shards, batches, order and threads: the same limbs. */
static void test_shards_join_to_the_same_bits(void)
{
    Arena arena = {0};
    FeatureSums whole;
    fill();
    CHECK(sums_of(&whole, x, N, D, N, &arena, NULL) == STATUS_OK);
    for (int shards = 1; shards <= 7; shards++) {
        FeatureSums joined;
        CHECK(feature_sums_new(&joined, D, &arena, NULL) == STATUS_OK);
        for (int i = shards - 1; i >= 0; i--) {
            FeatureSums part;
            const int begin = N * i / shards, end = N * (i + 1) / shards;
            CHECK(sums_of(&part, x + begin * D, end - begin, D, 1 + i, &arena, NULL) == STATUS_OK &&
                  feature_sums_join(&joined, &part, NULL) == STATUS_OK);
        }
        CHECK(joined.n == N);
        CHECK(memcmp(joined.sum, whole.sum, D * sizeof(ExactSum)) == 0);
        CHECK(memcmp(joined.product, whole.product, feature_sums_products(D) * sizeof(ExactSum)) == 0);
    }
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    FeatureSums sums, other;
    FeatureStatistics s;
    Error err = {0};
    CHECK(feature_sums_new(&sums, 0, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(feature_sums_new(&sums, FEATURE_SUMS_WIDTH + 1, &arena, NULL) == STATUS_ARGUMENT);
    fill();
    x[2 * D + 1] = NAN;
    CHECK(sums_of(&sums, x, 4, D, 4, &arena, &err) == STATUS_NOT_FINITE && sums.n == 0);
    CHECK_TEXT(err.text, "feature 2 of 4 is not finite");
    fill();
    CHECK(sums_of(&sums, x, 1, D, 1, &arena, NULL) == STATUS_OK);
    CHECK(feature_sums_statistics(&s, &sums, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(sums_of(&other, x, 1, D - 1, 1, &arena, NULL) == STATUS_OK);
    CHECK(feature_sums_join(&sums, &other, NULL) == STATUS_SHAPE && sums.n == 1);
    sums.n = INT32_MAX;
    CHECK(feature_sums_add(&sums, x, 1, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(feature_sums_join(&sums, &sums, NULL) == STATUS_ARGUMENT);
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    for (size_t n = 1; n < 20 && status != STATUS_OK; n++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        FeatureSums sums;
        FeatureStatistics s;
        status = sums_of(&sums, x, N, D, 40, &arena, &err);
        if (status == STATUS_OK)
            status = feature_sums_statistics(&s, &sums, &arena, &err);
        CHECK(status == (n < 7 ? STATUS_MEMORY : STATUS_OK) && err.status == status);
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK);
}

int main(void)
{
    test_by_hand();
    test_near_sums_in_binary64();
    test_a_large_mean_costs_nothing();
    test_shards_join_to_the_same_bits();
    test_refused();
    test_failing_allocations();
    return check_report("feature_sums");
}
