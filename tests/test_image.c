#include "io/image.h"
#include "tests/check.h"

static Arena arena;

static Image new_image(int width, int height, int channels)
{
    Image image = {0};
    Error err = {0};
    CHECK(image_new(&image, width, height, channels, &arena, &err) == STATUS_OK);
    return image;
}

static void test_new(void)
{
    Error err = {0};
    Image image = new_image(3, 2, 4);
    CHECK(image_size(&image) == 24 && image_at(&image, 2, 1) == image.pixels + 20);
    for (size_t i = 0; i < 24; i++)
        CHECK(image.pixels[i] == 0);
    static const int BAD[][3] = {
        {0, 1, 3}, {1, 0, 3}, {-1, 1, 3}, {1 << 20, 1 << 20, 3}, {(1 << 20) + 1, 1, 1}, {1, 1, 2}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        CHECK(image_new(&image, BAD[i][0], BAD[i][1], BAD[i][2], &arena, NULL) == STATUS_ARGUMENT);
    Arena none = {.fail_after = 1};
    CHECK(image_new(&image, 1, 1, 3, &none, &err) == STATUS_MEMORY && image.width == 3);
    CHECK_TEXT(err.text, "1 x 1 x 3");
}

static void test_convert(void)
{
    Image colour = new_image(2, 1, 3), grey = {0}, alpha = {0}, back = {0};
    memcpy(colour.pixels, (unsigned char[]){255, 0, 0, 10, 200, 30}, 6);
    CHECK(image_convert(&grey, &colour, 1, &arena, NULL) == STATUS_OK);
    CHECK(grey.pixels[0] == 76 && grey.pixels[1] == 124); /* 76.2, and 2.99 + 117.4 + 3.42 = 123.8 */
    CHECK(image_convert(&alpha, &colour, 4, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(alpha.pixels, (unsigned char[]){255, 0, 0, 255, 10, 200, 30, 255}, 8) == 0);
    CHECK(image_convert(&back, &alpha, 3, &arena, NULL) == STATUS_OK &&
          memcmp(back.pixels, colour.pixels, 6) == 0);
    CHECK(image_convert(&back, &grey, 3, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(back.pixels, (unsigned char[]){76, 76, 76, 124, 124, 124}, 6) == 0);
    for (int v = 0; v < 256; v++) { /* grey stays what it is */
        memset(colour.pixels, v, 6);
        CHECK(image_convert(&grey, &colour, 1, &arena, NULL) == STATUS_OK && grey.pixels[0] == v);
    }
}

/* Every alpha, colour and background against the rule in integers: a s + (1 - a) d, nearest. */
static void test_over_an_opaque_picture(void)
{
    Image below = new_image(1, 1, 3), above = new_image(1, 1, 4);
    int good = 1;
    for (int a = 0; a < 256; a++)
        for (int s = 0; s < 256; s += 5)
            for (int d = 0; d < 256; d += 3) {
                memset(below.pixels, d, 3);
                memcpy(above.pixels, (unsigned char[]){(unsigned char)s, 0, 255, (unsigned char)a}, 4);
                image_over(&below, &above, 0, 0);
                const double want = (a * s + (255 - a) * d) / 255.0;
                good = good && fabs(below.pixels[0] - want) <= 0.5 + 1e-9;
            }
    CHECK(good);
}

static void test_over_a_transparent_picture(void)
{
    Image below = new_image(1, 1, 4), above = new_image(1, 1, 4);
    memcpy(above.pixels, (unsigned char[]){10, 20, 30, 40}, 4);
    image_over(&below, &above, 0, 0); /* over nothing: itself */
    CHECK(memcmp(below.pixels, above.pixels, 4) == 0);
    memcpy(below.pixels, (unsigned char[]){100, 0, 200, 128}, 4);
    memcpy(above.pixels, (unsigned char[]){0, 100, 200, 128}, 4);
    image_over(&below, &above, 0, 0); /* alpha 128 + 128 * 127 / 255 = 191.75; shares 128 and 63.75 */
    CHECK(memcmp(below.pixels, (unsigned char[]){33, 67, 200, 192}, 4) == 0);
    memset(above.pixels, 0, 4);
    image_over(&below, &above, 0, 0);
    CHECK(memcmp(below.pixels, (unsigned char[]){33, 67, 200, 192}, 4) == 0);
}

static void test_flatten(void)
{
    Image image = new_image(2, 1, 4), flat = {0};
    memcpy(image.pixels, (unsigned char[]){9, 9, 9, 0, 50, 60, 70, 255}, 8);
    CHECK(image_flatten(&flat, &image, (unsigned char[]){1, 2, 3}, &arena, NULL) == STATUS_OK &&
          flat.channels == 3);
    CHECK(memcmp(flat.pixels, (unsigned char[]){1, 2, 3, 50, 60, 70}, 6) == 0);
}

/* A part that hangs over each side, far outside, and larger than the picture. */
static void test_paste_is_clipped(void)
{
    static const int PLACE[] = {-2147483647 - 1, -2147483647, -1000, -3, -2, -1, 0, 1, 3, 4, 5, 1000,
                                2147483647};
    const int places = sizeof PLACE / sizeof PLACE[0];
    Image image = new_image(5, 4, 3), part = new_image(2, 3, 1);
    memset(part.pixels, 7, 6);
    for (int i = 0; i < places; i++)
        for (int j = 0; j < places; j++) {
            int good = 1;
            memset(image.pixels, 0, image_size(&image));
            image_paste(&image, &part, PLACE[i], PLACE[j]);
            for (int y = 0; y < 4; y++)
                for (int x = 0; x < 5; x++) {
                    const long long u = (long long)x - PLACE[i], v = (long long)y - PLACE[j];
                    const int inside = u >= 0 && u < 2 && v >= 0 && v < 3;
                    good = good && *image_at(&image, x, y) == (inside ? 7 : 0);
                }
            CHECK(good);
        }
    Image large = new_image(20, 20, 4);
    image_fill(&large, (unsigned char[]){1, 2, 3, 4});
    image_paste(&image, &large, -7, -9);
    CHECK(memcmp(image_at(&image, 4, 3), (unsigned char[]){1, 2, 3}, 3) == 0);
}

static void test_crop_and_mirror(void)
{
    Image image = new_image(3, 2, 3), part = {0};
    for (int i = 0; i < 18; i++)
        image.pixels[i] = (unsigned char)i;
    CHECK(image_crop(&part, &image, 1, 1, 2, 1, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(part.pixels, image.pixels + 12, 6) == 0);
    image_mirror(&part);
    CHECK(memcmp(part.pixels, (unsigned char[]){15, 16, 17, 12, 13, 14}, 6) == 0);
    image_mirror(&image);
    CHECK(memcmp(image.pixels, (unsigned char[]){6, 7, 8, 3, 4, 5, 0, 1, 2}, 9) == 0);
    static const int BAD[][4] = {{-1, 0, 1, 1}, {0, -1, 1, 1}, {0, 0, 0, 1},
                                 {0, 0, 4, 1},  {2, 0, 2, 1},  {0, 1, 1, 2}};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        CHECK(image_crop(&part, &image, BAD[i][0], BAD[i][1], BAD[i][2], BAD[i][3], &arena, NULL) ==
              STATUS_ARGUMENT);
}

static void test_planes(void)
{
    Image image = new_image(2, 1, 3), back = new_image(2, 1, 3);
    float planes[6];
    memcpy(image.pixels, (unsigned char[]){0, 128, 255, 1, 2, 3}, 6);
    image_to_planes(planes, &image);
    CHECK(planes[0] == -1.0f && planes[4] == 1.0f); /* red of the first pixel, blue of the first */
    CHECK_NEAR(planes[2], 128 / 127.5 - 1, 1e-7);
    CHECK_NEAR(planes[1], 1 / 127.5 - 1, 1e-7);
    image_to_unit_planes(planes, &image);
    CHECK(planes[0] == 0.0f && planes[4] == 1.0f);
    Image all = new_image(256, 1, 1), same = new_image(256, 1, 1);
    float line[256];
    for (int i = 0; i < 256; i++)
        all.pixels[i] = (unsigned char)i;
    image_to_planes(line, &all);
    image_from_planes(&same, line);
    CHECK(memcmp(all.pixels, same.pixels, 256) == 0);
    const float odd[6] = {-9.0f, 9.0f, 0.0f, NAN, INFINITY, -INFINITY}; /* 0: 127.5 goes to the even 128 */
    image_from_planes(&back, odd);
    CHECK(memcmp(back.pixels, (unsigned char[]){0, 128, 255, 255, 0, 0}, 6) == 0);
}

int main(void)
{
    test_new();
    test_convert();
    test_over_an_opaque_picture();
    test_over_a_transparent_picture();
    test_flatten();
    test_paste_is_clipped();
    test_crop_and_mirror();
    test_planes();
    arena_free(&arena);
    return check_report("image");
}
