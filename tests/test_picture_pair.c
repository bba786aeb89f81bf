#include "cli/picture_pair.h"

#include "tests/check.h"

/* Two pixels beside one another become three planes of a row of two. */
static void test_a_picture_by_hand(void)
{
    float levels[6] = {1, 2, 3, 4, 5, 6}, others[6] = {6, 5, 4, 3, 2, 1};
    const float want[6] = {1, 4, 2, 5, 3, 6};
    const NamedTensor a = {.rank = 3, .dim = {1, 2, 3}, .count = 6, .data = levels, .picture = true};
    NamedTensor b = a;
    Arena arena = {0};
    PicturePair pair;
    b.data = others;
    CHECK(picture_pair(&pair, &a, &b, 2.0, &arena, NULL) == STATUS_OK);
    CHECK(pair.planes == 3 && pair.height == 1 && pair.width == 2 && pair.range == 255.0);
    CHECK(memcmp(pair.a, want, sizeof want) == 0 && pair.b[0] == 6.0f && pair.b[1] == 3.0f);
    arena_free(&arena);
    for (size_t fail = 1; fail <= 2; fail++) {
        Arena failing = {.fail_after = fail};
        pair.planes = 9;
        CHECK(picture_pair(&pair, &a, &b, 2.0, &failing, NULL) == STATUS_MEMORY && pair.planes == 9);
        arena_free(&failing);
    }
}

static void test_arrays(void)
{
    static const struct {
        int rank;
        uint64_t dim[4];
        int planes, height, width;
    } CASES[] = {{0, {0}, 1, 1, 1},       {1, {5}, 1, 1, 5},          {2, {3, 5}, 1, 3, 5},
                 {3, {2, 3, 5}, 2, 3, 5}, {4, {4, 2, 3, 5}, 8, 3, 5}, {2, {0, 5}, 1, 0, 5}};
    float x[120] = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        NamedTensor t = {.rank = CASES[i].rank, .count = 1, .data = x};
        PicturePair pair;
        for (int k = 0; k < t.rank; k++)
            t.count *= (size_t)(t.dim[k] = CASES[i].dim[k]);
        CHECK(picture_pair(&pair, &t, &t, 3.0, NULL, NULL) == STATUS_OK && pair.range == 3.0);
        CHECK(pair.planes == CASES[i].planes && pair.height == CASES[i].height &&
              pair.width == CASES[i].width);
        CHECK(pair.a == x && pair.b == x);
    }
    Error err = {0};
    PicturePair pair;
    const NamedTensor wide = {.name = "w", .rank = 2, .dim = {1, (uint64_t)1 << 31}, .data = x};
    CHECK(picture_pair(&pair, &wide, &wide, 3.0, NULL, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "w: a side is longer than 2147483647");
}

int main(void)
{
    test_a_picture_by_hand();
    test_arrays();
    return check_report("picture_pair");
}
