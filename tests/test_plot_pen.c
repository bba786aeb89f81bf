#include "io/plot_pen.h"

#include "tests/check.h"

static void check_path(const double (*points)[2], size_t count, const char *want)
{
    Arena arena = {0};
    Bytes path = {.arena = &arena};
    PlotPen pen = {.out = &path};
    for (size_t i = 0; i < count; i++)
        plot_pen_point(&pen, points[i][0], points[i][1]);
    plot_pen_lift(&pen);
    bytes_add_byte(&path, 0);
    if (!CHECK(!path.failed && strcmp((char *)path.data, want) == 0))
        printf("    got  %s\n    want %s\n", (char *)path.data, want);
    arena_free(&arena);
}

static void test_lines_and_gaps(void)
{
    check_path(NULL, 0, "");
    check_path((const double[][2]){{1, 2}, {3.5, 4.25}, {7, 0.125}}, 3, "M1,2L3.5,4.25L7,0.12");
    check_path((const double[][2]){{1, 2}, {3, 4}, {NAN, 5}, {6, 7}, {8, 9}}, 5, "M1,2L3,4M6,7L8,9");
    check_path((const double[][2]){{1, 2}, {3, NAN}, {5, 6}, {7, NAN}, {8, 9}}, 5,
               "M1,2h.01M5,6h.01M8,9h.01");
    check_path((const double[][2]){{1, 2}, {1, 2}}, 2, "M1,2h.01");
    check_path((const double[][2]){{0, 1e300}, {10, -HUGE_VAL}}, 2, "M0,100000L10,-100000");
}

/* One column: first, the two extremes in their order, last, none of them twice. */
static void test_columns_are_thinned(void)
{
    check_path((const double[][2]){{1, 5}, {1.1, 9}, {1.2, 1}, {1.3, 4}, {1.4, 6}, {2, 6}}, 6,
               "M1,5L1.1,9L1.2,1L1.4,6L2,6");
    check_path((const double[][2]){{1, 5}, {1.1, 1}, {1.2, 9}, {1.3, 4}, {1.4, 6}, {2, 6}}, 6,
               "M1,5L1.1,1L1.2,9L1.4,6L2,6");
    check_path((const double[][2]){{1, 1}, {1.1, 2}, {1.2, 3}, {1.3, 4}}, 4, "M1,1L1.3,4");
    check_path((const double[][2]){{1, 1}, {1.1, 9}, {1.2, 3}}, 3, "M1,1L1.1,9L1.2,3");
    check_path((const double[][2]){{1, 1}, {1.5, 1}, {1.7, 1}}, 3, "M1,1L1.7,1");
}

int main(void)
{
    test_lines_and_gaps();
    test_columns_are_thinned();
    return check_report("plot_pen");
}
