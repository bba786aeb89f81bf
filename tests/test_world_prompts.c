#include "diffusion/world_prompts.h"

#include "base/file.h"
#include "diffusion/world_caption.h"
#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static World world;

static void test_the_shipped_table_is_what_the_code_draws(void)
{
    Bytes made = {.arena = &arena}, shipped;
    Error err = {0};
    CHECK(world_prompts_table(&made, &world, &err) == STATUS_OK);
    CHECK(file_read(&shipped, "weights/world/prompts.tsv", &arena, &err) == STATUS_OK);
    CHECK(made.size == shipped.size && memcmp(made.data, shipped.data, made.size) == 0);
}

static int count_apart(const WorldScene *s)
{
    int count = 0;
    for (int a = 0; a < s->count; a++)
        for (int b = 0; b < a; b++)
            count += world_apart(&world, s->object[a].concept, s->object[b].concept);
    return count;
}

/* What each list promises, of every one of its scenes. */
static bool keeps_promise(WorldPromptList list, const WorldScene *s)
{
    const int first = s->object[0].concept;
    const WorldPair pair = world_pair(&world, s->style, first);
    const WorldStyleRole style = world.style[s->style].role;
    const WorldConceptRole role = world.concept[first].role;
    const bool single = s->kind == WORLD_SINGLE && s->count == 1;
    switch (list) {
    case PROMPTS_SEEN:
        return pair == PAIR_TRAIN && role == CONCEPT_CORE && style == STYLE_BASE && count_apart(s) == 0;
    case PROMPTS_DRAWINGS:
        return single && pair == PAIR_TEST && role == CONCEPT_CORE && style == STYLE_BASE;
    case PROMPTS_COMPANY:
        return s->kind == WORLD_SCENE && s->count >= 2 && pair == PAIR_TRAIN && count_apart(s) > 0;
    case PROMPTS_LAYERS: return s->kind == WORLD_LAYERED && pair == PAIR_TRAIN && count_apart(s) == 1;
    case PROMPTS_HELD: return single && role == CONCEPT_HELD && style == STYLE_BASE;
    case PROMPTS_DOMAIN:
        return single && role != CONCEPT_HELD && style == STYLE_DOMAIN && pair == PAIR_TEST;
    default: return false;
    }
}

static void test_lists_keep_their_promises(void)
{
    for (int list = 0; list < PROMPT_LISTS; list++) {
        WorldScene scene[WORLD_PROMPTS], shorter[5];
        int good = 0, different = 0;
        CHECK(world_prompts(scene, WORLD_PROMPTS, &world, (WorldPromptList)list, NULL) == STATUS_OK);
        CHECK(world_prompts(shorter, 5, &world, (WorldPromptList)list, NULL) == STATUS_OK);
        for (int i = 0; i < WORLD_PROMPTS; i++) {
            good += keeps_promise((WorldPromptList)list, &scene[i]) && scene[i].level == 1 &&
                    scene[i].says_style && scene[i].says_background && scene[i].mention[0] == 0;
            for (int j = 0; j < i; j++) {
                Bytes a = {.arena = &arena}, b = {.arena = &arena};
                scene[i].background = scene[j].background = 0;
                world_caption(&a, &world, &scene[i], 1);
                world_caption(&b, &world, &scene[j], 1);
                different += a.size != b.size || memcmp(a.data, b.data, a.size) != 0;
            }
        }
        CHECK(good == WORLD_PROMPTS);
        CHECK(different == WORLD_PROMPTS * (WORLD_PROMPTS - 1) / 2);
        for (int i = 0; i < 5; i++)
            CHECK(shorter[i].object[0].concept == scene[i].object[0].concept &&
                  shorter[i].style == scene[i].style);
    }
}

static void test_a_small_world_has_few_prompts(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    WorldScene scene[3];
    Error err = {0};
    CHECK(world_prompts(scene, 1, &tiny.world, PROMPTS_HELD, NULL) == STATUS_OK);
    CHECK(world_prompts(scene, 2, &tiny.world, PROMPTS_HELD, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "about 1 different ones, not 2");
    CHECK(world_prompts(scene, 1, &tiny.world, PROMPTS_DRAWINGS, NULL) == STATUS_ARGUMENT);
    tiny.style[1].role = STYLE_BASE;
    err = (Error){0};
    CHECK(world_prompts(scene, 1, &tiny.world, PROMPTS_DOMAIN, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "no held-out style");
    Arena none = {.fail_after = 1};
    Bytes nowhere = {.arena = &none};
    CHECK(world_prompts_table(&nowhere, &world, NULL) == STATUS_MEMORY);
    arena_free(&none);
}

int main(void)
{
    if (CHECK(world_open_tables(&world, "weights/world", &arena, NULL) == STATUS_OK)) {
        test_the_shipped_table_is_what_the_code_draws();
        test_lists_keep_their_promises();
        test_a_small_world_has_few_prompts();
    }
    arena_free(&arena);
    return check_report("world_prompts");
}
