#include "io/plot_axis.h"

#include "tests/check.h"

/* The axis has just these labels, in order ("" for bare lines is left out). */
static void check_labels(const PlotAxis *axis, const char *labels)
{
    char got[2000] = "";
    for (int i = 0; i < axis->ticks; i++)
        if (axis->tick[i].label[0] != '\0') {
            strcat(got, got[0] != '\0' ? " " : "");
            strcat(got, axis->tick[i].label);
        }
    if (!CHECK(strcmp(got, labels) == 0))
        printf("    got  %s\n    want %s\n", got, labels);
}

static PlotAxis linear(double low, double high, bool widen)
{
    PlotAxis a;
    plot_axis_make(&a, low, high, false, widen, 6);
    return a;
}

static PlotAxis logarithmic(double low, double high, bool widen)
{
    PlotAxis a;
    plot_axis_make(&a, low, high, true, widen, 6);
    return a;
}

#define MINUS "\xe2\x88\x92"
#define THIN  "\xe2\x80\x89"
#define TIMES "\xc3\x97"

static void test_linear_ticks_by_hand(void)
{
    PlotAxis a = linear(0.03, 0.98, true);
    check_labels(&a, "0 0.2 0.4 0.6 0.8 1.0");
    CHECK(a.low == 0.0 && a.high == 1.0 && a.tick[3].value == 0.6);
    a = linear(0.03, 0.98, false);
    check_labels(&a, "0.2 0.4 0.6 0.8");
    CHECK(a.low == 0.03 && a.high == 0.98);
    a = linear(-2.5, 2.5, true);
    check_labels(&a, MINUS "3 " MINUS "2 " MINUS "1 0 1 2 3");
    a = linear(10, -10, true); /* in either order */
    check_labels(&a, MINUS "10 " MINUS "5 0 5 10");
    a = linear(0, 12345, true);
    check_labels(&a, "0 2000 4000 6000 8000 10" THIN "000 12" THIN "000 14" THIN "000");
    a = linear(0, 3e7, true);
    check_labels(&a, "0 0.5" TIMES "10\xe2\x81\xb7 1.0" TIMES "10\xe2\x81\xb7 1.5" TIMES
                     "10\xe2\x81\xb7 2.0" TIMES "10\xe2\x81\xb7 2.5" TIMES "10\xe2\x81\xb7 3.0" TIMES
                     "10\xe2\x81\xb7");
    a = linear(0, 2e-5, true);
    check_labels(&a,
                 "0 0.5" TIMES "10\xe2\x81\xbb\xe2\x81\xb5 1.0" TIMES "10\xe2\x81\xbb\xe2\x81\xb5 1.5" TIMES
                 "10\xe2\x81\xbb\xe2\x81\xb5 2.0" TIMES "10\xe2\x81\xbb\xe2\x81\xb5");
    a = linear(1000.25, 1000.75, true);
    check_labels(&a, "1000.2 1000.3 1000.4 1000.5 1000.6 1000.7 1000.8");
}

static void test_logarithmic_ticks_by_hand(void)
{
    PlotAxis a = logarithmic(0.06, 1.2, true);
    check_labels(&a, "0.05 0.1 0.2 0.5 1 2");
    CHECK(a.low == 0.05 && a.high == 2.0);
    a = logarithmic(0.3, 4000, true);
    check_labels(&a, "0.1 1 10 100 1000 10" THIN "000");
    a = logarithmic(1, 1000, false);
    check_labels(&a, "1 10 100 1000");
    CHECK(a.ticks == 28); /* with the bare lines at 2 ... 9 */
    a = logarithmic(1e-9, 1e9, true);
    check_labels(&a, "10\xe2\x81\xbb\xe2\x81\xb9 10\xe2\x81\xbb\xe2\x81\xb6 10\xe2\x81\xbb\xc2\xb3 "
                     "10\xe2\x81\xb0 10\xc2\xb3 "
                     "10\xe2\x81\xb6 10\xe2\x81\xb9");
    a = logarithmic(1e-8, 1e8, true);
    check_labels(
        &a, "10\xe2\x81\xbb\xe2\x81\xb6 10\xe2\x81\xbb\xc2\xb3 10\xe2\x81\xb0 10\xc2\xb3 10\xe2\x81\xb6");
    a = logarithmic(2e-7, 7e-7, true);
    check_labels(&a, "2" TIMES "10\xe2\x81\xbb\xe2\x81\xb7 5" TIMES
                     "10\xe2\x81\xbb\xe2\x81\xb7 10\xe2\x81\xbb\xe2\x81\xb6");
}

static void test_places(void)
{
    PlotAxis a = linear(-1, 3, false);
    CHECK(plot_axis_place(&a, -1) == 0 && plot_axis_place(&a, 3) == 1 && plot_axis_place(&a, 0) == 0.25);
    CHECK(plot_axis_place(&a, 5) == 1.5 && plot_axis_place(&a, NAN) != plot_axis_place(&a, NAN));
    CHECK(plot_axis_place(&a, HUGE_VAL) != plot_axis_place(&a, HUGE_VAL));
    a = logarithmic(0.01, 100, false);
    CHECK_NEAR(plot_axis_place(&a, 1), 0.5, 1e-14);
    CHECK_NEAR(plot_axis_place(&a, 3), 0.25 * log10(300), 1e-14);
    CHECK_NEAR(plot_axis_place(&a, 1e-300), 0.25 * -298, 1e-11);
    CHECK(plot_axis_place(&a, 0) != plot_axis_place(&a, 0) &&
          plot_axis_place(&a, -1) != plot_axis_place(&a, -1));
}

/* Whatever the range: ends in order, ticks inside and ascending, labels not empty and not too many. */
static void check_any(double low, double high, bool log, bool widen)
{
    PlotAxis a;
    plot_axis_make(&a, low, high, log, widen, 6);
    int labels = 0, wrong = 0;
    for (int i = 0; i < a.ticks; i++) {
        const double place = plot_axis_place(&a, a.tick[i].value);
        labels += a.tick[i].label[0] != '\0';
        wrong +=
            !(place > -1e-6 && place < 1 + 1e-6) || (i > 0 && !(a.tick[i].value > a.tick[i - 1].value));
    }
    if (!CHECK(a.low < a.high && wrong == 0 && labels < 16 && (labels > 1 || (log && !widen))))
        printf("    %g %g log %d widen %d: %g %g, %d labels, %d wrong\n", low, high, log, widen, a.low,
               a.high, labels, wrong);
}

static void test_any_range(void)
{
    static const double ends[] = {0,      -0.0,      1,   -1,        5e-324,    1e-310, 1e-300,
                                  1e-10,  1.0000001, 0.1, 123456789, 1e20,      3e99,   1e300,
                                  -1e300, 1e301,     NAN, HUGE_VAL,  -HUGE_VAL, -7.25,  16777217};
    enum { COUNT = sizeof ends / sizeof ends[0] };
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++)
            for (int what = 0; what < 4; what++)
                check_any(ends[i], ends[k], what % 2, what / 2);
}

int main(void)
{
    test_linear_ticks_by_hand();
    test_logarithmic_ticks_by_hand();
    test_places();
    test_any_range();
    return check_report("plot_axis");
}
