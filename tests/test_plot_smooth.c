#include "io/plot_smooth.h"

#include <stdint.h>

#include "tests/check.h"

static void test_by_hand(void)
{
    static const double y[5] = {1, NAN, 3, HUGE_VAL, NAN}, one[1] = {7}, line[5] = {1, 2, 4, 8, 16};
    double out[5];
    plot_smooth(out, y, 5, 1);
    CHECK(out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == 3 && out[4] != out[4]);
    plot_smooth(out, line, 5, 1);
    CHECK(out[0] == 1.5 && out[1] == 7.0 / 3 && out[2] == 14.0 / 3 && out[3] == 28.0 / 3 && out[4] == 12);
    plot_smooth(out, line, 5, 0);
    CHECK(memcmp(out, line, sizeof line) == 0);
    plot_smooth(out, one, 1, 100);
    CHECK(out[0] == 7);
}

/* A reach that covers everything, up to the largest number there is, gives the mean everywhere. */
static void test_any_reach(void)
{
    static const double y[4] = {1, 2, 3, 10};
    static const size_t reach[] = {3, 4, 1000, SIZE_MAX};
    double out[4];
    for (int k = 0; k < 4; k++) {
        plot_smooth(out, y, 4, reach[k]);
        CHECK(out[0] == 4 && out[1] == 4 && out[2] == 4 && out[3] == 4);
    }
    out[0] = 5;
    plot_smooth(out, y, 0, 1);
    CHECK(out[0] == 5);
}

int main(void)
{
    test_by_hand();
    test_any_reach();
    return check_report("plot_smooth");
}
