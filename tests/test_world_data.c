#include "diffusion/world_data.h"

#include "diffusion/world_sample.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;

static WorldData small(unsigned maps)
{
    WorldData data = {&tiny.world, WORLD_DEFAULTS};
    data.options.size = 32;
    data.options.maps = maps;
    return data;
}

/* A sample is the world's sample of that seed and number; its caption alone is the same one. */
static void test_samples_are_the_worlds(void)
{
    WorldData world = small(0);
    const DataSet set = world_data_set(&world);
    CHECK(set.size == 32 && set.count == 0);
    for (uint64_t i = 0; i < 20; i++) {
        DataSample got;
        WorldSample want;
        const char *caption = NULL;
        CHECK(data_sample(&set, 4, i, &got, &arena, NULL) == STATUS_OK);
        CHECK(world_sample(&tiny.world, &world.options, 4, i, &want, &arena, NULL) == STATUS_OK);
        CHECK(memcmp(got.image.pixels, want.image.pixels, image_size(&want.image)) == 0);
        CHECK(data_caption(&set, 4, i, &caption, &arena, NULL) == STATUS_OK);
        CHECK(strcmp(got.caption, want.caption) == 0 && strcmp(caption, want.caption) == 0);
    }
}

static void test_planes_are_the_pictures(void)
{
    enum { ONE = 3 * 32 * 32 };
    static float x[3 * ONE], one[ONE];
    WorldData world = small(0);
    const DataSet set = world_data_set(&world);
    const size_t used = arena.used;
    CHECK(data_planes(x, &set, 4, 7, 3, &arena, NULL) == STATUS_OK && arena.used == used);
    for (int i = 0; i < 3; i++) {
        DataSample sample;
        CHECK(data_sample(&set, 4, 7 + (uint64_t)i, &sample, &arena, NULL) == STATUS_OK);
        image_to_planes(one, &sample.image);
        CHECK(memcmp(one, x + i * ONE, sizeof one) == 0);
    }
}

static void test_captions_are_lines(void)
{
    WorldData world = small(0);
    const DataSet set = world_data_set(&world);
    Bytes all = {.arena = &arena}, part = {.arena = &arena};
    CHECK(data_captions(&all, &set, 5, 0, 20, NULL) == STATUS_OK);
    CHECK(data_captions(&part, &set, 5, 0, 7, NULL) == STATUS_OK);
    CHECK(data_captions(&part, &set, 5, 7, 13, NULL) == STATUS_OK);
    CHECK(all.size == part.size && memcmp(all.data, part.data, all.size) == 0);
    size_t lines = 0;
    for (size_t i = 0; i < all.size; i++)
        lines += all.data[i] == '\n';
    CHECK(lines == 20 && all.data[all.size - 1] == '\n');
}

/* A map stands beside its picture, which has not changed. */
static void test_maps_stand_beside(void)
{
    WorldData plain = small(0), world = small(WORLD_MAP_DEPTH | WORLD_MAP_LABELS);
    const DataSet bare = world_data_set(&plain), set = world_data_set(&world);
    DataSample sample, alone;
    WorldSample maps;
    CHECK(data_sample(&set, 1, 2, &sample, &arena, NULL) == STATUS_OK);
    CHECK(data_sample(&bare, 1, 2, &alone, &arena, NULL) == STATUS_OK);
    CHECK(world_sample(&tiny.world, &world.options, 1, 2, &maps, &arena, NULL) == STATUS_OK);
    CHECK(sample.image.width == 4 * 32 && sample.image.height == 32);
    for (int y = 0; y < 32; y++) {
        CHECK(memcmp(image_at(&sample.image, 0, y), image_at(&alone.image, 0, y), 96) == 0);
        CHECK(memcmp(image_at(&sample.image, 32, y), image_at(&maps.concept_map, 0, y), 96) == 0);
        CHECK(memcmp(image_at(&sample.image, 96, y), image_at(&maps.depth, 0, y), 96) == 0);
    }
}

static void test_a_contact_sheet(void)
{
    WorldData plain = small(0), world = small(WORLD_MAP_DEPTH | WORLD_MAP_LINES);
    DataSet set = world_data_set(&plain);
    Image sheet, wide;
    CHECK(data_contact_sheet(&sheet, &set, 1, 0, 4, 2, &arena, NULL) == STATUS_OK);
    set = world_data_set(&world);
    CHECK(data_contact_sheet(&wide, &set, 1, 0, 4, 2, &arena, NULL) == STATUS_OK);
    CHECK(sheet.channels == 3 && sheet.width >= 2 * 32 && wide.width > sheet.width);
}

static void test_refused(void)
{
    WorldData world = small(0);
    const DataSet set = world_data_set(&world);
    Error err = {0};
    DataSample sample = {.caption = "untouched"};
    const char *caption = NULL;
    CHECK(data_sample(&set, 1, (uint64_t)1 << 48, &sample, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "2^48");
    CHECK(data_caption(&set, 1, (uint64_t)1 << 48, &caption, &arena, NULL) == STATUS_ARGUMENT);
    world.options.size = 7;
    Bytes text = {.arena = &arena};
    CHECK(data_captions(&text, &set, 1, 0, 1, NULL) == STATUS_ARGUMENT && text.size == 0);
    CHECK(strcmp(sample.caption, "untouched") == 0 && caption == NULL);
}

static void test_every_allocation_may_fail(void)
{
    WorldData world = small(WORLD_MAP_DEPTH);
    const DataSet set = world_data_set(&world);
    Status status = STATUS_MEMORY;
    for (size_t n = 1; status != STATUS_OK && n < 1000; n++) {
        Arena small_arena = {.fail_after = n};
        Bytes text = {.arena = &small_arena};
        Image sheet;
        status = data_contact_sheet(&sheet, &set, 1, 0, 2, 0, &small_arena, NULL);
        if (status == STATUS_OK)
            status = data_captions(&text, &set, 1, 0, 2, NULL);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        arena_free(&small_arena);
    }
    CHECK(status == STATUS_OK);
}

int main(void)
{
    tiny_world(&tiny);
    test_samples_are_the_worlds();
    test_planes_are_the_pictures();
    test_captions_are_lines();
    test_maps_stand_beside();
    test_a_contact_sheet();
    test_refused();
    test_every_allocation_may_fail();
    arena_free(&arena);
    return check_report("world_data");
}
