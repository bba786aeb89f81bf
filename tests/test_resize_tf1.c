#include "metrics/resize_tf1.h"

#include "tests/gradcheck.h"

static void test_by_hand(void)
{
    const float x[4] = {0, 4, 8, 12};
    float y[16];
    resize_tf1(y, x, 1, 1, 4, 1, 8); /* positions 0 0.5 1 ... 3.5, and nothing behind the last */
    const float twice[8] = {0, 2, 4, 6, 8, 10, 12, 12};
    CHECK(same_bits(y, twice, 8));
    resize_tf1(y, x, 1, 1, 4, 1, 2); /* every second one, without a mean */
    CHECK(y[0] == 0.0f && y[1] == 8.0f);
    resize_tf1(y, x, 1, 2, 2, 4, 4); /* columns 0 2 4 4 of the first row, then halfway between the rows */
    const float square[16] = {0, 2, 4, 4, 4, 6, 8, 8, 8, 10, 12, 12, 8, 10, 12, 12};
    CHECK(same_bits(y, square, 16));
}

static void test_constants_identity_and_planes(void)
{
    static float x[3 * 7 * 9], y[3 * 40 * 40], one[40 * 40];
    test_fill(x, 3 * 63, 1);
    resize_tf1(y, x, 3, 7, 9, 7, 9);
    CHECK(same_bits(x, y, 3 * 63));
    resize_tf1(y, x, 3, 7, 9, 40, 37);
    for (int p = 0; p < 3; p++) {
        resize_tf1(one, x + 63 * p, 1, 7, 9, 40, 37);
        CHECK(same_bits(one, y + 40 * 37 * p, 40 * 37));
    }
    for (int i = 0; i < 63; i++)
        x[i] = 0.7f;
    resize_tf1(y, x, 1, 7, 9, 33, 5);
    for (int i = 0; i < 33 * 5; i++)
        CHECK(y[i] == 0.7f);
}

/* Whatever the sizes, no place is beyond the picture (the sanitizers watch the reads). */
static void test_every_small_size(void)
{
    float x[40], y[40];
    test_fill(x, 40, 2);
    for (int in = 1; in <= 40; in++)
        for (int out = 1; out <= 40; out++) {
            resize_tf1(y, x, 1, 1, in, 1, out);
            CHECK(y[0] == x[0]);
            resize_tf1(y, x, 1, in, 1, out, 1);
            CHECK(y[0] == x[0]);
        }
}

int main(void)
{
    test_by_hand();
    test_constants_identity_and_planes();
    test_every_small_size();
    return check_report("resize_tf1");
}
