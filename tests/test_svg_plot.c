#include "io/svg_plot.h"

#include "base/file.h"
#include "io/plot_smooth.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/scratch.h"

static const char *svg(Arena *arena, const PlotSeries *series, size_t count, const PlotOptions *options)
{
    Bytes out = {.arena = arena};
    svg_plot_add(&out, series, count, options);
    bytes_add_byte(&out, 0);
    CHECK(!out.failed);
    return out.failed ? "" : (const char *)out.data;
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* Tags open and close in pairs, attributes have their quotation marks, no '&' stands alone. */
static void check_well_formed(const char *text)
{
    char open[32][16];
    int depth = 0, bad = 0;
    for (const char *at = text; *at != '\0' && bad == 0;) {
        if (*at == '&' && strncmp(at, "&amp;", 5) != 0 && strncmp(at, "&lt;", 4) != 0 &&
            strncmp(at, "&gt;", 4) != 0 && strncmp(at, "&quot;", 6) != 0)
            bad++;
        if (*at++ != '<')
            continue;
        const bool closing = *at == '/';
        at += closing;
        char name[16] = "";
        const size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzP");
        memcpy(name, at, length < 15 ? length : 15);
        int quotes = 0;
        for (; *at != '\0' && (*at != '>' || quotes % 2 != 0); at++)
            quotes += *at == '"';
        bad += *at != '>' || quotes % 2 != 0 || length == 0 || depth > 30;
        if (closing)
            bad += depth == 0 || strcmp(open[--depth], name) != 0;
        else if (bad == 0 && at[-1] != '/')
            strcpy(open[depth++], name);
    }
    CHECK(bad == 0 && depth == 0);
}

static void test_a_plot_by_hand(void)
{
    static const double x[3] = {0, 1, 2}, y[3] = {0, 10, 5};
    const PlotSeries s = {.label = "a<b", .x = x, .y = y, .count = 3, .style = PLOT_LINE_AND_MARKS};
    const PlotOptions o = {.title = "T & t", .x_label = "x", .y_label = "y", .width = 400, .height = 300};
    Arena arena = {0};
    const char *text = svg(&arena, &s, 1, &o);
    check_well_formed(text);
    CHECK_TEXT(text, "width=\"400\" height=\"300\" viewBox=\"0 0 400 300\"");
    CHECK_TEXT(text, "<title>T &amp; t</title>");
    CHECK_TEXT(text, ">a&lt;b</text>");
    CHECK_TEXT(text, "rotate(-90)");
    /* the data: x 0..2 over the width, y 0..10 over the height, three dots at the same places */
    const char *line = strstr(text, "<g clip-path=");
    double p[6] = {0}, q[6] = {0};
    CHECK(line != NULL && sscanf(strstr(line, "<path d="), "<path d=\"M%lf,%lfL%lf,%lfL%lf,%lf\"", &p[0],
                                 &p[1], &p[2], &p[3], &p[4], &p[5]) == 6);
    CHECK_NEAR(p[2], (p[0] + p[4]) / 2, 0.01);
    CHECK_NEAR(p[5], (p[1] + p[3]) / 2, 0.01);
    CHECK(p[0] > 40 && p[4] < 400 && p[1] > p[3] && p[1] < 260 && p[3] > 60);
    const char *dots = strstr(line, "h.01");
    while (dots != NULL && *dots != '"')
        dots--;
    CHECK(dots != NULL && sscanf(dots, "\"M%lf,%lfh.01M%lf,%lfh.01M%lf,%lfh.01\"", &q[0], &q[1], &q[2],
                                 &q[3], &q[4], &q[5]) == 6);
    CHECK(memcmp(p, q, sizeof p) == 0);
    arena_free(&arena);
}

static void test_colours_legend_and_order(void)
{
    static const double y[2] = {1, 2};
    PlotSeries s[10];
    for (int i = 0; i < 10; i++)
        s[i] = (PlotSeries){.label = i == 4 ? NULL : "series with a long name", .y = y, .count = 2};
    s[1].grey = true;
    s[9].faint = true;
    s[9].colour = 3;
    Arena arena = {0};
    const char *text = svg(&arena, s, 10, &(PlotOptions){.width = 500});
    check_well_formed(text);
    CHECK(count_of(text, "series with a long name") == 9);
    CHECK(count_of(text, "#777") == 2 &&
          count_of(text, "#0072b2") == 4); /* line and swatch; the eighth is dashed */
    CHECK(count_of(text, "stroke-dasharray=\"7,3\"") == 2 &&
          count_of(text, "stroke-dasharray=\"6,4\"") == 2);
    CHECK(count_of(text, "#009e73") == 4 && count_of(text, "stroke-opacity=\"0.35\"") == 2);
    const char *data = strstr(text, "<g clip-path");
    CHECK(data != NULL && strstr(data, "#777") < strstr(data, "#0072b2")); /* grey lies behind */
    CHECK(strstr(data, "stroke-opacity") < strstr(data, "#0072b2"));
    arena_free(&arena);
}

static void test_bands_gaps_and_logarithms(void)
{
    static const double x[6] = {1, 10, 100, 1000, NAN, 1e5}, y[6] = {1, 0, 100, 1000, 5, 1e5};
    static const double low[6] = {0.5, 1, -1, 500, 1, 5e4}, high[6] = {2, 2, 200, 2000, 6, 2e5};
    const PlotSeries s = {.x = x, .y = y, .low = low, .high = high, .count = 6};
    Arena arena = {0};
    const char *text = svg(&arena, &s, 1, &(PlotOptions){.log_x = true, .log_y = true});
    check_well_formed(text);
    CHECK(strstr(text, "nan") == NULL && strstr(text, "inf") == NULL && strstr(text, "NaN") == NULL);
    const char *data = strstr(text, "<g clip-path");
    CHECK(data != NULL && count_of(data, "fill-opacity=\"0.15\"") == 1 && count_of(data, "Z") == 1);
    CHECK(count_of(data, "h.01") == 2); /* the first and the last point stand alone */
    arena_free(&arena);
}

static void test_nothing_to_show(void)
{
    static const double bad[2] = {NAN, HUGE_VAL};
    const PlotSeries s[2] = {{.label = "none"},
                             {.label = "bad", .y = bad, .count = 2, .style = PLOT_LINE_AND_MARKS}};
    Arena arena = {0};
    check_well_formed(svg(&arena, NULL, 0, &(PlotOptions){.width = 1, .height = 1}));
    check_well_formed(svg(&arena, s, 2, &(PlotOptions){.log_y = true}));
    check_well_formed(svg(&arena, s, 2, &(PlotOptions){.x_low = 1, .x_high = 2, .y_low = -3, .y_high = 1}));
    arena_free(&arena);
}

/* 100000 noisy points take no more room than the pixels. */
static void test_long_series_stay_small_and_alike(void)
{
    enum { COUNT = 100000 };
    static double y[COUNT], smooth[COUNT];
    uint32_t state = 1;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525u + 1013904223u;
        y[i] = 1.0 / (1 + i / 1000.0) + (double)(state >> 16) / 655360.0;
    }
    plot_smooth(smooth, y, COUNT, 3);
    CHECK(smooth[0] == (y[0] + y[1] + y[2] + y[3]) / 4);
    const PlotSeries s[2] = {{.label = "raw", .y = y, .count = COUNT, .faint = true, .colour = 1},
                             {.label = "mean", .y = smooth, .count = COUNT}};
    Arena arena = {0};
    const char *text = svg(&arena, s, 2, &(PlotOptions){.title = "Noise", .log_y = true});
    check_well_formed(text);
    CHECK(strlen(text) < 100000);
    char hex[65];
    sha256_hex(hex, text, strlen(text));
    if (!CHECK(strcmp(hex, "f332926856fcbc9367fdd878a758501c1d74fd9b21641afb8507283191329227") ==
               0)) /* changes only when the picture is meant to */
        printf("    SHA-256 %s\n", hex);
    arena_free(&arena);
}

static void test_failures(void)
{
    static const double y[3] = {1, 2, 3};
    const PlotSeries s = {.label = "a", .y = y, .count = 3};
    char path[SCRATCH_PATH];
    scratch_path(path, "a.svg");
    Status status = STATUS_MEMORY;
    for (size_t n = 1; status != STATUS_OK && n < 100; n++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        status = svg_plot_write(path, &s, 1, &(PlotOptions){0}, &arena, &err);
        CHECK(status == STATUS_OK ||
              (status == STATUS_MEMORY && err.text[0] != '\0' && !file_exists(path)));
        CHECK(arena.used == 0);
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK && file_exists(path));
    remove(path);
    Arena arena = {0};
    CHECK(svg_plot_write("no/such/folder/x.svg", &s, 1, &(PlotOptions){0}, &arena, NULL) == STATUS_FILE);
    arena_free(&arena);
}

int main(void)
{
    test_a_plot_by_hand();
    test_colours_legend_and_order();
    test_bands_gaps_and_logarithms();
    test_nothing_to_show();
    test_long_series_stay_small_and_alike();
    test_failures();
    return check_report("svg_plot");
}
