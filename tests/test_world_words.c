#include "diffusion/world_words.h"

#include "tests/check.h"
#include "tests/tiny_world.h"

static void test_lists(void)
{
    uint32_t bits = 99;
    CHECK(world_words_read(&bits, "sketch", WORLD_MAP_WORDS, "maps", NULL) == STATUS_OK &&
          bits == WORLD_MAP_SKETCH);
    CHECK(world_words_read(&bits, "lines,labels", WORLD_MAP_WORDS, "maps", NULL) == STATUS_OK);
    CHECK(bits == (WORLD_MAP_LINES | WORLD_MAP_LABELS));
    CHECK(world_words_read(&bits, " depth , sketch ", WORLD_MAP_WORDS, "maps", NULL) == STATUS_OK);
    CHECK(bits == (WORLD_MAP_DEPTH | WORLD_MAP_SKETCH));
    CHECK(world_words_read(&bits, "", WORLD_MAP_WORDS, "maps", NULL) == STATUS_OK && bits == 0);
    CHECK(world_words_read(&bits, "single,layered", WORLD_KIND_WORDS, "kinds", NULL) == STATUS_OK);
    CHECK(bits == (1u << WORLD_SINGLE | 1u << WORLD_LAYERED));
}

static void test_unknown_words(void)
{
    uint32_t bits = 99;
    Error err = {0};
    CHECK(world_words_read(&bits, "depth,sketches", WORLD_MAP_WORDS, "maps", &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "maps: \"sketches\" is none of labels, sketch, depth, lines");
    CHECK(bits == 99);
    CHECK(world_words_read(&bits, "dep", WORLD_MAP_WORDS, "maps", NULL) == STATUS_ARGUMENT);
    CHECK(world_words_read(&bits, ",depth", WORLD_MAP_WORDS, "maps", NULL) == STATUS_ARGUMENT);
}

static void test_styles(void)
{
    static TinyWorld tiny;
    uint32_t bits = 0;
    Error err = {0};
    tiny_world(&tiny);
    CHECK(world_styles_read(&bits, "pen,ink", &tiny.world, NULL) == STATUS_OK && bits == 5);
    CHECK(world_styles_read(&bits, "oil", &tiny.world, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "styles: \"oil\" is none of ink, wash, pen");
}

/* The words stand in the order of the enums. */
static void test_places(void)
{
    CHECK(world_word_place("depth", WORLD_MAP_WORDS) == 2 &&
          world_word_place("dept", WORLD_MAP_WORDS) == -1);
    CHECK(strcmp(WORLD_SPLIT_WORDS[SPLIT_ALL], "all") == 0);
    CHECK(strcmp(WORLD_CONCEPT_WORDS[CONCEPTS_HELD], "held") == 0);
    CHECK(strcmp(WORLD_COMPANY_WORDS[COMPANY_ANY], "any") == 0);
    CHECK(strcmp(WORLD_KIND_WORDS[WORLD_LAYERED], "layered") == 0 && WORLD_KIND_WORDS[WORLD_KINDS] == NULL);
}

int main(void)
{
    test_lists();
    test_unknown_words();
    test_styles();
    test_places();
    return check_report("world_words");
}
