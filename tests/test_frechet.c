#include "metrics/frechet.h"

#include "tests/gradcheck.h"

enum { D = 4, N = 40 };
static float x[N * D], y[N * D];

static FrechetDistance distance_of(const float *a, int n1, const float *b, int n2, int d)
{
    Arena arena = {0};
    Error err = {0};
    FeatureStatistics s, t;
    FrechetDistance f = {.distance = NAN};
    if (!CHECK(feature_statistics(&s, a, n1, d, &arena, &err) == STATUS_OK &&
               feature_statistics(&t, b, n2, d, &arena, &err) == STATUS_OK &&
               frechet_distance(&f, &s, &t, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    arena_free(&arena);
    return f;
}

/* One number: (m1 - m2)^2 + (s1 - s2)^2. */
static void test_one_number_by_hand(void)
{
    const float a[3] = {1, 3, 5}, b[2] = {10, 11}; /* means 3 and 10.5, variances 4 and 1/2 */
    const FrechetDistance f = distance_of(a, 3, b, 2, 1);
    CHECK(f.trace1 == 4.0 && f.trace2 == 0.5 && f.mean_part == 7.5 * 7.5);
    CHECK_NEAR(f.distance, 7.5 * 7.5 + (2.0 - sqrt(0.5)) * (2.0 - sqrt(0.5)), 1e-14);
}

static void fill(void)
{
    test_fill(x, N * D, 1);
    test_fill(y, N * D, 2);
    for (int i = 0; i < N * D; i++)
        y[i] = y[i] * (float)(1 + i % D) + 0.25f;
}

/* Numbers that take turns have no covariance: the distance is the sum of those of the numbers. */
static void test_diagonal_covariances_add_up(void)
{
    float a[4] = {1, -1, 3, -3}, b[4] = {2, -2, 1, -1}, p[16] = {0}, q[16] = {0};
    double sum = 0.0;
    for (int i = 0; i < 4; i++) { /* (+-1, 0), (0, +-3) */
        p[2 * i + i / 2] = a[i];
        q[2 * i + i / 2] = b[i];
    }
    for (int k = 0; k < 2; k++) {
        float u[4], v[4];
        for (int i = 0; i < 4; i++) {
            u[i] = p[2 * i + k];
            v[i] = q[2 * i + k];
        }
        sum += distance_of(u, 4, v, 4, 1).distance;
    }
    CHECK_NEAR(distance_of(p, 4, q, 4, 2).distance, sum, 1e-14);
    CHECK(sum > 0.1);
}

static void test_a_set_with_itself_and_exchanged(void)
{
    fill();
    const FrechetDistance f = distance_of(x, N, x, N, D);
    CHECK(fabs(f.distance) < 1e-12 && f.mean_part == 0.0);
    const double one = distance_of(x, N, y, N, D).distance, other = distance_of(y, N, x, N, D).distance;
    CHECK(one > 0.1);
    CHECK_NEAR(one, other, 1e-13);
}

/* Six features of 128 numbers of which most are 0: covariances of rank 5, and rounding of rounding behind it. */
static void test_ranks_far_below_the_size(void)
{
    enum { FEW = 6, WIDE = 128 };
    static float few[FEW * WIDE];
    for (int seed = 0; seed < 12; seed++) {
        test_fill(few, FEW * WIDE, 50 + (uint64_t)seed);
        for (int i = 0; i < FEW * WIDE; i++)
            few[i] = i % WIDE % 3 == 0 && few[i] > 0.0f ? 20.0f * few[i] : 0.0f;
        const FrechetDistance f = distance_of(few, FEW, few, FEW, WIDE);
        CHECK(fabs(f.distance) <= 1e-6 * f.trace1);
    }
}

/* A constant c added to one set: |dmu + c|^2 in place of |dmu|^2; a rotation of both changes nothing. */
static void test_moved_and_turned_features(void)
{
    static float p[N * D], q[N * D];
    fill();
    const FrechetDistance f = distance_of(x, N, y, N, D);
    for (int i = 0; i < N * D; i++)
        p[i] = x[i] + (i % D == 2 ? 64.0f : 0.0f);
    const FrechetDistance moved = distance_of(p, N, y, N, D);
    CHECK_NEAR(moved.distance - moved.mean_part, f.distance - f.mean_part, 1e-4); /* x + 64 is rounded */
    CHECK(moved.mean_part > 4000.0);
    for (int i = 0; i < N; i++) { /* numbers 0 and 3 turned by 90 degrees: exact */
        memcpy(p + D * i, x + D * i, D * sizeof *p);
        memcpy(q + D * i, y + D * i, D * sizeof *q);
        p[D * i] = -x[D * i + 3];
        p[D * i + 3] = x[D * i];
        q[D * i] = -y[D * i + 3];
        q[D * i + 3] = y[D * i];
    }
    CHECK_NEAR(distance_of(p, N, q, N, D).distance, f.distance, 1e-13);
}

/* Fewer samples than numbers: singular covariances, and still a number that is right against the plain formula for
 * sets that differ in their means alone. */
static void test_singular_covariances(void)
{
    float a[3 * D], b[3 * D];
    test_fill(a, 3 * D, 3);
    for (int i = 0; i < 3 * D; i++) {
        a[i] = (float)(int)(a[i] * 64.0f);
        b[i] = a[i] + 2.0f;
    }
    const FrechetDistance f = distance_of(a, 3, b, 3, D);
    CHECK_NEAR(f.distance, 4.0 * D, 1e-4);
    CHECK_NEAR(f.mean_part, 4.0 * D, 1e-12);
}

static void test_what_is_refused(void)
{
    Arena arena = {0};
    Error err = {0};
    FeatureStatistics s, t;
    FrechetDistance f;
    fill();
    CHECK(feature_statistics(&s, x, 1, D, &arena, &err) == STATUS_ARGUMENT);
    CHECK(feature_statistics(&s, x, N, D, &arena, NULL) == STATUS_OK);
    CHECK(feature_statistics(&t, x, N, D - 1, &arena, NULL) == STATUS_OK);
    CHECK(frechet_distance(&f, &s, &t, &arena, NULL) == STATUS_SHAPE);
    x[3 * D + 1] = NAN;
    Error other = {0};
    CHECK(feature_statistics(&s, x, N, D, &arena, &other) == STATUS_NOT_FINITE);
    CHECK_TEXT(other.text, "feature 3 of 40");
    arena_free(&arena);
    size_t n = 1;
    for (Status status = STATUS_MEMORY; status != STATUS_OK && n < 40; n++) {
        Arena failing = {.fail_after = n};
        status = feature_statistics(&s, y, N, D, &failing, NULL);
        if (status == STATUS_OK)
            status = frechet_distance(&f, &s, &s, &failing, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&failing);
    }
    CHECK(n > 8 && n < 40);
}

static void test_threads_change_nothing(void)
{
    enum { n = 60, d = 40 };
    static float big[n * d];
    test_fill(big, n * d, 8);
    threads_set(1);
    const double one = distance_of(big, n, big + d, n - 1, d).distance;
    threads_set(3);
    CHECK(distance_of(big, n, big + d, n - 1, d).distance == one);
    threads_set(0);
}

int main(void)
{
    test_one_number_by_hand();
    test_diagonal_covariances_add_up();
    test_a_set_with_itself_and_exchanged();
    test_ranks_far_below_the_size();
    test_moved_and_turned_features();
    test_singular_covariances();
    test_what_is_refused();
    test_threads_change_nothing();
    return check_report("frechet");
}
