#include "metrics/pairwise.h"

#include <stdlib.h>

#include "metrics/feature_distance.h"
#include "tests/gradcheck.h"

static PairwiseDistances of(const float *x, int n, int d)
{
    Arena arena = {0};
    Error err = {0};
    PairwiseDistances p = {.pairs = 0};
    if (!CHECK(pairwise_distances(&p, x, n, d, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(arena.used == 0);
    arena_free(&arena);
    return p;
}

/* 0, 1, 3, 7 on a line: distances 1 3 7 2 6 4. */
static void test_by_hand(void)
{
    const float x[4] = {0, 1, 3, 7};
    const PairwiseDistances p = of(x, 4, 1);
    CHECK(p.pairs == 6 && p.least == 1.0 && p.greatest == 7.0 && p.median == 3.5);
    CHECK_NEAR(p.mean, 23.0 / 6.0, 1e-15);
    CHECK(p.shown == 5);
    CHECK(p.nearest[0].i == 0 && p.nearest[0].j == 1 && p.nearest[1].i == 1 && p.nearest[1].j == 2);
    CHECK(p.farthest[0].i == 0 && p.farthest[0].j == 3 && p.farthest[0].distance == 7.0);
    CHECK(p.farthest[1].i == 1 && p.farthest[1].j == 3 && p.farthest[4].distance == 2.0);
    CHECK(p.bin[0] == 1 && p.bin[49] == 1 && p.bin[8] == 1 && p.bin[16] == 1 && p.bin[25] == 1);
    const float y[6] = {0, 0, 3, 4, 0, 0}; /* 5, 0, 5 */
    const PairwiseDistances q = of(y, 3, 2);
    CHECK(q.median == 5.0 && q.least == 0.0 && q.shown == 3 && q.bin[0] == 1 && q.bin[49] == 2);
    CHECK(q.nearest[0].i == 0 && q.nearest[0].j == 2 && q.farthest[0].j == 1 && q.farthest[1].i == 1);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Against all distances in a sorted list; more rows than one block. */
static void test_against_a_sorted_list(void)
{
    enum { n = 75, d = 11, pairs = n * (n - 1) / 2 };
    static float x[n * d];
    static double list[pairs];
    test_fill(x, n * d, 3);
    int count = 0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            list[count++] = sqrt(feature_distance_squared(x + i * d, x + j * d, d));
    qsort(list, pairs, sizeof *list, compare);
    const PairwiseDistances p = of(x, n, d);
    CHECK(p.pairs == pairs && pairs % 2 == 1 && p.median == list[pairs / 2]);
    for (int k = 0; k < PAIRWISE_SHOWN; k++)
        CHECK(p.nearest[k].distance == list[k] && p.farthest[k].distance == list[pairs - 1 - k]);
    uint64_t all = 0;
    for (int b = 0; b < PAIRWISE_BINS; b++)
        all += p.bin[b];
    CHECK(all == pairs);
    const PairwiseDistances even = of(x, n - 2, d); /* 73 * 72 / 2 pairs: even */
    CHECK(even.pairs % 2 == 0 && even.median >= even.least && even.median <= even.greatest);
}

/* All equal: every distance 0, every pair in the first part. */
static void test_duplicates(void)
{
    const float x[8] = {2, 3, 2, 3, 2, 3, 2, 3};
    const PairwiseDistances p = of(x, 4, 2);
    CHECK(p.mean == 0.0 && p.median == 0.0 && p.greatest == 0.0 && p.bin[0] == 6);
    CHECK(particle_spread(x, 4, 2) == 0.0 && particle_spread(x, 1, 2) == 0.0);
}

static void test_spread_against_the_double_loop(void)
{
    enum { n = 13, d = 21 };
    float x[n * d];
    test_fill(x, n * d, 8);
    double all = 0.0;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            all += feature_distance_squared(x + i * d, x + j * d, d) / d;
    CHECK_NEAR(particle_spread(x, n, d) / all, 1.0, 1e-10);
    CHECK(particle_spread((const float[]){1, 4}, 2, 1) == 9.0);
}

static void test_what_is_refused(void)
{
    const float x[4] = {1, 2, NAN, 4};
    Arena arena = {0};
    Error err = {0};
    PairwiseDistances p = {.pairs = 77};
    CHECK(pairwise_distances(&p, x, 1, 1, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "expected at least 2");
    CHECK(pairwise_distances(&p, x, 4, 0, &arena, NULL) == STATUS_ARGUMENT);
    err = (Error){0};
    CHECK(pairwise_distances(&p, x, 2, 2, &arena, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "feature 1 of 2 is not finite");
    CHECK(p.pairs == 77);
    arena_free(&arena);
}

static void test_every_failed_allocation_is_reported(void)
{
    const float x[3] = {1, 2, 4};
    Status status = STATUS_MEMORY;
    int unclean = 0, tries = 0;
    for (size_t n = 1; status != STATUS_OK && n < 100; n++, tries++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        PairwiseDistances p = {.pairs = 5};
        status = pairwise_distances(&p, x, 3, 1, &arena, &err);
        unclean += status != STATUS_OK && (status != STATUS_MEMORY || err.text[0] == '\0' || p.pairs != 5);
        arena_free(&arena);
    }
    CHECK(unclean == 0 && status == STATUS_OK && tries > 2);
}

int main(void)
{
    test_by_hand();
    test_against_a_sorted_list();
    test_duplicates();
    test_spread_against_the_double_loop();
    test_what_is_refused();
    test_every_failed_allocation_is_reported();
    return check_report("pairwise");
}
