#include "diffusion/label_colour.h"

#include <stdlib.h>

#include "tests/check.h"

static int is_colour(unsigned label, int r, int g, int b)
{
    unsigned char rgb[3];
    label_colour(rgb, label);
    return rgb[0] == r && rgb[1] == g && rgb[2] == b;
}

/* The first colours of PASCAL VOC's map. */
static void test_known_colours(void)
{
    CHECK(is_colour(0, 0, 0, 0));
    CHECK(is_colour(1, 128, 0, 0));
    CHECK(is_colour(2, 0, 128, 0));
    CHECK(is_colour(3, 128, 128, 0));
    CHECK(is_colour(7, 128, 128, 128));
    CHECK(is_colour(8, 64, 0, 0));
    CHECK(is_colour(20, 0, 64, 128));
    CHECK(is_colour(255, 224, 224, 192));
    CHECK(is_colour(511, 224, 224, 224));
}

static void test_colours_differ_by_32_at_least(void)
{
    int least = 255;
    for (unsigned a = 0; a < LABEL_COLOURS; a++) {
        unsigned char p[3], q[3];
        label_colour(p, a);
        for (unsigned b = 0; b < a; b++) {
            label_colour(q, b);
            int most = 0;
            for (int c = 0; c < 3; c++)
                most = abs(p[c] - q[c]) > most ? abs(p[c] - q[c]) : most;
            least = most < least ? most : least;
        }
    }
    CHECK(least == 32);
}

static void test_painting(void)
{
    Arena arena = {0};
    Error err = {0};
    Image image;
    const uint16_t label[6] = {0, 1, 2, 3, 8, 511};
    CHECK(image_new(&image, 3, 2, 3, &arena, &err) == STATUS_OK);
    label_paint(&image, label);
    for (int i = 0; i < 6; i++) {
        unsigned char rgb[3];
        label_colour(rgb, label[i]);
        CHECK(memcmp(image_at(&image, i % 3, i / 3), rgb, 3) == 0);
    }
    arena_free(&arena);
}

int main(void)
{
    test_known_colours();
    test_colours_differ_by_32_at_least();
    test_painting();
    return check_report("label_colour");
}
