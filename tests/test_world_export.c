#include "diffusion/world_export.h"

#include "base/file.h"
#include "io/json.h"
#include "io/png.h"
#include "tests/check.h"
#include "tests/scratch.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;
static char folder[SCRATCH_PATH];

static const char *inside(const char *name)
{
    return path_join(&arena, folder, name);
}

/* Removes the folder with what `count` samples leave there. */
static void clean(int count)
{
    static const char *const map[] = {"concepts", "categories", "sketch", "depth", "lines"};
    char name[60];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%06d.png", i);
        remove(inside(name));
        for (int m = 0; m < 5; m++) {
            snprintf(name, sizeof name, "maps/%06d_%s.png", i, map[m]);
            remove(inside(name));
        }
    }
    remove(inside("metadata.jsonl"));
    remove(inside("maps"));
    CHECK(remove(folder) == 0); /* nothing else was left there */
}

static bool count_calls(void *context, uint64_t done, uint64_t count)
{
    uint64_t *calls = context;
    (*calls)++;
    return done == *calls && count == 3;
}

static bool stop_at_two(void *context, uint64_t done, uint64_t count)
{
    (void)context;
    (void)count;
    return done < 2;
}

/* Line i of the metadata, parsed. */
static const Json *line_of(const Bytes *text, int i)
{
    const char *at = (const char *)text->data;
    for (; i > 0; i--)
        at = strchr(at, '\n') + 1;
    const Json *json = NULL;
    CHECK(json_parse(&json, at, (size_t)(strchr(at, '\n') - at), "metadata", &arena, NULL) == STATUS_OK);
    return json;
}

static void test_files_and_metadata(void)
{
    WorldOptions options = WORLD_DEFAULTS;
    uint64_t calls = 0;
    const WorldExport what = {
        .seed = 4, .first = 10, .count = 3, .progress = count_calls, .context = &calls};
    options.maps = WORLD_MAP_SKETCH | WORLD_MAP_LABELS;
    options.size = 32;
    const size_t used = arena.used;
    CHECK(world_export(folder, &tiny.world, &options, &what, &arena, NULL) == STATUS_OK);
    CHECK(calls == 3 && arena.used == used);
    Bytes text;
    CHECK(file_read(&text, inside("metadata.jsonl"), &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 3; i++) {
        WorldSample sample;
        Image picture, sketch;
        PngText *texts;
        int count = 0;
        CHECK(world_sample(&tiny.world, &options, 4, 10 + (uint64_t)i, &sample, &arena, NULL) == STATUS_OK);
        const Json *json = line_of(&text, i);
        const char *file = json_text(json_get(json, "file_name"), "");
        const char *map = json_text(json_get(json, "sketch_file_name"), "");
        CHECK(strcmp(json_text(json_get(json, "text"), ""), sample.caption) == 0);
        CHECK(json_int(json_get(json, "seed"), 0) == 4 && json_int(json_get(json, "index"), 0) == 10 + i);
        CHECK(json_get(json, "concepts_file_name") != NULL && json_get(json, "depth_file_name") == NULL);
        const char *own = sample.scene.level == 0   ? "text_0"
                          : sample.scene.level == 1 ? "text_1"
                                                    : "text_2";
        CHECK(strcmp(json_text(json_get(json, own), ""), sample.caption) == 0);
        CHECK(strstr(json_text(json_get(json, "text_2"), ""), json_text(json_get(json, "text_1"), "?")) !=
              NULL);
        CHECK((int)json_count(json_get(json_get(json, "scene"), "objects")) == sample.scene.count);
        CHECK(png_read(&picture, inside(file), &arena, NULL) == STATUS_OK);
        CHECK(memcmp(picture.pixels, sample.image.pixels, 3 * 32 * 32) == 0);
        CHECK(png_read(&sketch, inside(map), &arena, NULL) == STATUS_OK);
        CHECK(memcmp(sketch.pixels, sample.sketch.pixels, 3 * 32 * 32) == 0);
        CHECK(png_read_texts(&texts, &count, inside(file), &arena, NULL) == STATUS_OK);
        const char *said = png_text(texts, count, "Description");
        CHECK(said != NULL && strcmp(said, sample.caption) == 0);
    }
    clean(3);
}

static void test_a_stopped_export_has_no_metadata(void)
{
    const WorldExport what = {.seed = 4, .count = 5, .progress = stop_at_two};
    Error err = {0};
    CHECK(world_export(folder, &tiny.world, &WORLD_DEFAULTS, &what, &arena, &err) == STATUS_INTERRUPTED);
    CHECK_TEXT(err.text, "2 of 5");
    CHECK(file_exists(inside("000001.png")) && !file_exists(inside("000002.png")));
    char temporary[4096];
    CHECK(file_temporary(temporary, inside("metadata.jsonl")) && !file_exists(temporary));
    CHECK(!file_exists(inside("metadata.jsonl")));
    clean(2);
}

static void test_bad_requests_are_refused(void)
{
    Error err = {0};
    WorldOptions options = WORLD_DEFAULTS;
    CHECK(world_export(folder, &tiny.world, &options, &(WorldExport){.count = 0}, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "0 samples");
    CHECK(world_export(folder, &tiny.world, &options, &(WorldExport){.count = 1000000}, &arena, NULL) ==
          STATUS_ARGUMENT);
    options.size = 1;
    CHECK(world_export(folder, &tiny.world, &options, &(WorldExport){.count = 1}, &arena, NULL) ==
          STATUS_ARGUMENT);
    CHECK(!file_exists(inside("metadata.jsonl")));
    options = WORLD_DEFAULTS;
    char below[SCRATCH_PATH + 20];
    CHECK(file_write(folder, "x", 1, NULL) == STATUS_OK); /* a file where a folder is needed */
    snprintf(below, sizeof below, "%s/below", folder);
    CHECK(world_export(below, &tiny.world, &options, &(WorldExport){.count = 1}, &arena, NULL) ==
          STATUS_FILE);
    CHECK(remove(folder) == 0);
}

static void test_every_allocation_may_fail(void)
{
    const WorldExport what = {.seed = 1, .count = 2};
    WorldOptions options = WORLD_DEFAULTS;
    options.maps = WORLD_MAP_DEPTH;
    options.size = 32;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        Arena small = {.fail_after = n};
        const Status status = world_export(folder, &tiny.world, &options, &what, &small, NULL);
        done = status == STATUS_OK;
        CHECK(done || status == STATUS_MEMORY);
        CHECK(done == file_exists(inside("metadata.jsonl")));
        arena_free(&small);
    }
    clean(2);
}

int main(void)
{
    tiny_world(&tiny);
    scratch_path(folder, "export");
    test_files_and_metadata();
    test_a_stopped_export_has_no_metadata();
    test_bad_requests_are_refused();
    test_every_allocation_may_fail();
    arena_free(&arena);
    return check_report("world_export");
}
