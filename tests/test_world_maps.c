#include "diffusion/world_maps.h"

#include "diffusion/world_resample.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;
static WorldScene scene; /* a square of 32 units at (8, 16), a tile before it at (24, 24) */
static WorldCanvas canvas;

static void paint(void)
{
    WorldBox box[WORLD_OBJECTS];
    scene = (WorldScene){.kind = WORLD_LAYERED, .count = 2};
    scene.object[0] =
        (WorldObject){.concept = 3, .place = PLACE_FRONT, .order = 1, .x = 24, .y = 24, .side = 32};
    scene.object[1] =
        (WorldObject){.concept = 0, .place = PLACE_BEHIND, .order = 0, .x = 8, .y = 16, .side = 32};
    CHECK(world_canvas(&canvas, &tiny.world, 64, &arena, NULL) == STATUS_OK);
    world_paint(&canvas, box, &tiny.world, &scene);
}

static int level(const Image *image, int x, int y)
{
    const unsigned char *p = image_at(image, x, y);
    return p[0] == p[1] && p[1] == p[2] ? p[0] : -1;
}

static Image map_of(void)
{
    Image map = {0};
    CHECK(image_new(&map, 64, 64, 3, &arena, NULL) == STATUS_OK);
    return map;
}

/* The front object (0 of the scene) hides a corner of the one behind (1). */
static void test_masks(void)
{
    uint16_t objects[64 * 64];
    world_masks(objects, &scene, &canvas);
    CHECK(objects[0] == 0 && objects[20 * 64 + 10] == 2 && objects[30 * 64 + 30] == 1 &&
          objects[50 * 64 + 50] == 1);
    int wrong = 0, hidden = 0;
    for (int i = 0; i < 64 * 64; i++) {
        const unsigned cover = canvas.cover[i];
        wrong += objects[i] != ((cover & 1) != 0 ? 1 : (cover & 2) != 0 ? 2 : 0);
        hidden += cover == 3;
    }
    CHECK(wrong == 0 && hidden >= 15 * 23);
}

static void test_labels(void)
{
    uint16_t concepts[64 * 64], categories[64 * 64];
    tiny.concept[3].category = 1;
    world_labels(concepts, categories, &tiny.world, &scene, &canvas);
    CHECK(concepts[0] == 0 && categories[0] == 0);
    CHECK(concepts[20 * 64 + 10] == 1 && categories[20 * 64 + 10] == 1);
    CHECK(concepts[30 * 64 + 30] == 4 && categories[30 * 64 + 30] == 2); /* where both are, the nearer */
    CHECK(concepts[50 * 64 + 50] == 4);
    int count[5] = {0};
    for (int i = 0; i < 64 * 64; i++)
        count[concepts[i]]++;
    /* but for rounded corners: coverage is a product of two halves there */
    CHECK(count[4] <= 32 * 32 && count[4] >= 32 * 32 - 16);
    CHECK(count[1] <= 32 * 32 - 16 * 24 && count[1] >= 32 * 32 - 16 * 24 - 16);
    CHECK(count[0] + count[1] + count[4] == 64 * 64);
    tiny.concept[3].category = 0;
}

/* Distances 3 and 4 for a step straight and aslant; an eighth of 64 is 8 pixels. */
static void test_depth_by_hand(void)
{
    Image depth = map_of();
    CHECK(world_depth(&depth, &scene, &canvas, &arena, NULL) == STATUS_OK);
    CHECK(level(&depth, 0, 0) == 0);
    CHECK(level(&depth, 24, 40) == DEPTH_FRONT + DEPTH_RELIEF * 3 / 24); /* at the outline: one step */
    CHECK(level(&depth, 26, 40) == DEPTH_FRONT + DEPTH_RELIEF * 9 / 24); /* three */
    CHECK(level(&depth, 40, 40) == DEPTH_FRONT + DEPTH_RELIEF);          /* deep inside */
    CHECK(level(&depth, 8, 40) == DEPTH_BACK + DEPTH_RELIEF * 3 / 24);
    CHECK(level(&depth, 23, 32) == DEPTH_BACK + DEPTH_RELIEF); /* the hidden part is not an outline */
    scene.kind = WORLD_SCENE;
    CHECK(world_depth(&depth, &scene, &canvas, &arena, NULL) == STATUS_OK);
    CHECK(level(&depth, 8, 40) == DEPTH_FRONT + DEPTH_RELIEF * 3 / 24); /* in a scene nothing is behind */
    scene.kind = WORLD_LAYERED;
}

static void test_distances_round_a_corner(void)
{
    static unsigned char cover[64 * 64];
    memset(cover, 1, sizeof cover);
    cover[10 * 64 + 10] = 0;
    WorldScene one = {.kind = WORLD_SINGLE, .count = 1};
    WorldCanvas flat = {.size = 64, .cover = cover};
    Image depth = map_of();
    CHECK(world_depth(&depth, &one, &flat, &arena, NULL) == STATUS_OK);
    CHECK(level(&depth, 10, 10) == 0);
    CHECK(level(&depth, 12, 11) == DEPTH_FRONT + DEPTH_RELIEF * 7 / 24); /* 4 + 3 */
    CHECK(level(&depth, 8, 12) == DEPTH_FRONT + DEPTH_RELIEF * 8 / 24);  /* 4 + 4 */
    CHECK(level(&depth, 10, 6) == DEPTH_FRONT + DEPTH_RELIEF * 12 / 24);
    CHECK(level(&depth, 63, 63) == DEPTH_FRONT + DEPTH_RELIEF); /* the border is no outline */
}

/* Columns of coverage 0 up to x = 31 and full from 32 on: Sobel gives 4 * 255 at 31 and 32, flat elsewhere; the
 * ridge is the first of the two equals. */
static void test_sketch_of_a_step(void)
{
    static float step[64 * 64 * 4];
    static unsigned char cover[64 * 64];
    WorldCanvas edge = {.size = 64, .pixel = step, .cover = cover};
    for (int i = 0; i < 64 * 64; i++)
        for (int c = 0; c < 4; c++)
            step[4 * i + c] = i % 64 >= 32 ? (float)WORLD_FULL : 0.0f;
    Image sketch = map_of();
    CHECK(world_sketch(&sketch, &edge, &arena, NULL) == STATUS_OK);
    for (int y = 0; y < 64; y += 9) {
        CHECK(level(&sketch, 31, y) == 255 && level(&sketch, 32, y) == 63);
        CHECK(level(&sketch, 30, y) == 0 && level(&sketch, 33, y) == 0);
    }
    for (int i = 0; i < 64 * 64; i++)
        for (int c = 0; c < 4; c++)
            step[4 * i + c] = (i / 64 >= 20 ? 0.25f : 0.0f) * (float)WORLD_FULL;
    CHECK(world_sketch(&sketch, &edge, &arena, NULL) == STATUS_OK);
    CHECK(level(&sketch, 7, 19) == 4 * 64 / 2 && level(&sketch, 7, 20) == 4 * 64 / 2 / 4 &&
          level(&sketch, 7, 25) == 0);
}

/* White on white has an outline all the same: its coverage has a slope. */
static void test_sketch_shows_white_things(void)
{
    Image sketch = map_of();
    CHECK(world_sketch(&sketch, &canvas, &arena, NULL) == STATUS_OK);
    int brightest = 0;
    for (int x = 50; x < 62; x++)
        brightest = level(&sketch, x, 50) > brightest ? level(&sketch, x, 50) : brightest;
    CHECK(brightest > 200);
    CHECK(level(&sketch, 44, 44) == 0 && level(&sketch, 0, 0) == 0);
}

static void test_lines(void)
{
    Image lines = map_of();
    CHECK(world_lines(&lines, &tiny.world, &scene, &canvas, &arena, NULL) == STATUS_OK);
    CHECK(level(&lines, 40, 40) == 255 && level(&lines, 0, 0) == 0);
    tiny.pair[2 * TINY_CONCEPTS + 3] =
        PAIR_NONE; /* the tile has no line drawing, but still hides the square's */
    CHECK(world_lines(&lines, &tiny.world, &scene, &canvas, &arena, NULL) == STATUS_OK);
    CHECK(level(&lines, 12, 20) == 255 && level(&lines, 36, 36) == 0 && level(&lines, 50, 50) == 0);
    tiny.style[2].role = STYLE_BASE;
    Error err = {0};
    CHECK(world_lines(&lines, &tiny.world, &scene, &canvas, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "no line drawings");
    tiny_world(&tiny);
}

static void test_every_allocation_may_fail(void)
{
    Image map = map_of();
    int lines = 0;
    for (size_t n = 1; n <= 2; n++) {
        Arena small = {.fail_after = n};
        CHECK(world_sketch(&map, &canvas, &small, NULL) == STATUS_MEMORY && small.used == 0);
        arena_free(&small);
    }
    Arena none = {.fail_after = 1};
    CHECK(world_depth(&map, &scene, &canvas, &none, NULL) == STATUS_MEMORY);
    arena_free(&none);
    for (size_t n = 1; n <= 4; n++) {
        Arena small = {.fail_after = n};
        lines += world_lines(&map, &tiny.world, &scene, &canvas, &small, NULL) == STATUS_MEMORY &&
                 small.used == 0;
        arena_free(&small);
    }
    CHECK(lines == 3);
}

int main(void)
{
    tiny_world(&tiny);
    paint();
    test_masks();
    test_labels();
    test_depth_by_hand();
    test_distances_round_a_corner();
    test_sketch_of_a_step();
    test_sketch_shows_white_things();
    test_lines();
    test_every_allocation_may_fail();
    arena_free(&arena);
    return check_report("world_maps");
}
