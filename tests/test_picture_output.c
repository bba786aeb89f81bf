#include "cli/picture_output.h"

#include "tests/check.h"

static void named(const char *pattern, const char *want)
{
    static Arena arena;
    const char *got = "";
    if (!CHECK(grid_name(&got, pattern, &arena, NULL) == STATUS_OK && strcmp(got, want) == 0))
        printf("    \"%s\": got \"%s\", want \"%s\"\n", pattern, got, want);
    arena_free(&arena);
}

static void test_names_of_sheets(void)
{
    named("x.png", "x_grid.png");
    named("x", "x_grid.png");
    named("a.b/x", "a.b/x_grid.png");
    named("./x.png", "./x_grid.png");
    named("no/such/folder/", "no/such/folder/grid.png");
    named(".", "./grid.png"); /* a folder that is there */
    named("x_%d.png", "x_grid.png");
    named("x%05d.png", "x_grid.png");
    named("%d.png", "grid.png");
    named("50%.png", "50%_grid.png");
}

static void test_places(void)
{
    int columns = 0;
    Error err = {0};
    CHECK(grid_read(&columns, "4x2", 8, "paint", &err) == STATUS_OK && columns == 4);
    CHECK(grid_read(&columns, "4x2", 9, "paint", &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "paint: --grid 4x2 has 8 places for 9 pictures");
    static const char *const bad[] = {"", "4", "4x", "x4", "0x3", "3x0", "-1x-1", "3x3x", "axb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(grid_read(&columns, bad[i], 1, "paint", NULL) == STATUS_ARGUMENT);
}

static void test_no_memory(void)
{
    const char *got = "old";
    Arena arena = {.fail_after = 1};
    CHECK(grid_name(&got, "x.png", &arena, NULL) == STATUS_MEMORY && strcmp(got, "old") == 0);
    arena_free(&arena);
}

int main(void)
{
    test_names_of_sheets();
    test_places();
    test_no_memory();
    return check_report("picture_output");
}
