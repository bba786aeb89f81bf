#include "diffusion/world_sample.h"

#include "io/json.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

enum { ALL_MAPS = WORLD_MAP_LABELS | WORLD_MAP_SKETCH | WORLD_MAP_DEPTH | WORLD_MAP_LINES };

static Arena arena;

/* Everything that a sample holds, with floats by their bits, in the order of the struct. */
static void hash_sample(Sha256 *hash, const World *world, const WorldSample *s)
{
    const size_t pixels = (size_t)s->image.width * (size_t)s->image.height;
    Bytes record = {.arena = &arena};
    world_record(&record, world, s);
    for (size_t i = 0; i < 3 * pixels; i++)
        bytes_add_le32(&record, float_bits(s->planes[i]));
    for (size_t i = 0; s->concepts != NULL && i < pixels; i++) {
        bytes_add_le16(&record, s->concepts[i]);
        bytes_add_le16(&record, s->categories[i]);
    }
    sha256_add(hash, s->caption, strlen(s->caption));
    sha256_add(hash, record.data, record.size);
    const Image *image[] = {&s->image, &s->concept_map, &s->category_map, &s->sketch, &s->depth, &s->lines};
    for (int i = 0; i < 6; i++)
        if (image[i]->pixels != NULL)
            sha256_add(hash, image[i]->pixels, 3 * pixels);
}

static bool samples_hash_to(const World *world, const WorldOptions *options, uint64_t seed, int count,
                            const char *want)
{
    Sha256 hash = sha256_begin();
    for (int i = 0; i < count; i++) {
        const ArenaMark mark = arena_mark(&arena);
        WorldSample sample;
        if (world_sample(world, options, seed, (uint64_t)i, &sample, &arena, NULL) != STATUS_OK)
            return false;
        hash_sample(&hash, world, &sample);
        arena_release(&arena, mark);
    }
    char got[65];
    sha256_end_hex(got, &hash);
    if (strcmp(got, want) == 0)
        return true;
    printf("    got %s\n", got);
    return false;
}

/* Golden: the pictures, captions and maps that every build on every machine must make. */
static void test_the_same_bits_everywhere(const World *world)
{
    WorldOptions o = WORLD_DEFAULTS;
    CHECK(samples_hash_to(world, &o, 1, 60,
                          "517f4dbdd84894556668b6a3fb94904da0ea34a0b6f2eaf83c24fbb653a57889"));
    o.maps = ALL_MAPS;
    o.concepts = CONCEPTS_KNOWN;
    o.split = SPLIT_TEST;
    o.company = COMPANY_TEST;
    CHECK(samples_hash_to(world, &o, 0x123456789abcdefu, 20,
                          "3c25cdceb8d09b11789052fe92a4b9e4881d71a5a5ac06a89dd176e00f119b9f"));
    o.size = 32;
    CHECK(samples_hash_to(world, &o, 2, 20,
                          "5f46d25010edd20af2d1c1c6dcea68b649861666b28e4903982ee6aff6f5df08"));
    o.size = 128;
    o.concepts = CONCEPTS_ALL;
    o.split = SPLIT_ALL;
    o.styles = 0x7f;
    o.company = COMPANY_ANY;
    CHECK(samples_hash_to(world, &o, 3, 10,
                          "61f8a6dbb7cde06338a3cbbd607d5e948f77483075442f21b448b0d7b01246de"));
}

static void test_what_is_asked_for_is_there(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    WorldOptions o = WORLD_DEFAULTS;
    WorldSample s;
    CHECK(world_sample(&tiny.world, &o, 1, 1, &s, &arena, NULL) == STATUS_OK);
    CHECK(s.image.width == 64 && s.image.height == 64 && s.image.channels == 3);
    CHECK(s.concepts == NULL && s.concept_map.pixels == NULL && s.sketch.pixels == NULL &&
          s.depth.pixels == NULL && s.lines.pixels == NULL);
    CHECK(s.planes[0] >= -1.0f && s.planes[3 * 64 * 64 - 1] <= 1.0f);
    CHECK_NEAR(s.planes[64 * 64 + 70], image_at(&s.image, 6, 1)[1] / 127.5 - 1.0,
               1e-6); /* green at (6, 1) */
    o.maps = ALL_MAPS;
    o.size = 32;
    const size_t before = arena.used;
    CHECK(world_sample(&tiny.world, &o, 1, 1, &s, &arena, NULL) == STATUS_OK);
    CHECK(s.concepts != NULL && s.categories != NULL && s.category_map.width == 32 && s.lines.width == 32);
    /* Six pictures, planes and labels: the canvas was given back. */
    CHECK(arena.used - before < 6 * 3 * 32 * 32 + 12 * 32 * 32 + 4 * 32 * 32 + 2000);
    o.maps = WORLD_MAP_MASKS;
    CHECK(world_sample(&tiny.world, &o, 1, 1, &s, &arena, NULL) == STATUS_OK);
    CHECK(s.objects != NULL && s.concepts == NULL && world_sample_map(&s, 0) == NULL);
    CHECK(world_sample_map(&s, 5) == &s.mask_map && s.mask_map.width == 32);
    arena_free(&arena);
}

static void test_the_record_is_json(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    WorldScene scene = {.kind = WORLD_SCENE, .count = 2, .background = 3, .level = 1, .mention = {0, 1}};
    scene.object[0] = (WorldObject){.concept = 0, .place = PLACE_TOP_LEFT, .x = 3, .y = 3, .side = 8};
    scene.object[1] = (WorldObject){
        .concept = 1, .place = PLACE_BOTTOM_RIGHT, .x = 40, .y = 50, .side = 8, .mirror = true};
    WorldSample s;
    CHECK(world_sample_of(&s, &tiny.world, &scene, 64, 0, &arena, NULL) == STATUS_OK);
    Bytes text = {.arena = &arena};
    world_record(&text, &tiny.world, &s);
    const Json *json = NULL;
    CHECK(json_parse(&json, (const char *)text.data, text.size, "record", &arena, NULL) == STATUS_OK);
    CHECK(strcmp(json_text(json_get(json, "kind"), ""), "scene") == 0);
    CHECK(strcmp(json_text(json_get(json, "style"), ""), "ink") == 0);
    CHECK(strcmp(json_text(json_get(json, "background"), ""), "green") == 0);
    CHECK(json_int(json_get(json, "size"), 0) == 64 && json_int(json_get(json, "level"), 0) == 1);
    const Json *second = json_at(json_get(json, "objects"), 1), *box = json_get(second, "box");
    CHECK(strcmp(json_text(json_get(second, "concept"), ""), "half") == 0);
    CHECK(strcmp(json_text(json_get(second, "category"), ""), "cloth") == 0);
    CHECK(strcmp(json_text(json_get(second, "place"), ""), "bottom right") == 0);
    CHECK(json_bool(json_get(second, "mirror"), false) && json_int(json_get(second, "order"), 7) == 0);
    CHECK(json_int(json_at(box, 0), 0) == 44 && json_int(json_at(box, 1), 0) == 50 &&
          json_int(json_at(box, 2), 0) == 48 && json_int(json_at(box, 3), 0) == 58);
    for (size_t i = 0; i < text.size; i++)
        CHECK(text.data[i] >= ' ' || i == 0);
    arena_free(&arena);
}

static void test_bad_numbers_are_refused(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    WorldOptions o = WORLD_DEFAULTS;
    WorldSample s = {.caption = "untouched"};
    Error err = {0};
    CHECK(world_sample(&tiny.world, &o, 1, (uint64_t)1 << 48, &s, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "2^48");
    o.size = 63;
    CHECK(world_sample(&tiny.world, &o, 1, 0, &s, &arena, NULL) == STATUS_ARGUMENT);
    CHECK(strcmp(s.caption, "untouched") == 0);
}

static void test_every_allocation_may_fail(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    WorldOptions o = WORLD_DEFAULTS;
    o.maps = ALL_MAPS | WORLD_MAP_MASKS;
    for (size_t n = 1;; n++) {
        Arena small = {.fail_after = n};
        WorldSample s;
        Error err = {0};
        const Status status = world_sample(&tiny.world, &o, 1, 5, &s, &small, &err);
        arena_free(&small);
        if (status == STATUS_OK) {
            CHECK(n > 15);
            return;
        }
        CHECK(status == STATUS_MEMORY && err.text[0] != '\0');
    }
}

int main(void)
{
    World world;
    Error err = {0};
    Arena models = {0};
    if (CHECK(world_open(&world, "weights/world", &models, &err) == STATUS_OK))
        test_the_same_bits_everywhere(&world);
    arena_free(&models);
    test_what_is_asked_for_is_there();
    test_the_record_is_json();
    test_bad_numbers_are_refused();
    test_every_allocation_may_fail();
    arena_free(&arena);
    return check_report("world_sample");
}
