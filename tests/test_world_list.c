#include "diffusion/world_list.h"

#include "io/json.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static TinyWorld tiny;

static const char *text_of(void (*list)(Bytes *, const World *))
{
    Bytes out = {.arena = &arena};
    list(&out, &tiny.world);
    bytes_add_byte(&out, '\0');
    return out.failed ? "" : (const char *)out.data;
}

int main(void)
{
    tiny_world(&tiny);
    tiny.pair[0 * TINY_CONCEPTS + 1] = PAIR_TEST;
    for (int s = 0; s < TINY_STYLES; s++) {
        tiny.style[s].licence = "MIT";
        tiny.style[s].artwork = "Squares";
        tiny.style[s].author = "Us";
        tiny.style[s].source = "here";
    }
    CHECK_TEXT(text_of(world_list_styles), "ink        base        4     1  MIT           Squares by Us\n");
    CHECK_TEXT(text_of(world_list_styles), "pen        line        0     0");
    CHECK(strncmp(text_of(world_list_concepts), "shape: square tile rare*\ncloth: half (veil)\n\n", 43) ==
          0);
    tiny.concept[2].role = CONCEPT_REST;
    CHECK_TEXT(text_of(world_list_concepts), "cloth: half [veil]\n\n");
    CHECK_TEXT(text_of(world_list_concepts), "[name]  rest: ");
    CHECK(strcmp(text_of(world_list_tests), "ink\thalf\n") == 0);
    CHECK(strcmp(text_of(world_list_company), "square: tile\nhalf:\ntile: square\n") == 0);
    const Json *json = NULL;
    const char *text = text_of(world_list_json);
    CHECK(json_parse(&json, text, strlen(text), "list", &arena, NULL) == STATUS_OK);
    CHECK(json_count(json_get(json, "styles")) == TINY_STYLES &&
          json_count(json_get(json, "concepts")) == TINY_CONCEPTS);
    const Json *half = json_at(json_get(json, "concepts"), 1);
    CHECK(strcmp(json_text(json_get(half, "slug"), ""), "half") == 0);
    CHECK(strcmp(json_text(json_at(json_get(half, "test"), 0), ""), "ink") == 0);
    CHECK(strcmp(json_text(json_at(json_get(half, "train"), 0), ""), "wash") == 0);
    CHECK(json_count(json_get(half, "apart")) == 0);
    CHECK(strcmp(json_text(json_at(json_get(json_at(json_get(json, "concepts"), 3), "apart"), 0), ""),
                 "square") == 0);
    arena_free(&arena);
    return check_report("world_list");
}
