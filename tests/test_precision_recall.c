#include "metrics/precision_recall.h"

#include "tests/gradcheck.h"

static PrecisionRecall shares(const float *g, int n1, const float *r, int n2, int d, int k)
{
    Arena arena = {0};
    Error err = {0};
    PrecisionRecall p = {NAN, NAN, NAN};
    if (!CHECK(precision_recall(&p, g, n1, r, n2, d, k, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(arena.used == 0);
    arena_free(&arena);
    return p;
}

/* On a line, k = 1.  Real 0 1 4: radii 1 1 3.  Generated 2 9: radii 7 7.  2 lies on the edge of 1's ball: inside.
 * 9 lies in none; 2's ball (-5 to 9) holds all real ones. */
static void test_by_hand(void)
{
    const float real[3] = {0, 1, 4}, generated[2] = {2, 9};
    const PrecisionRecall p = shares(generated, 2, real, 3, 1, 1);
    CHECK(p.precision == 0.5 && p.recall == 1.0);
    CHECK_NEAR(p.f_score, 2.0 / 3.0, 1e-15);
    const float far[2] = {7, 8}; /* on the edge of 4's ball, and beyond it; radii 1: 0 1 4 are outside */
    const PrecisionRecall q = shares(far, 2, real, 3, 1, 1);
    CHECK(q.precision == 0.5 && q.recall == 0.0 && q.f_score == 0.0);
}

static void test_invariants(void)
{
    enum { n = 40, d = 3 };
    float x[n * d], y[n * d];
    test_fill(x, n * d, 1);
    test_fill(y, n * d, 2);
    for (int i = 0; i < n * d; i++)
        y[i] = y[i] * 1.5f + 0.3f;
    const PrecisionRecall p = shares(x, n, y, n, d, 3), q = shares(y, n, x, n, d, 3);
    CHECK(p.precision == q.recall && p.recall == q.precision); /* exchanged sets */
    CHECK(p.precision > 0.3 && p.recall < p.precision);        /* y is wider */
    const PrecisionRecall same = shares(x, n, x, n, d, 3), part = shares(x, 10, x, n, d, 3);
    CHECK(same.precision == 1.0 && same.recall == 1.0 && same.f_score == 1.0);
    CHECK(part.precision == 1.0);
    for (int i = 0; i < n * d; i++)
        y[i] += 100.0f;
    CHECK(shares(x, n, y, n, d, 3).precision == 0.0 && shares(x, n, y, n, d, 3).recall == 0.0);
}

/* Radii against sorting all distances. */
static void test_neighbours_against_a_plain_count(void)
{
    enum { n = 25 };
    float x[n], y[n];
    test_fill(x, n, 5);
    test_fill(y, n, 6);
    for (int k = 1; k < 20; k += 3) {
        int inside = 0;
        for (int i = 0; i < n; i++) {
            bool in = false;
            for (int j = 0; j < n; j++) {
                int nearer = 0; /* other real points that are nearer to j than the generated i */
                for (int l = 0; l < n; l++)
                    nearer +=
                        l != j && fabs((double)x[l] - (double)x[j]) < fabs((double)y[i] - (double)x[j]);
                in = in || nearer < k;
            }
            inside += in;
        }
        CHECK(shares(y, n, x, n, 1, k).precision == (double)inside / n);
    }
}

static void test_what_is_refused(void)
{
    const float x[4] = {1, 2, 3, 4}, bad[4] = {1, NAN, 3, 4};
    Arena arena = {0};
    Error err = {0};
    PrecisionRecall p;
    CHECK(precision_recall(&p, x, 3, x, 4, 1, 3, &arena, &err) == STATUS_ARGUMENT);
    CHECK(precision_recall(&p, x, 4, x, 3, 1, 3, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(precision_recall(&p, x, 4, x, 4, 1, 0, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(precision_recall(&p, x, 4, bad, 4, 1, 3, &arena, NULL) == STATUS_NOT_FINITE);
    arena_free(&arena);
    for (size_t n = 1; n < 3; n++) {
        Arena failing = {.fail_after = n};
        CHECK(precision_recall(&p, x, 4, x, 4, 1, 3, &failing, NULL) == STATUS_MEMORY);
        arena_free(&failing);
    }
}

int main(void)
{
    test_by_hand();
    test_invariants();
    test_neighbours_against_a_plain_count();
    test_what_is_refused();
    return check_report("precision_recall");
}
