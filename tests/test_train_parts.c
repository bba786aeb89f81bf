#include "cli/train_parts.h"

#include "tests/check.h"
#include "tests/tiny_world.h"

static TinyWorld tiny;

/* The members `data` of a recipe of singles. */
static Status read(DataRecipe *out, const char *data, Error *err)
{
    static Arena arena;
    Recipe recipe = {.path = "recipe.json"};
    *err = (Error){0};
    char text[300];
    snprintf(text, sizeof text, "{\"scenes\": 0, \"layered\": 0%s%s}", data[0] != '\0' ? ", " : "", data);
    CHECK(json_parse(&recipe.data, text, strlen(text), "recipe.json", &arena, err) == STATUS_OK);
    return data_recipe_read(out, &recipe, &tiny.world, &arena, err);
}

static void good(DataRecipe *out, const char *data)
{
    Error err;
    if (!CHECK(read(out, data, &err) == STATUS_OK))
        printf("    %s: %s\n", data, err.text);
}

static void bad(const char *data, const char *sentence)
{
    Error err;
    DataRecipe d = {.pool = -7};
    if (!CHECK(read(&d, data, &err) == STATUS_FORMAT || err.status == STATUS_ARGUMENT))
        printf("    %s\n", data);
    CHECK_TEXT(err.text, sentence);
    CHECK(d.pool == -7);
}

static void test_styles(void)
{
    DataRecipe d;
    good(&d, "");
    CHECK(d.train.styles == WORLD_DEFAULTS.styles && d.held_out.styles == WORLD_DEFAULTS.styles);
    good(&d, "\"styles\": [\"ink\", \"pen\"]");
    CHECK(d.train.styles == 5 && d.held_out.styles == 5);
    good(&d, "\"styles\": \"wash, ink\"");
    CHECK(d.train.styles == 3);
    good(&d, "\"styles\": null");
    CHECK(d.train.styles == WORLD_DEFAULTS.styles);
    bad("\"styles\": [\"oil\"]", "\"oil\" is none of ink, wash, pen");
    bad("\"styles\": [3]", "\"styles\" must be names");
    bad("\"styles\": {}", "\"styles\" must be names");
    bad("\"style\": \"ink\"", "\"style\"");
}

static void test_company(void)
{
    DataRecipe d;
    good(&d, "");
    CHECK(d.train.company == COMPANY_TRAIN && d.held_out.company == COMPANY_TRAIN);
    CHECK(d.train.split == SPLIT_TRAIN && d.held_out.split == SPLIT_TEST);
    good(&d, "\"company\": \"any\"");
    CHECK(d.train.company == COMPANY_ANY && d.held_out.company == COMPANY_ANY);
    good(&d, "\"held_out_company\": \"test\", \"held_out_split\": \"all\"");
    CHECK(d.train.company == COMPANY_TRAIN && d.held_out.company == COMPANY_TEST);
    CHECK(d.held_out.split == SPLIT_ALL);
    bad("\"company\": \"anybody\"", "\"company\" is \"anybody\"");
}

int main(void)
{
    tiny_world(&tiny);
    for (int i = 0; i < TINY_STYLES; i++) /* one drawing for tests in each style */
        tiny.pair[i * TINY_CONCEPTS + 3] = PAIR_TEST;
    test_styles();
    test_company();
    return check_report("train_parts");
}
