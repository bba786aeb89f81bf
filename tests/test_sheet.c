#include "io/sheet.h"
#include "io/font.h"
#include "io/sha256.h"
#include "tests/check.h"

static Arena arena;

static Image flat(int width, int height, int channels, const unsigned char *colour)
{
    Image image = {0};
    CHECK(image_new(&image, width, height, channels, &arena, NULL) == STATUS_OK);
    image_fill(&image, colour);
    return image;
}

static Image sheet(const SheetCell *cells, int count, SheetOptions options)
{
    Image out = {0};
    Error err = {0};
    if (!CHECK(sheet_make(&out, cells, count, &options, &arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    return out;
}

static bool pixel_is(const Image *image, int x, int y, int r, int g, int b)
{
    const unsigned char *p = image_at(image, x, y);
    return p[0] == r && p[1] == g && p[2] == b;
}

/* Two pictures of different sizes side by side: where they must be, and white all around. */
static void test_places_by_hand(void)
{
    Image red = flat(10, 20, 3, (unsigned char[]){200, 0, 0}), grey = flat(6, 8, 1, (unsigned char[]){90});
    const SheetCell cells[] = {{&red, NULL}, {&grey, NULL}, {NULL, NULL}};
    const Image s = sheet(cells, 3, (SheetOptions){.columns = 2, .zoom = 2, .gap = 4});
    CHECK(s.width == 4 + 20 + 4 + 20 + 4 && s.height == 4 + 40 + 4 + 0 + 4 && s.channels == 3);
    CHECK(pixel_is(&s, 4, 4, 200, 0, 0) && pixel_is(&s, 23, 43, 200, 0, 0));
    CHECK(pixel_is(&s, 3, 4, 255, 255, 255) && pixel_is(&s, 24, 43, 255, 255, 255) &&
          pixel_is(&s, 23, 44, 255, 255, 255));
    CHECK(pixel_is(&s, 32, 4, 90, 90, 90) &&
          pixel_is(&s, 43, 19, 90, 90, 90)); /* 12 of 20 wide: in the middle */
    CHECK(pixel_is(&s, 31, 4, 255, 255, 255) && pixel_is(&s, 44, 4, 255, 255, 255) &&
          pixel_is(&s, 40, 20, 255, 255, 255));
}

static void test_alpha_lies_over_white(void)
{
    Image half = flat(1, 1, 4, (unsigned char[]){0, 100, 255, 128});
    const Image s = sheet(&(SheetCell){&half, NULL}, 1, (SheetOptions){.zoom = 1, .gap = 1});
    CHECK(s.width == 3 && pixel_is(&s, 1, 1, 127, 177, 255));
}

/* The text is where the picture ends, and says what it should. */
static void test_captions(void)
{
    Image red = flat(60, 10, 3, (unsigned char[]){200, 0, 0});
    const SheetCell cells[] = {{&red, "cat"}, {&red, "ten letters and more"}};
    const Image s = sheet(cells, 2, (SheetOptions){.columns = 2, .zoom = 1});
    CHECK(s.width == 8 + 60 + 8 + 60 + 8 &&
          s.height == 8 + 10 + 2 + 3 * FONT_HEIGHT + 8); /* ten letters / and / more */
    int same = 1;
    for (int y = 0; y < FONT_HEIGHT; y++)
        for (int x = 0; x < 60; x++) {
            const int u = x - (60 - 3 * FONT_WIDTH) / 2;
            const bool set = u >= 0 && u < 3 * FONT_WIDTH &&
                             font_pixel((unsigned char)"cat"[u / FONT_WIDTH], u % FONT_WIDTH, y);
            same = same && pixel_is(&s, 8 + x, 20 + y, set ? 0 : 255, set ? 0 : 255, set ? 0 : 255);
        }
    CHECK(same);
}

static void test_titles_take_their_room(void)
{
    Image red = flat(128, 30, 3, (unsigned char[]){200, 0, 0});
    const SheetCell cells[] = {{&red, NULL}, {&red, NULL}};
    const char *const columns[] = {"left", "right"}, *const rows[] = {"row"};
    const SheetOptions options = {
        .columns = 2, .title = "title", .column_titles = columns, .row_titles = rows};
    const Image s = sheet(cells, 2, options);
    const int left = 8 + 3 * FONT_WIDTH + 8, top = 8 + FONT_HEIGHT + 8 + FONT_HEIGHT + 2;
    CHECK(s.width == left + 2 * (128 + 8) && s.height == top + 30 + 8);
    CHECK(pixel_is(&s, left, top, 200, 0, 0) && pixel_is(&s, left + 136, top, 200, 0, 0));
    CHECK(pixel_is(&s, left - 1, top, 255, 255, 255) && pixel_is(&s, left, top - 1, 255, 255, 255));
}

static void test_choices_that_are_left_open(void)
{
    Image tiny = flat(40, 40, 3, (unsigned char[]){1, 2, 3}),
          large = flat(400, 10, 3, (unsigned char[]){1, 2, 3});
    SheetCell cells[10];
    for (int i = 0; i < 10; i++)
        cells[i] = (SheetCell){&tiny, NULL};
    Image s = sheet(cells, 10, (SheetOptions){0}); /* 4 columns, 3 rows, zoom 4 */
    CHECK(s.width == 8 + 4 * 168 && s.height == 8 + 3 * 168);
    s = sheet(cells, 2, (SheetOptions){.columns = 7}); /* no more columns than pictures */
    CHECK(s.width == 8 + 2 * 168);
    s = sheet(&(SheetCell){&large, "x"}, 1, (SheetOptions){0});
    CHECK(s.width == 416 && s.height == 8 + 10 + 2 + 2 * FONT_HEIGHT + 8);
}

static void test_refusals(void)
{
    Image tiny = flat(8, 8, 3, (unsigned char[]){1, 2, 3}), out = {0};
    const SheetCell cell = {&tiny, "x"};
    static const SheetOptions BAD[] = {
        {.columns = -1}, {.zoom = -1},     {.letters = -2},        {.gap = -8},
        {.zoom = 1001},  {.gap = 1 << 30}, {.letters = 2147483647}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Error err = {0};
        CHECK(sheet_make(&out, &cell, 1, &BAD[i], &arena, &err) == STATUS_ARGUMENT);
        CHECK_TEXT(err.text, "contact sheet");
    }
    CHECK(sheet_make(&out, &cell, 0, &(SheetOptions){0}, &arena, NULL) == STATUS_ARGUMENT);
    Image wide = flat(100000, 1, 3, (unsigned char[]){1, 2, 3});
    CHECK(sheet_make(&out, &(SheetCell){&wide, NULL}, 1, &(SheetOptions){.zoom = 1000}, &arena, NULL) ==
          STATUS_ARGUMENT);
    Arena none = {.fail_after = 1};
    CHECK(sheet_make(&out, &cell, 1, &(SheetOptions){0}, &none, NULL) == STATUS_MEMORY &&
          out.pixels == NULL);
}

int main(void)
{
    test_places_by_hand();
    test_alpha_lies_over_white();
    test_captions();
    test_titles_take_their_room();
    test_choices_that_are_left_open();
    test_refusals();
    arena_free(&arena);
    return check_report("sheet");
}
