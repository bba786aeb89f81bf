#include "diffusion/world.h"

#include <stdlib.h>

#include "base/file.h"
#include "io/png.h"
#include "tests/check.h"
#include "tests/scratch.h"

static const char STYLES[] = "#style\trole\tartwork\tauthor\tlicence\tsource\n"
                             "ink\tbase\tInk\tWe\tMIT\there\n"
                             "pen\tline\tPen\tWe\tMIT\there\n";
static const char CONCEPTS[] = "pear\t1F350\tpear\ta\tfruit\tcore\tyes\tgreen\tjuicy\n"
                               "apple\t1F34E\tred apple\tan\tfruit\theld\tno\tred\tripe\n"
                               "rice\t1F35A\trice\t-\tfood\tmore\tyes\twhite\thot\n";
static const char PAIRS[] = "ink\tpear\ttrain\nink\tapple\ttest\npen\trice\tline\n";

static char folder[SCRATCH_PATH];
static Arena arena;

static void put(const char *name, const void *data, size_t size)
{
    const ArenaMark mark = arena_mark(&arena);
    CHECK(file_write(path_join(&arena, folder, name), data, size, NULL) == STATUS_OK);
    arena_release(&arena, mark);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_sheet(const char *name, int width, int height, int channels)
{
    const ArenaMark mark = arena_mark(&arena);
    Image sheet;
    CHECK(image_new(&sheet, width, height, channels, &arena, NULL) == STATUS_OK);
    for (size_t i = 0; i < image_size(&sheet); i++)
        sheet.pixels[i] = (unsigned char)(i / 7);
    CHECK(png_write(path_join(&arena, folder, name), &sheet, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_release(&arena, mark);
}

static void put_good_world(void)
{
    put_text("styles.tsv", STYLES);
    put_text("concepts.tsv", CONCEPTS);
    put_text("pairs.tsv", PAIRS);
    put_sheet("ink.png", 4 * WORLD_COLUMNS, 4, 4);
    put_sheet("pen.png", 2 * WORLD_COLUMNS, 2, 4);
}

static void test_a_folder_is_read(void)
{
    World w;
    Error err = {0};
    put_good_world();
    CHECK(world_open(&w, folder, &arena, &err) == STATUS_OK);
    CHECK(w.styles == 2 && w.concepts == 3 && w.categories == 2);
    CHECK(w.style[1].role == STYLE_LINE && w.style[0].cell == 4 && w.style[1].cell == 2);
    CHECK(world_style(&w, "pen") == 1 && world_style(&w, "penn") == -1);
    CHECK(world_concept(&w, "rice") == 2 && world_concept(&w, "") == -1);
    const WorldConcept *apple = &w.concept[1];
    CHECK(strcmp(apple->name, "red apple") == 0 && strcmp(apple->article, "an") == 0 && !apple->mirror);
    CHECK(apple->role == CONCEPT_HELD && apple->category == 0 && strcmp(apple->tag[1], "ripe") == 0);
    CHECK(w.concept[2].article[0] == '\0' && strcmp(w.category[w.concept[2].category], "food") == 0);
    CHECK(world_pair(&w, 0, 0) == PAIR_TRAIN && world_pair(&w, 0, 1) == PAIR_TEST);
    CHECK(world_pair(&w, 0, 2) == PAIR_NONE && world_pair(&w, 1, 2) == PAIR_LINE);
    CHECK(world_drawing(&w, 1, 2) == w.style[1].sheet.pixels + 2 * 2 * 4);
    arena_free(&arena);
}

/* Replaces one table by `text` and expects an error that says `says`. */
static void refuse(const char *name, const char *text, const char *says)
{
    World w = {.styles = -7};
    Error err = {0};
    put_good_world();
    put_text(name, text);
    CHECK(world_open(&w, folder, &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, says);
    CHECK(w.styles == -7);
    arena_free(&arena);
}

static void test_hostile_tables_are_refused(void)
{
    refuse("styles.tsv", "", "0 styles");
    refuse("styles.tsv", "ink\tmain\ta\tb\tc\td\n", "'main' is no role");
    refuse("styles.tsv", "../ink\tbase\ta\tb\tc\td\n", "small letters");
    refuse("styles.tsv", "ink\tbase\ta\tb\tc\td\nink\tbase\ta\tb\tc\td\n",
           "styles.tsv:2: 'ink' stands there twice");
    refuse("concepts.tsv", "#\n", "0 concepts");
    refuse("concepts.tsv", "a b\t1\tx\ta\tf\tcore\tyes\tt\tu\n", "'a b' must be small letters");
    refuse("concepts.tsv", "pear\t1\tx\tthe\tf\tcore\tyes\tt\tu\n", "'the' is no article");
    refuse("concepts.tsv", "pear\t1\tx\ta\tf\tfruit\tyes\tt\tu\n", "'fruit' is no role");
    refuse("concepts.tsv", "pear\t1\tx\ta\tf\tcore\tmaybe\tt\tu\n", "'maybe' is no answer");
    refuse("concepts.tsv", "pear\t1\tx\ta\tf\tcore\tyes\tt\n", "8 fields, expected 9");
    refuse("pairs.tsv", "ink\tplum\ttrain\n", "'plum' is no concept");
    refuse("pairs.tsv", "oil\tpear\ttrain\n", "'oil' is no style");
    refuse("pairs.tsv", "ink\tpear\tnone\n", "'none' is no split");
    refuse("pairs.tsv", "ink\tpear\tline\n", "does not fit the style");
    refuse("pairs.tsv", "pen\tpear\ttrain\n", "does not fit the style");
    refuse("pairs.tsv", "ink\tpear\ttrain\nink\tpear\ttest\n", "pairs.tsv:2: 'pear' stands there twice");
}

static void test_too_many_are_refused(void)
{
    Bytes text = {.arena = &arena};
    for (int i = 0; i <= WORLD_STYLES; i++)
        bytes_add_format(&text, "s%d\tbase\ta\tb\tc\td\n", i);
    bytes_add_byte(&text, '\0');
    char *copy = malloc(text.size);
    memcpy(copy, text.data, text.size);
    refuse("styles.tsv", copy, "33 styles, expected 1 to 32");
    free(copy);
    text = (Bytes){.arena = &arena};
    for (int i = 0; i <= WORLD_CATEGORIES; i++)
        bytes_add_format(&text, "s%d\t1\tx\ta\tc%d\tcore\tyes\tt\tu\n", i, i);
    bytes_add_byte(&text, '\0');
    copy = malloc(text.size);
    memcpy(copy, text.data, text.size);
    refuse("concepts.tsv", copy, "concepts.tsv:64: more than 63 categories");
    free(copy);
}

static void test_odd_sheets_are_refused(void)
{
    const struct {
        int width, height, channels;
    } odd[] = {{4 * WORLD_COLUMNS + 1, 4, 4},
               {4 * WORLD_COLUMNS, 8, 4},
               {4 * WORLD_COLUMNS, 4, 3},
               {WORLD_COLUMNS - 1, 1, 4}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        World w;
        Error err = {0};
        put_good_world();
        put_sheet("ink.png", odd[i].width, odd[i].height, odd[i].channels);
        CHECK(world_open(&w, folder, &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, "18 x 1 square cells");
        CHECK(world_open_tables(&w, folder, &arena, NULL) == STATUS_OK && w.style[0].sheet.pixels == NULL);
        arena_free(&arena);
    }
}

static void test_a_missing_file_is_named(void)
{
    World w;
    Error err = {0};
    CHECK(world_open(&w, "no/such/world", &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such/world/styles.tsv");
    arena_free(&arena);
}

static void test_every_allocation_may_fail(void)
{
    put_good_world();
    for (size_t n = 1;; n++) {
        World w;
        Error err = {0};
        Arena small = {.fail_after = n};
        const Status status = world_open(&w, folder, &small, &err);
        arena_free(&small);
        if (status == STATUS_OK) {
            CHECK(n > 10);
            break;
        }
        CHECK(status == STATUS_MEMORY && err.text[0] != '\0');
    }
    arena_free(&arena);
}

/* What the rest of the project counts on in the shipped world. */
static void test_the_shipped_world(void)
{
    World w;
    Error err = {0};
    if (!CHECK(world_open(&w, "weights/world", &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    CHECK(w.styles == 8 && w.concepts == 198 && w.categories == 12);
    int core = 0, odd = 0, held = 0, held_of[WORLD_CATEGORIES] = {0}, apart = 0, empty = 0, articles = 0;
    for (int c = 0; c < w.concepts; c++) {
        const WorldConcept *concept = &w.concept[c];
        core += concept->role == CONCEPT_CORE;
        held += concept->role == CONCEPT_HELD;
        held_of[concept->category] += concept->role == CONCEPT_HELD;
        const bool vowel =
            strchr("aeiou", concept->name[0]) != NULL && strcmp(concept->name, "unicorn") != 0;
        articles += concept->article[0] == '\0' || (strcmp(concept->article, "an") == 0) == vowel;
        for (int s = 0; s < w.styles; s++) {
            int seen = 0;
            for (int y = 0; y < w.style[s].cell; y++)
                for (int x = 0; x < w.style[s].cell; x++)
                    seen |= world_drawing(
                        &w, s, c)[(size_t)y * (size_t)w.style[s].sheet.width * 4 + 4 * (size_t)x + 3];
            empty += (seen != 0) != (world_pair(&w, s, c) != PAIR_NONE);
        }
        for (int b = 0; b < c; b++) {
            odd += world_apart(&w, b, c) != world_apart(&w, c, b);
            apart += world_apart(&w, b, c);
        }
        odd += world_apart(&w, c, c);
    }
    CHECK(odd == 0);
    CHECK(core == 45 && held == 12 && articles == w.concepts);
    for (int k = 0; k < w.categories; k++)
        CHECK(held_of[k] == 1);
    CHECK(empty == 0); /* a cell is empty exactly where pairs.tsv has no pair */
    CHECK_NEAR(apart / (198.0 * 197 / 2), WORLD_APART / 100.0, 0.01);
    arena_free(&arena);
}

int main(void)
{
    scratch_path(folder, "world");
    if (CHECK(folder_make(folder, NULL) == STATUS_OK)) {
        test_a_folder_is_read();
        test_hostile_tables_are_refused();
        test_too_many_are_refused();
        test_odd_sheets_are_refused();
        test_every_allocation_may_fail();
        static const char *const made[] = {"styles.tsv", "concepts.tsv", "pairs.tsv", "ink.png", "pen.png"};
        for (int i = 0; i < 5; i++)
            remove(path_join(&arena, folder, made[i]));
        remove(folder);
    }
    test_a_missing_file_is_named();
    test_the_shipped_world();
    arena_free(&arena);
    return check_report("world");
}
