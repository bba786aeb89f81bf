#include "io/picture.h"
#include "tests/check.h"

static Arena arena;

static void test_the_format_is_told_by_its_bytes(void)
{
    Image image = {0};
    Error err = {0};
    CHECK(picture_decode(&image, "P5 1 1 9\n9", 10, "x.png", &arena, &err) ==
          STATUS_FORMAT); /* '9' is above 9 */
    CHECK_TEXT(err.text, "x.png: sample 0");
    CHECK(picture_decode(&image, "P2 1 1 9\n9", 10, "x.png", &arena, NULL) == STATUS_OK &&
          image.pixels[0] == 255);
    err = (Error){0};
    CHECK(picture_decode(&image, "\xff\xd8\xff\xe0", 4, "x.jpg", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "x.jpg: is not a PNG, PPM or PGM picture");
    CHECK(picture_decode(&image, "", 0, "x", &arena, NULL) == STATUS_FORMAT);
    CHECK(picture_read(&image, "tests/corpus/png/c6-08.png", &arena, NULL) == STATUS_OK &&
          image.channels == 4);
    CHECK(picture_read(&image, "no/such.png", &arena, NULL) == STATUS_FILE);
}

static void test_the_format_is_chosen_by_the_name(void)
{
    static const char *const PATH[] = {"build/test_picture.png", "build/test_picture.ppm",
                                       "build/test_picture"};
    static const char *const START[] = {"\x89PNG", "P6\n2", "\x89PNG"};
    Image image = {0}, back = {0};
    CHECK(image_new(&image, 2, 2, 3, &arena, NULL) == STATUS_OK);
    image.pixels[7] = 99;
    for (int i = 0; i < 3; i++) {
        char start[4] = "";
        CHECK(picture_write(PATH[i], &image, (PngText[]){{"key", "text"}}, 1, &arena, NULL) == STATUS_OK);
        CHECK(picture_read(&back, PATH[i], &arena, NULL) == STATUS_OK &&
              memcmp(back.pixels, image.pixels, 12) == 0);
        FILE *file = fopen(PATH[i], "rb");
        CHECK(file != NULL && fread(start, 1, 4, file) == 4 && memcmp(start, START[i], 4) == 0);
        if (file != NULL)
            fclose(file);
        CHECK(remove(PATH[i]) == 0);
    }
}

static void test_every_allocation_can_fail(void)
{
    for (size_t n = 1; n < 20; n++) {
        Arena small = {.fail_after = n};
        Image image = {0};
        const Status status = picture_read(&image, "tests/corpus/png/c6-08.png", &small, NULL);
        CHECK(status == STATUS_OK ? n > 3
                                  : status == STATUS_MEMORY && small.used == 0 && image.pixels == NULL);
        arena_free(&small);
        if (status == STATUS_OK)
            return;
    }
    CHECK(!"never enough memory");
}

int main(void)
{
    test_the_format_is_told_by_its_bytes();
    test_the_format_is_chosen_by_the_name();
    test_every_allocation_can_fail();
    arena_free(&arena);
    return check_report("picture");
}
