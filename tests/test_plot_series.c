#include "io/plot_series.h"

#include "tests/check.h"

/* x from 0 to 10 on 100 .. 200 pixels, y from 0 to 4 on 300 (below) .. 100 (above). */
static PlotFrame frame_of(bool logarithmic)
{
    PlotFrame f = {.left = 100, .right = 200, .top = 100, .bottom = 300};
    plot_axis_make(&f.x, logarithmic ? 1 : 0, logarithmic ? 100 : 10, logarithmic, false, 5);
    plot_axis_make(&f.y, logarithmic ? 1 : 0, logarithmic ? 100 : 4, logarithmic, false, 5);
    return f;
}

typedef void Shape(Bytes *out, const PlotFrame *frame, const PlotSeries *series);

static void check_path(Shape *shape, const PlotFrame *f, const PlotSeries *s, const char *want)
{
    Arena arena = {0};
    Bytes out = {.arena = &arena};
    shape(&out, f, s);
    bytes_add_byte(&out, 0);
    if (!CHECK(strcmp((char *)out.data, want) == 0))
        printf("    got  %s\n    want %s\n", (char *)out.data, want);
    arena_free(&arena);
}

static void test_places(void)
{
    const PlotFrame linear = frame_of(false), logarithmic = frame_of(true);
    CHECK(plot_frame_x(&linear, 0) == 100 && plot_frame_x(&linear, 10) == 200 &&
          plot_frame_x(&linear, 5) == 150);
    CHECK(plot_frame_y(&linear, 0) == 300 && plot_frame_y(&linear, 4) == 100 &&
          plot_frame_y(&linear, -1) == 350);
    CHECK(isnan(plot_frame_x(&linear, NAN)) && isnan(plot_frame_y(&linear, HUGE_VAL)));
    CHECK_NEAR(plot_frame_x(&logarithmic, 10), 150, 1e-9);
    CHECK(isnan(plot_frame_x(&logarithmic, 0)) && isnan(plot_frame_y(&logarithmic, -3)));
    static const double x[2] = {7, 8};
    CHECK(plot_series_x(&(PlotSeries){.x = x}, 1) == 8 && plot_series_x(&(PlotSeries){0}, 1) == 1);
}

static void test_lines_break_at_gaps(void)
{
    static const double x[5] = {0, 2, 4, 6, 8}, y[5] = {0, 1, NAN, 2, 4};
    const PlotFrame f = frame_of(false);
    check_path(plot_series_line, &f, &(PlotSeries){.x = x, .y = y, .count = 5},
               "M100,300L120,250M160,200L180,100");
    check_path(plot_series_line, &f, &(PlotSeries){0}, "");
}

/* A dot on the edge is drawn, one well beyond it is not. */
static void test_marks_inside_only(void)
{
    static const double x[5] = {0, 5, 10, 11, NAN}, y[5] = {0, 9, 4, 1, 1};
    const PlotFrame f = frame_of(false);
    check_path(plot_series_marks, &f, &(PlotSeries){.x = x, .y = y, .count = 5},
               "M100,300h.01M200,100h.01");
}

/* Along the upper edge, back along the lower one; a single point makes no shape. */
static void test_bands(void)
{
    static const double x[5] = {0, 2, 4, 6, 8}, low[5] = {0, 1, NAN, 1, 2}, high[5] = {2, 2, 3, NAN, 4};
    const PlotSeries s = {.x = x, .y = low, .low = low, .high = high, .count = 5};
    const PlotFrame f = frame_of(false);
    check_path(plot_series_band, &f, &s, "M100,200L120,200L120,250L100,300Z");
    static const double high_x[2] = {1, 100}, below[2] = {-1, 1}, above[2] = {1, 100};
    const PlotSeries t = {.x = high_x, .y = above, .low = below, .high = above, .count = 2};
    const PlotFrame g = frame_of(true); /* what is not positive lies at the foot of the axis */
    check_path(plot_series_band, &g, &t, "M100,300L200,100L200,300L100,300Z");
}

int main(void)
{
    test_places();
    test_lines_break_at_gaps();
    test_marks_inside_only();
    test_bands();
    return check_report("plot_series");
}
