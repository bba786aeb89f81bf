#include "diffusion/world_table.h"

#include <stdlib.h>

#include "tests/check.h"

static Status parse(WorldTable *table, const char *text, int columns, Arena *arena, Error *err)
{
    *err = (Error){0};
    return world_table_parse(table, text, strlen(text), "t.tsv", columns, arena, err);
}

static void test_rows_and_fields(void)
{
    Arena arena = {0};
    Error err;
    WorldTable t;
    CHECK(parse(&t, "#a\tb\nred apple\tx\n\n# more\ny\tz", 2, &arena, &err) == STATUS_OK);
    CHECK(t.rows == 2 && t.columns == 2);
    CHECK(strcmp(world_field(&t, 0, 0), "red apple") == 0 && strcmp(world_field(&t, 0, 1), "x") == 0);
    CHECK(strcmp(world_field(&t, 1, 0), "y") == 0 && strcmp(world_field(&t, 1, 1), "z") == 0);
    CHECK(t.line[0] == 2 && t.line[1] == 5);
    CHECK(parse(&t, "", 2, &arena, &err) == STATUS_OK && t.rows == 0);
    CHECK(parse(&t, "\n\n#x", 2, &arena, &err) == STATUS_OK && t.rows == 0);
    arena_free(&arena);
}

static void test_hostile_tables_are_refused(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"a\n", "t.tsv:1: 1 fields, expected 2"},
        {"a\tb\nc\td\te\n", "t.tsv:2: more than 2 fields"},
        {"a\t\n", "t.tsv:1: field 2 has 0 characters"},
        {"\tb\n", "field 1 has 0 characters"},
        {"a\tb\r\n", "byte 13 is not printable ASCII"},
        {"a\tpi\xc3\xb1"
         "a\n",
         "byte 195"},
        {"a\tb\x7f\n", "byte 127"},
    };
    Arena arena = {0};
    Error err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        WorldTable t = {.rows = -7};
        CHECK(parse(&t, bad[i].text, 2, &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, bad[i].says);
        CHECK(t.rows == -7);
    }
    WorldTable t;
    const char zero[] = {'a', '\0', 'b', '\t', 'c', '\n'};
    CHECK(world_table_parse(&t, zero, sizeof zero, "t.tsv", 2, &arena, &err) == STATUS_FORMAT);
    char wide[WORLD_FIELD + 4];
    memset(wide, 'x', sizeof wide);
    CHECK(world_table_parse(&t, wide, WORLD_FIELD, "t.tsv", 1, &arena, &err) == STATUS_OK);
    CHECK(world_table_parse(&t, wide, WORLD_FIELD + 1, "t.tsv", 1, &arena, &err) == STATUS_FORMAT);
    arena_free(&arena);
}

static void test_too_many_rows_are_refused(void)
{
    Arena arena = {0};
    Error err = {0};
    WorldTable t;
    const size_t size = 2 * (size_t)(WORLD_ROWS + 1);
    char *text = malloc(size);
    for (size_t i = 0; text != NULL && i < size; i++)
        text[i] = i % 2 == 0 ? 'x' : '\n';
    CHECK(text != NULL && world_table_parse(&t, text, size, "t.tsv", 1, &arena, &err) == STATUS_FORMAT);
    CHECK(text != NULL && world_table_parse(&t, text, size - 2, "t.tsv", 1, &arena, &err) == STATUS_OK);
    free(text);
    arena_free(&arena);
}

static void test_every_allocation_may_fail(void)
{
    for (size_t n = 1;; n++) {
        Arena arena = {.fail_after = n};
        Error err;
        WorldTable t;
        const Status status = parse(&t, "a\tb\nc\td\n", 2, &arena, &err);
        arena_free(&arena);
        if (status == STATUS_OK) {
            CHECK(n > 3);
            return;
        }
        CHECK(status == STATUS_MEMORY);
    }
}

static void test_words(void)
{
    static const char *const words[] = {"one", "two"};
    CHECK(world_word(words, 2, "two") == 1 && world_word(words, 2, "three") == -1 &&
          world_word(words, 0, "one") == -1);
}

int main(void)
{
    test_rows_and_fields();
    test_hostile_tables_are_refused();
    test_too_many_rows_are_refused();
    test_every_allocation_may_fail();
    test_words();
    return check_report("world_table");
}
