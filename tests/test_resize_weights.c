#include "io/resize_weights.h"

#include "tests/check.h"

static Arena arena;

static const ResizeTaps *taps(ResizeFilter filter, int in, int out, double start, double length, bool clear)
{
    const ResizeTaps *made = resize_weights(filter, in, out, start, length, clear, &arena);
    CHECK(made != NULL);
    return made;
}

/* 1, and 0 at the other integers; 1/2 (1.5/4 - 2.5) / 4 + ... = 0.5625 and -0.0625 between them. */
static void test_cubic_by_hand(void)
{
    CHECK(resize_cubic(0.0) == 1.0 && resize_cubic(1.0) == 0.0 && resize_cubic(-2.0) == 0.0);
    CHECK(resize_cubic(0.5) == 0.5625 && resize_cubic(-1.5) == -0.0625 && resize_cubic(7.0) == 0.0);
    for (int i = 0; i < 64; i++) { /* four neighbours add up to 1, wherever the centre is */
        const double t = i / 64.0;
        CHECK(resize_cubic(t + 1) + resize_cubic(t) + resize_cubic(1 - t) + resize_cubic(2 - t) == 1.0);
    }
}

/* Twice as long: centres at 1/4, 3/4, 5/4 ... of the input; the ends have no neighbour beyond them. */
static void test_linear_by_hand(void)
{
    const ResizeTaps *t = taps(RESIZE_LINEAR, 2, 4, 0, 4, false);
    CHECK(t[0].first == 0 && t[0].weight[0] == 1.0f);
    CHECK(t[1].first == 0 && t[1].count >= 2 && t[1].weight[0] == 0.75f && t[1].weight[1] == 0.25f);
    CHECK(t[2].first == 0 && t[2].weight[0] == 0.25f && t[2].weight[1] == 0.75f);
    const ResizeTaps *clear = taps(RESIZE_LINEAR, 2, 4, 0, 4, true);
    CHECK(clear[0].first == 0 && clear[0].weight[0] == 0.75f); /* a quarter is of what is not there */
}

/* Three samples to two: each takes one and a half. */
static void test_area_by_hand(void)
{
    const ResizeTaps *t = taps(RESIZE_AREA, 3, 2, 0, 2, false);
    CHECK(t[0].first == 0 && t[0].count == 2 && t[0].weight[0] == (float)(1 / 1.5) &&
          t[0].weight[1] == (float)(0.5 / 1.5));
    CHECK(t[1].first == 1 && t[1].count == 2 && t[1].weight[0] == (float)(0.5 / 1.5) &&
          t[1].weight[1] == (float)(1 / 1.5));
}

/* Weights add up to 1, lie inside the line, and mirror when the line is mirrored. */
static void test_sums_and_symmetry(void)
{
    for (int filter = RESIZE_LANCZOS3; filter <= RESIZE_NEAREST; filter++)
        for (int in = 1; in < 12; in += 2)
            for (int out = 1; out < 12; out += 3) {
                const ResizeTaps *t = taps((ResizeFilter)filter, in, out, 0, out, false);
                for (int x = 0; x < out; x++) {
                    double sum = 0;
                    const ResizeTaps *other = &t[out - 1 - x];
                    for (int k = 0; k < t[x].count; k++) {
                        sum += t[x].weight[k];
                        const int mirrored = in - 1 - (t[x].first + k) - other->first;
                        const bool there = mirrored >= 0 && mirrored < other->count;
                        if (filter != RESIZE_NEAREST)
                            CHECK_NEAR(there ? other->weight[mirrored] : 0.0f, t[x].weight[k], 1e-6);
                    }
                    CHECK_NEAR(sum, 1.0, 1e-6);
                    CHECK(t[x].first >= 0 && t[x].first + t[x].count <= in);
                }
            }
}

static void test_far_away_is_nothing(void)
{
    const ResizeTaps *t = taps(RESIZE_CUBIC, 4, 3, 1000.0, 5.5, true);
    CHECK(t[0].count == 0 && t[1].count == 0 && t[2].count == 0);
}

static void test_every_allocation_can_fail(void)
{
    int failures = 0;
    for (size_t n = 1; n < 20; n++) {
        Arena small = {.fail_after = n};
        const bool made = resize_weights(RESIZE_CUBIC, 5, 4, 0, 4, false, &small) != NULL;
        failures += !made;
        arena_free(&small);
        if (made)
            break;
    }
    CHECK(failures == 6); /* taps, scratch, four lists of weights */
}

int main(void)
{
    test_cubic_by_hand();
    test_linear_by_hand();
    test_area_by_hand();
    test_sums_and_symmetry();
    test_far_away_is_nothing();
    test_every_allocation_can_fail();
    arena_free(&arena);
    return check_report("resize_weights");
}
