#include "metrics/inception_score.h"

#include "metrics/numpy_random.h"
#include "tests/gradcheck.h"

static InceptionScore score_of(const float *logits, int n, int classes, int splits, const unsigned *seed)
{
    Arena arena = {0};
    Error err = {0};
    InceptionScore s = {NAN, NAN};
    if (!CHECK(inception_score(&s, logits, n, classes, splits, seed, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(arena.used == 0);
    arena_free(&arena);
    return s;
}

/* Sure of four classes in turn: 4.  Sure of one: 1.  Sure of nothing: 1.  A part that sees one class: 1. */
static void test_by_hand(void)
{
    float x[8 * 4] = {0};
    CHECK_NEAR(score_of(x, 8, 4, 1, NULL).mean, 1.0, 1e-14);
    for (int i = 0; i < 8; i++)
        x[4 * i + i % 4] = 1000.0f;
    const InceptionScore s = score_of(x, 8, 4, 2, NULL);
    CHECK_NEAR(s.mean, 4.0, 1e-14);
    CHECK(s.deviation < 1e-14);
    memset(x, 0, sizeof x);
    for (int i = 0; i < 8; i++)
        x[4 * i + (i < 4 ? i : 0)] = 1000.0f;
    const InceptionScore t = score_of(x, 8, 4, 2, NULL); /* 4 and 1 */
    CHECK_NEAR(t.mean, 2.5, 1e-14);
    CHECK_NEAR(t.deviation, 1.5, 1e-14);
    for (int i = 0; i < 32; i++)
        x[i] += 50.0f; /* logits have no zero */
    CHECK_NEAR(score_of(x, 8, 4, 2, NULL).mean, 2.5, 1e-14);
    const unsigned seed = 2020;
    CHECK(fabs(score_of(x, 8, 4, 2, &seed).mean - 2.5) > 1e-3); /* shuffled, the parts are others */
    CHECK_NEAR(score_of(x, 8, 4, 1, &seed).mean, score_of(x, 8, 4, 1, NULL).mean, 1e-14);
}

/* numpy.random.RandomState(2020).permutation(10), and what it draws next. */
static void test_permutations_are_those_of_numpy(void)
{
    const int first[10] = {2, 4, 9, 1, 5, 7, 6, 3, 8, 0}, second[3] = {1, 2, 0};
    int order[10];
    Mt19937 generator;
    mt19937_seed(&generator, 2020);
    numpy_permutation(order, 10, &generator);
    CHECK(memcmp(order, first, sizeof first) == 0);
    numpy_permutation(order, 3, &generator);
    CHECK(memcmp(order, second, sizeof second) == 0);
    numpy_permutation(order, 1, &generator);
    CHECK(order[0] == 0);
}

static void test_what_is_refused(void)
{
    const float x[4] = {1, 2, 3, 4}, bad[4] = {1, INFINITY, 3, 4};
    Arena arena = {0};
    Error err = {0};
    InceptionScore s;
    CHECK(inception_score(&s, x, 2, 2, 3, NULL, &arena, &err) == STATUS_ARGUMENT);
    CHECK(inception_score(&s, x, 2, 2, 0, NULL, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(inception_score(&s, bad, 2, 2, 1, NULL, &arena, NULL) == STATUS_NOT_FINITE);
    arena_free(&arena);
    for (size_t n = 1; n < 3; n++) {
        Arena failing = {.fail_after = n};
        CHECK(inception_score(&s, x, 2, 2, 1, NULL, &failing, NULL) == STATUS_MEMORY);
        arena_free(&failing);
    }
}

int main(void)
{
    test_by_hand();
    test_permutations_are_those_of_numpy();
    test_what_is_refused();
    return check_report("inception_score");
}
