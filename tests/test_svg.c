#include "io/svg.h"

#include "tests/check.h"

static void test_numbers(void)
{
    static const double numbers[] = {0,      -0.004, 0.005, 0.015, 12.5, -0.25,     3,  1.005,
                                     99.999, 1e6,    1e300, -1e6,  -2e6, -HUGE_VAL, NAN};
    Arena arena = {0};
    Bytes b = {.arena = &arena};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        svg_number(&b, numbers[i]);
        bytes_add_byte(&b, ' ');
    }
    svg_point(&b, -1.5, 0.07);
    svg_attribute(&b, "x", 10.1);
    bytes_add_byte(&b, 0);
    CHECK_TEXT((char *)b.data, "0 0 0 0.02 12.5 -0.25 3 1 100 1000000 1000000 -1000000 -1000000 -1000000 0 "
                               "-1.5,0.07 x=\"10.1\"");
    arena_free(&arena);
}

static void test_texts(void)
{
    Arena arena = {0};
    Bytes b = {.arena = &arena};
    svg_text(&b, "<a & \"b\">\x01\xff\xc3\xa9\xef\xbf\xbf\t'");
    svg_text(&b, "");
    svg_text(&b, "\xe2\x82"); /* cut off in the middle of a character */
    bytes_add_byte(&b, 0);
    CHECK(strcmp((char *)b.data,
                 "&lt;a &amp; &quot;b&quot;&gt;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\t'"
                 "\xef\xbf\xbd\xef\xbf\xbd") == 0);
    arena_free(&arena);
}

static void test_widths(void)
{
    CHECK(svg_text_width("iii", 10) < svg_text_width("mmm", 10));
    CHECK(svg_text_width("\xc3\xa9", 10) == svg_text_width("e", 10) && svg_text_width("", 10) == 0);
    CHECK_NEAR(svg_text_width("il", 100), 62, 1e-9);
    CHECK_NEAR(svg_text_width("aB", 20), 2 * svg_text_width("aB", 10), 1e-9);
}

/* Memory runs out at any place: the bytes say so, nothing else happens. */
static void test_failing_allocations(void)
{
    int failures = 0;
    for (size_t n = 1; n < 20; n++) {
        Arena arena = {.fail_after = n};
        Bytes b = {.arena = &arena};
        for (int i = 0; i < 200; i++) {
            svg_point(&b, i, -i);
            svg_text(&b, "a & b");
        }
        const bool failed = b.failed;
        failures += failed;
        arena_free(&arena);
        if (!failed)
            break;
    }
    CHECK(failures > 0 && failures < 18);
}

int main(void)
{
    test_numbers();
    test_texts();
    test_widths();
    test_failing_allocations();
    return check_report("svg");
}
