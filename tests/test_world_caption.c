#include "diffusion/world_caption.h"

#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;

static const char *caption(const WorldScene *scene, int level)
{
    Bytes text = {.arena = &arena};
    world_caption(&text, &tiny.world, scene, level);
    bytes_add_byte(&text, '\0');
    return text.failed ? "" : (const char *)text.data;
}

static WorldScene scene_of(WorldKind kind, int count, const int *concept, const WorldPlace *place)
{
    WorldScene s = {
        .kind = kind, .count = count, .background = 1, .says_style = true, .says_background = true};
    for (int k = 0; k < count; k++) {
        s.object[k].concept = concept[k];
        s.object[k].place = place[k];
        s.mention[k] = k;
    }
    return s;
}

static void test_singles(void)
{
    const WorldPlace middle[1] = {PLACE_MIDDLE};
    WorldScene s = scene_of(WORLD_SINGLE, 1, (const int[1]){3}, middle);
    CHECK(strcmp(caption(&s, 0), "an ivory tile") == 0);
    CHECK(strcmp(caption(&s, 1), "an ivory tile in ink style on pink") == 0);
    CHECK(strcmp(caption(&s, 2), "an ivory tile in ink style on pink, shape, white, plain") == 0);
    s.says_style = false;
    CHECK(strcmp(caption(&s, 1), "an ivory tile on pink") == 0);
    s.says_background = false;
    CHECK(strcmp(caption(&s, 1), "an ivory tile") == 0);
    CHECK(strcmp(caption(&s, 2), "an ivory tile, shape, white, plain") == 0);
    s = scene_of(WORLD_SINGLE, 1, (const int[1]){2}, middle);
    s.background = 0;
    CHECK(strcmp(caption(&s, 1), "green in ink style on white") == 0);
}

static void test_scenes(void)
{
    const WorldPlace place[4] = {PLACE_TOP_LEFT, PLACE_TOP_RIGHT, PLACE_BOTTOM_LEFT, PLACE_BOTTOM_RIGHT};
    WorldScene s = scene_of(WORLD_SCENE, 1, (const int[1]){0}, place + 3);
    CHECK(strcmp(caption(&s, 0), "a red square bottom right") == 0);
    s = scene_of(WORLD_SCENE, 2, (const int[2]){0, 2}, place);
    CHECK(strcmp(caption(&s, 0), "a red square top left and green top right") == 0);
    s = scene_of(WORLD_SCENE, 4, (const int[4]){0, 1, 2, 3}, place);
    CHECK(
        strcmp(
            caption(&s, 0),
            "a red square top left, a half top right, green bottom left and an ivory tile bottom right") ==
        0);
    s.count = 2;
    s.mention[0] = 1;
    s.mention[1] = 0;
    CHECK(strcmp(caption(&s, 2),
                 "a half top right and a red square top left in ink style on pink, cloth, blue, thin, "
                 "shape, red, plain") == 0);
}

static void test_layers(void)
{
    const WorldPlace place[2] = {PLACE_FRONT, PLACE_BEHIND};
    WorldScene s = scene_of(WORLD_LAYERED, 2, (const int[2]){3, 0}, place);
    CHECK(strcmp(caption(&s, 0), "an ivory tile in front of a red square") == 0);
    s.mention[0] = 1;
    s.mention[1] = 0;
    CHECK(strcmp(caption(&s, 0), "a red square behind an ivory tile") == 0);
}

static size_t words_of(const char *text)
{
    size_t words = 1;
    for (; *text != '\0'; text++)
        words += *text == ' ' || *text == ',' || *text == '-';
    return words;
}

/* In the shipped world: levels nest, captions have no word of a held concept's name that others lack, and with a
 * beginning and an end they fit into the 77 places of a text encoder even at one token a word and comma. */
static void test_the_shipped_captions(void)
{
    World w;
    if (!CHECK(world_open_tables(&w, "weights/world", &arena, NULL) == STATUS_OK))
        return;
    WorldOptions options = WORLD_DEFAULTS;
    options.concepts = CONCEPTS_TRAINED;
    int nested = 0, clean = 0;
    size_t longest = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        const ArenaMark mark = arena_mark(&arena);
        WorldScene s;
        world_scene(&s, &w, &options, 1, i);
        Bytes level[3];
        for (int k = 0; k < 3; k++) {
            level[k] = (Bytes){.arena = &arena};
            world_caption(&level[k], &w, &s, k);
            bytes_add_byte(&level[k], '\0');
        }
        nested += memcmp(level[0].data, level[1].data, level[0].size - 1) == 0 &&
                  memcmp(level[1].data, level[2].data, level[1].size - 1) == 0;
        const char *text = (const char *)level[2].data;
        clean += strstr(text, "tiger") == NULL && strstr(text, "pear") == NULL &&
                 strstr(text, "castle") == NULL && strstr(text, "openmoji") == NULL &&
                 strstr(text, "  ") == NULL;
        longest = words_of(text) > longest ? words_of(text) : longest;
        arena_release(&arena, mark);
    }
    CHECK(nested == 1000);
    CHECK(clean == 1000);
    CHECK(longest > 40 && longest <= 75);
}

int main(void)
{
    tiny_world(&tiny);
    test_singles();
    test_scenes();
    test_layers();
    test_the_shipped_captions();
    arena_free(&arena);
    return check_report("world_caption");
}
