#include "io/font.h"
#include "tests/check.h"

/* The capital A, as it should look. */
static void test_a_shape(void)
{
    static const char *const A[FONT_HEIGHT] = {"      ", " ###  ", "#   # ", "#   # ", "##### ", "#   # ",
                                               "#   # ", "#   # ", "      ", "      ", "      "};
    int same = 1;
    for (int row = 0; row < FONT_HEIGHT; row++)
        for (int column = 0; column < FONT_WIDTH; column++)
            same = same && font_pixel('A', column, row) == (A[row][column] == '#');
    CHECK(same);
}

/* No two printable characters look alike, none but the space is empty, and all leave a column of space. */
static void test_all_shapes_differ(void)
{
    int differ = 1, apart = 1;
    for (int a = 32; a < 128; a++)
        for (int b = a; b < 128; b++) {
            int same = 1, empty = 1;
            for (int row = 0; row < FONT_HEIGHT; row++)
                for (int column = 0; column < FONT_WIDTH; column++) {
                    const bool set = font_pixel((unsigned char)a, column, row);
                    same = same && set == font_pixel((unsigned char)b, column, row);
                    empty = empty && !set;
                    apart = apart && !(set && (column == FONT_WIDTH - 1 || row == 0));
                }
            differ = differ && (a == b ? empty == (a == ' ') : !same);
        }
    CHECK(differ);
    CHECK(apart);
}

static void line_is(const char **text, int columns, const char *want)
{
    const char *start = *text;
    const size_t length = font_line(text, columns);
    if (!CHECK(length == strlen(want) && memcmp(start, want, length) == 0))
        printf("    got \"%.*s\", want \"%s\"\n", (int)length, start, want);
}

static void test_lines_are_broken_at_spaces(void)
{
    const char *text = "a red apple in front\nof houses";
    CHECK(font_lines(text, 11) == 3);
    line_is(&text, 11, "a red apple"); /* exactly full */
    line_is(&text, 11, "in front");
    line_is(&text, 11, "of houses");
    CHECK(*text == '\0');
    text = "extraordinarily  long";
    line_is(&text, 6, "extrao");
    line_is(&text, 6, "rdinar");
    line_is(&text, 6, "ily ");
    line_is(&text, 6, "long");
    CHECK(*text == '\0');
    text = "gr\xc3\xb6\xc3\x9f"
           "er als"; /* bytes of one character stay together */
    line_is(&text, 4, "gr\xc3\xb6\xc3\x9f");
    line_is(&text, 4, "er");
    line_is(&text, 4, "als");
    CHECK(font_lines("", 5) == 0 && font_lines("\n\n", 5) == 2 && font_lines("x\n", 5) == 1);
    CHECK(font_characters("gr\xc3\xb6\xc3\x9f"
                          "er",
                          8) == 6);
}

/* However narrow, every character is shown once and the end is reached. */
static void test_every_width_comes_to_an_end(void)
{
    static const char TEXT[] = " one  two\nthree-and-a-half \xf0\x9f\x98\xba x ";
    for (int columns = 1; columns < 40; columns++) {
        const char *text = TEXT;
        int shown = 0, fits = 1;
        for (int lines = 0; *text != '\0' && lines < 100; lines++) {
            const char *start = text;
            const size_t length = font_line(&text, columns);
            fits = fits && font_characters(start, length) <= columns && text > start;
            for (size_t i = 0; i < length; i++)
                shown += start[i] != ' ';
        }
        CHECK(fits && *text == '\0' && shown == 3 + 3 + 16 + 4 + 1);
    }
}

static void test_drawing_is_scaled_and_clipped(void)
{
    Arena arena = {0};
    Image image = {0}, small = {0};
    CHECK(image_new(&image, 30, 40, 3, &arena, NULL) == STATUS_OK);
    CHECK(image_new(&small, 5, 5, 1, &arena, NULL) == STATUS_OK);
    font_draw(&image, 4, 6, "A\xc3\xb6", 3, 2, (unsigned char[]){9, 8, 7});
    int same = 1;
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 30; x++) {
            const int u = x - 4, v = y - 6;
            const bool inside = u >= 0 && u < 24 && v >= 0 && v < 22;
            const bool set = inside && font_pixel(u < 12 ? 'A' : 127, u % 12 / 2, v / 2);
            same = same && memcmp(image_at(&image, x, y), set ? "\x09\x08\x07" : "\0\0", 3) == 0;
        }
    CHECK(same);
    for (int x = -40; x < 20; x += 3)
        font_draw(&small, x, x / 2, "clipped", 7, 3, (unsigned char[]){1});
    font_draw(&small, 2147483647, -2147483647, "far", 3, 2, (unsigned char[]){1});
    arena_free(&arena);
}

int main(void)
{
    test_a_shape();
    test_all_shapes_differ();
    test_lines_are_broken_at_spaces();
    test_every_width_comes_to_an_end();
    test_drawing_is_scaled_and_clipped();
    return check_report("font");
}
