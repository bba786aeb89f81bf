#include "diffusion/world_pack.h"

#include <stdlib.h>

#include "base/file.h"
#include "io/png.h"
#include "tests/check.h"
#include "tests/scratch.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;
static char folder[SCRATCH_PATH];

/* Transparent, but for an opaque rectangle of one colour. */
static Image render(int size, int x0, int y0, int width, int height, const unsigned char rgb[3])
{
    Image image = {0};
    CHECK(image_new(&image, size, size, 4, &arena, NULL) == STATUS_OK);
    for (int y = y0; y < y0 + height; y++)
        for (int x = x0; x < x0 + width; x++) {
            memcpy(image_at(&image, x, y), rgb, 3);
            image_at(&image, x, y)[3] = 255;
        }
    return image;
}

/* 16 x 8 opaque pixels fill the width of a cell of 16 and stand in the middle of its height, unchanged. */
static void test_fitting_by_hand(void)
{
    unsigned char cell[16 * 16 * 4];
    Image image = render(40, 20, 3, 16, 8, (const unsigned char[3]){9, 99, 199});
    image_at(&image, 1, 1)[3] = 15; /* too faint to be seen */
    memset(cell, 7, sizeof cell);
    CHECK(world_fit(cell, 16 * 4, 16, &image, "x", &arena, NULL) == STATUS_OK);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 16; x++) {
            const unsigned char *p = cell + (y * 16 + x) * 4;
            const bool inside = y >= 4 && y < 12;
            CHECK(p[3] == (inside ? 255 : 0) && p[0] == (inside ? 9 : 0) && p[2] == (inside ? 199 : 0));
        }
}

static void test_straight_colour_survives_soft_edges(void)
{
    unsigned char cell[8 * 8 * 4];
    const Image image = render(64, 5, 5, 50, 50, (const unsigned char[3]){200, 100, 50});
    CHECK(world_fit(cell, 8 * 4, 8, &image, "x", &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 64; i++) {
        const unsigned char *p = cell + 4 * i;
        CHECK(p[3] > 200 && abs(p[0] - 200) <= 1 && abs(p[1] - 100) <= 1 && abs(p[2] - 50) <= 1);
    }
}

static void test_bad_renderings_are_refused(void)
{
    unsigned char cell[8 * 8 * 4];
    Error err = {0};
    Image image = render(20, 0, 0, 0, 0, (const unsigned char[3]){0, 0, 0});
    CHECK(world_fit(cell, 8 * 4, 8, &image, "empty.png", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "empty.png: nothing is to be seen");
    err = (Error){0};
    CHECK(image_new(&image, 8, 8, 3, &arena, NULL) == STATUS_OK);
    CHECK(world_fit(cell, 8 * 4, 8, &image, "rgb.png", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "rgb.png: has no alpha");
}

static void put(const char *name, const Image *image)
{
    CHECK(png_write(path_join(&arena, folder, name), image, NULL, 0, &arena, NULL) == STATUS_OK);
}

static void test_a_sheet_of_two_drawings(void)
{
    const Image red = render(32, 0, 0, 32, 32, (const unsigned char[3]){255, 0, 0});
    const Image blue = render(16, 4, 0, 8, 16, (const unsigned char[3]){0, 0, 255});
    for (int c = 0; c < TINY_CONCEPTS; c++)
        tiny.pair[c] = c == 0 ? PAIR_TRAIN : c == 3 ? PAIR_TEST : PAIR_NONE;
    CHECK(folder_make(path_join(&arena, folder, "ink"), NULL) == STATUS_OK);
    put("ink/square.png", &red);
    Image sheet = {0};
    Error err = {0};
    CHECK(world_pack(&sheet, &tiny.world, 0, folder, 8, &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "ink/tile.png");
    CHECK(sheet.pixels == NULL);
    put("ink/tile.png", &blue);
    CHECK(world_pack(&sheet, &tiny.world, 0, folder, 8, &arena, NULL) == STATUS_OK);
    CHECK(sheet.width == 8 * WORLD_COLUMNS && sheet.height == 8 && sheet.channels == 4);
    CHECK(memcmp(image_at(&sheet, 4, 4), (const unsigned char[4]){255, 0, 0, 255}, 4) == 0);
    CHECK(image_at(&sheet, 8, 4)[3] == 0);
    CHECK(memcmp(image_at(&sheet, 3 * 8 + 4, 4), (const unsigned char[4]){0, 0, 255, 255}, 4) == 0);
    CHECK(image_at(&sheet, 3 * 8, 4)[3] == 0 && image_at(&sheet, 3 * 8 + 7, 4)[3] == 0);
    CHECK(world_pack(&sheet, &tiny.world, 0, folder, 7, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(world_pack(&sheet, &tiny.world, 0, folder, WORLD_CELL_MAX + 1, &arena, NULL) == STATUS_ARGUMENT);
    for (size_t n = 1;; n++) {
        Arena small = {.fail_after = n};
        const Status status = world_pack(&sheet, &tiny.world, 0, folder, 8, &small, NULL);
        arena_free(&small);
        if (status == STATUS_OK)
            break;
        CHECK(status == STATUS_MEMORY);
    }
    remove(path_join(&arena, folder, "ink/square.png"));
    remove(path_join(&arena, folder, "ink/tile.png"));
    remove(path_join(&arena, folder, "ink"));
    CHECK(remove(folder) == 0);
}

int main(void)
{
    tiny_world(&tiny);
    scratch_path(folder, "pack");
    test_fitting_by_hand();
    test_straight_colour_survives_soft_edges();
    test_bad_renderings_are_refused();
    test_a_sheet_of_two_drawings();
    arena_free(&arena);
    return check_report("world_pack");
}
