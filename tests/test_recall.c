#include "metrics/recall.h"

#include <math.h>
#include <string.h>

#include "tests/net_check.h"

static Arena arena;

static double add(LabelRecall *r, const uint16_t *map, size_t count, const uint16_t *required, int n)
{
    double recall = -1.0;
    CHECK(label_recall_add(&recall, r, map, count, required, n, NULL) == STATUS_OK);
    return recall;
}

/* Ten pixels, a fifth of them is present: 1 and 3 are, 2 is not; what was asked twice counts once. */
static void test_by_hand(void)
{
    static const uint16_t map[10] = {0, 0, 0, 1, 1, 2, 3, 3, 3, 4}, only[1] = {2}, two[3] = {1, 2, 1};
    LabelRecall r;
    CHECK(label_recall_begin(&r, 6, 0.2, &arena, NULL) == STATUS_OK);
    CHECK(isnan(label_recall_mean(&r)));
    CHECK(add(&r, map, 10, two, 3) == 0.5);
    CHECK(r.others == 1 && r.maps == 1); /* 3; not the background, nor 4, which is too small */
    CHECK(add(&r, map, 10, only, 1) == 0.0);
    CHECK(r.required[2] == 2 && r.shown[2] == 0 && r.required[1] == 1 && r.shown[1] == 1);
    CHECK(label_recall_mean(&r) == 0.5); /* of label 1 all, of 2 none */
    CHECK(isnan(add(&r, map, 10, only, 0)) && r.maps == 2);
    r.area = 0.1; /* one pixel is enough now */
    CHECK(add(&r, map, 10, two, 3) == 1.0);
    CHECK(add(&r, map, 10, (const uint16_t[]){5, 0}, 2) == 0.5); /* the background may be asked for */
}

/* The order of pixels and of what is asked for does not count; asking for more that is missing makes it less. */
static void test_invariants(void)
{
    uint16_t map[64], turned[64];
    LabelRecall r;
    CHECK(label_recall_begin(&r, 9, 0.001, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 64; i++)
        turned[63 - i] = map[i] = (uint16_t)(i * i % 7);
    const uint16_t asked[4] = {1, 2, 7, 8}, back[4] = {8, 7, 2, 1};
    const double x = add(&r, map, 64, asked, 3);
    CHECK(x == add(&r, turned, 64, back + 1, 3));
    CHECK(add(&r, map, 64, asked, 4) < x);
    CHECK(add(&r, map, 64, asked, 2) >= x);
}

/* More maps: the greatest never falls, the least never rises. */
static void test_spread(void)
{
    double recall[5] = {0.75, 0.0, 1.0, 0.5, 0.9}, four[4] = {0.25, 1.0, 0.5, 0.0};
    size_t room[10];
    RecallSpread s;
    recall_spread(&s, recall, 5, room);
    CHECK(s.maps == 5 && s.least == 0.0 && s.greatest == 1.0 && s.median == 0.75);
    CHECK_NEAR(s.mean, 0.63, 1e-15);
    CHECK(s.above[0] == 4 && s.above[1] == 3 && s.above[2] == 2);
    recall_spread(&s, four, 4, room);
    CHECK(s.median == 0.375);
    recall_spread(&s, four, 1, room);
    CHECK(s.least == s.greatest && s.median == s.mean);
}

static void test_refused(void)
{
    static const uint16_t map[2] = {0, 7}, asked[1] = {9};
    LabelRecall r;
    double recall;
    CHECK(label_recall_begin(&r, 0, 0.1, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(label_recall_begin(&r, 5, 0.0, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(label_recall_begin(&r, 5, 1.5, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(label_recall_begin(&r, 5, (double)NAN, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(label_recall_begin(&r, 7, 0.1, &arena, NULL) == STATUS_OK);
    CHECK(label_recall_add(&recall, &r, map, 2, asked, 0, NULL) == STATUS_ARGUMENT);
    CHECK(label_recall_add(&recall, &r, map, 1, asked, 1, NULL) == STATUS_ARGUMENT && r.maps == 0);
}

static Arena failing;

static Status attempt(void *context)
{
    LabelRecall r;
    (void)context;
    const Status status = label_recall_begin(&r, 6, 0.1, &failing, NULL);
    arena_free(&failing);
    return status;
}

int main(void)
{
    test_by_hand();
    test_invariants();
    test_spread();
    test_refused();
    check_allocations(attempt, NULL, &failing);
    arena_free(&arena);
    return check_report("recall");
}
