#include "diffusion/world_list.h"

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
    }
    CHECK_TEXT(text_of(world_list_styles), "ink        base        4     1  MIT           Squares by Us\n");
    CHECK_TEXT(text_of(world_list_styles), "pen        line        0     0");
    CHECK(strcmp(text_of(world_list_concepts), "shape: square tile rare*\ncloth: half (veil)\n") == 0);
    CHECK(strcmp(text_of(world_list_tests), "ink\thalf\n") == 0);
    CHECK(strcmp(text_of(world_list_company), "square: tile\nhalf:\ntile: square\n") == 0);
    arena_free(&arena);
    return check_report("world_list");
}
