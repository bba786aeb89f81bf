#include "diffusion/world_paint.h"

#include "diffusion/world_resample.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;

static WorldCanvas canvas_of(int size)
{
    WorldCanvas canvas = {0};
    CHECK(world_canvas(&canvas, &tiny.world, size, &arena, NULL) == STATUS_OK);
    return canvas;
}

static const float *pixel(const WorldCanvas *canvas, int x, int y)
{
    return canvas->pixel + (y * canvas->size + x) * 4;
}

static int cover(const WorldCanvas *canvas, int x, int y)
{
    return canvas->cover[y * canvas->size + x];
}

static bool box_is(WorldBox b, int x0, int y0, int x1, int y1)
{
    return b.x0 == x0 && b.y0 == y0 && b.x1 == x1 && b.y1 == y1;
}

/* Drawings of 8 pixels at a side of 8 units of a picture of 64: copied as they are. */
static void test_a_scene_by_hand(void)
{
    WorldCanvas canvas = canvas_of(64);
    WorldScene s = {.kind = WORLD_LAYERED, .count = 3};
    s.object[0] =
        (WorldObject){.concept = 2, .order = 2, .x = 12, .y = 10, .side = 8}; /* veil, on top of both */
    s.object[1] = (WorldObject){.concept = 0, .order = 0, .x = 10, .y = 10, .side = 8}; /* square */
    s.object[2] = (WorldObject){.concept = 1, .order = 1, .x = 30, .y = 40, .side = 8, .mirror = true};
    WorldBox box[WORLD_OBJECTS];
    world_paint(&canvas, box, &tiny.world, &s);

    CHECK(pixel(&canvas, 10, 10)[0] == WORLD_FULL && pixel(&canvas, 10, 10)[3] == WORLD_FULL);
    CHECK(pixel(&canvas, 9, 10)[3] == 0.0f && pixel(&canvas, 10, 18)[3] == 0.0f);
    /* Veil over square: green 200 * 100, red 255 * 255 * (1 - 100 / 255). */
    CHECK_NEAR(pixel(&canvas, 12, 10)[0], 255.0 * 155.0, 1e-6);
    CHECK(pixel(&canvas, 12, 10)[1] == 20000.0f);
    CHECK_NEAR(pixel(&canvas, 12, 10)[3], WORLD_FULL, 1e-6);
    CHECK(pixel(&canvas, 19, 17)[1] == 20000.0f && pixel(&canvas, 19, 17)[3] == 25500.0f);
    CHECK(pixel(&canvas, 34, 40)[2] == WORLD_FULL &&
          pixel(&canvas, 33, 40)[3] == 0.0f); /* mirrored: right half */

    CHECK(cover(&canvas, 12, 10) == 2); /* the veil covers less than half */
    CHECK(cover(&canvas, 35, 41) == 4 && cover(&canvas, 32, 41) == 0);
    CHECK(box_is(box[0], 0, 0, 0, 0) && box_is(box[1], 10, 10, 18, 18) && box_is(box[2], 34, 40, 38, 48));

    unsigned char rgb[3];
    world_flatten(rgb, pixel(&canvas, 19, 17), 1, (const unsigned char[3]){255, 214, 224});
    CHECK(rgb[0] == 155 && rgb[1] == 209 &&
          rgb[2] == 136); /* 255 * 155/255, (20000 + 214 * 155) / 255, 224 * 155/255 */
    arena_free(&arena);
}

static void test_order_decides(void)
{
    WorldCanvas canvas = canvas_of(64);
    WorldScene s = {.kind = WORLD_LAYERED, .count = 2};
    s.object[0] = (WorldObject){.concept = 0, .order = 1, .x = 8, .y = 8, .side = 8};
    s.object[1] = (WorldObject){.concept = 3, .order = 0, .x = 12, .y = 8, .side = 8};
    WorldBox box[WORLD_OBJECTS];
    world_paint(&canvas, box, &tiny.world, &s);
    CHECK(pixel(&canvas, 13, 9)[0] == WORLD_FULL && pixel(&canvas, 13, 9)[1] == 0.0f);
    CHECK(cover(&canvas, 13, 9) == 3 && world_nearest(&s, 3) == 0 && world_nearest(&s, 2) == 1 &&
          world_nearest(&s, 0) == -1);
    CHECK(box_is(box[1], 12, 8, 20, 16)); /* the hidden part counts */
    s.object[0].order = 0;
    s.object[1].order = 1;
    world_canvas_empty(&canvas);
    CHECK(cover(&canvas, 13, 9) == 0 && pixel(&canvas, 13, 9)[3] == 0.0f);
    world_paint(&canvas, box, &tiny.world, &s);
    CHECK(pixel(&canvas, 13, 9)[1] == WORLD_FULL && world_nearest(&s, 3) == 1);
    arena_free(&arena);
}

static void test_sizes_follow_the_units(void)
{
    static const int sizes[3] = {32, 64, 128};
    const WorldObject square = {.concept = 0, .x = 6, .y = 20, .side = 40};
    for (int i = 0; i < 3; i++) {
        const int size = sizes[i];
        WorldCanvas canvas = canvas_of(size);
        WorldBox box;
        world_paint_object(&canvas, &box, &tiny.world, 0, &square, 3);
        CHECK(box_is(box, 6 * size / 64, 20 * size / 64, 46 * size / 64, 60 * size / 64));
        CHECK(cover(&canvas, size / 2, size / 2) == 8);
        arena_free(&arena);
    }
}

static void test_what_is_outside_is_cut_off(void)
{
    WorldCanvas canvas = canvas_of(64);
    WorldBox box;
    world_paint_object(&canvas, &box, &tiny.world, 0,
                       &(WorldObject){.concept = 0, .x = -5, .y = 60, .side = 8}, 0);
    CHECK(box_is(box, 0, 60, 3, 64) && cover(&canvas, 2, 63) == 1 && cover(&canvas, 3, 63) == 0);
    world_paint_object(&canvas, &box, &tiny.world, 0,
                       &(WorldObject){.concept = 0, .x = 64, .y = 0, .side = 8}, 0);
    CHECK(box_is(box, 0, 0, 0, 0));
    world_paint_object(&canvas, &box, &tiny.world, 0,
                       &(WorldObject){.concept = 0, .x = 0, .y = -8, .side = 8}, 0);
    CHECK(box_is(box, 0, 0, 0, 0) && cover(&canvas, 0, 0) == 0);
    arena_free(&arena);
}

static void test_every_allocation_may_fail(void)
{
    for (size_t n = 1; n <= 3; n++) {
        Arena small = {.fail_after = n};
        WorldCanvas canvas;
        CHECK(world_canvas(&canvas, &tiny.world, 64, &small, NULL) == STATUS_MEMORY);
        arena_free(&small);
    }
}

int main(void)
{
    tiny_world(&tiny);
    test_a_scene_by_hand();
    test_order_decides();
    test_sizes_follow_the_units();
    test_what_is_outside_is_cut_off();
    test_every_allocation_may_fail();
    return check_report("world_paint");
}
