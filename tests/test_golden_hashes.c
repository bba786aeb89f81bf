/* golden self on items and lists of the test's own: what it says when something differs. */
#include "cli/golden_hashes.h"

#include <unistd.h>

#include "base/isa.h"
#include "base/sum.h"
#include "io/json.h"
#include "tests/check.h"

static Status steady_item(Sha256 *hash, Arena *arena, Error *err)
{
    (void)arena, (void)err;
    sha256_add(hash, "steady", 6);
    return STATUS_OK;
}

static Status item_of_threads(Sha256 *hash, Arena *arena, Error *err)
{
    const unsigned char many = threads_count() > 1;
    (void)arena, (void)err;
    sha256_add(hash, &many, 1);
    return STATUS_OK;
}

static Status item_of_level(Sha256 *hash, Arena *arena, Error *err)
{
    const unsigned char level = (unsigned char)isa_level();
    (void)arena, (void)err;
    sha256_add(hash, &level, 1);
    return STATUS_OK;
}

static Status item_that_fails(Sha256 *hash, Arena *arena, Error *err)
{
    (void)hash, (void)arena;
    return error_set(err, STATUS_NOT_FINITE, "the loss is not finite");
}

static Status item_without_memory(Sha256 *hash, Arena *arena, Error *err)
{
    (void)hash, (void)arena;
    return error_set(err, STATUS_MEMORY, "no memory for the item");
}

/* The hash that an item has to have: over its name and what `bytes` says. */
static const char *hash_of(char hex[65], const char *name, const void *bytes, size_t size)
{
    Sha256 hash = sha256_begin();
    sha256_add(&hash, name, strlen(name) + 1);
    sha256_add(&hash, bytes, size);
    sha256_end_hex(hex, &hash);
    return hex;
}

typedef struct {
    Status status;
    Error error;
    char law[200], found[200], look_at[200];
    int items, same;
} Said;

/* Runs the items with --json and reads what is said. */
static Said run(const GoldenItem *items, const GoldenExpected *expected, const LawParts *laws,
                const char *only)
{
    Said said = {.status = STATUS_OK};
    Result result = {0};
    Arena arena = {0};
    const Json *json = NULL, *reason;
    const GoldenHashes hashes = {
        .groups = &items, .group_count = 1, .expected = expected, .laws = laws, .only = only};
    result_begin(&result, "golden", true, NULL);
    said.status = golden_hashes(&hashes, &result, &said.error);
    json_end(&result.json);
    CHECK(json_parse(&json, (const char *)result.text.data, result.text.size, "said", &arena, NULL) ==
          STATUS_OK);
    reason = json_get(json, "reason");
    snprintf(said.law, sizeof said.law, "%s", json_text(json_get(reason, "law"), ""));
    snprintf(said.found, sizeof said.found, "%s", json_text(json_get(reason, "found"), ""));
    snprintf(said.look_at, sizeof said.look_at, "%s", json_text(json_get(reason, "look_at"), ""));
    said.items = (int)json_count(json_get(json, "items"));
    said.same = json_int(json_get(json, "same"), -1);
    CHECK(json_int(json_get(json, "different"), -1) ==
          (said.same < 0 ? -1 : said.items - said.same)); /* hashes alone: neither */
    arena_free(&arena);
    arena_free(&result.arena);
    return said;
}

static const GoldenItem STEADY[] = {{"one.steady", steady_item, "one/steady.c"},
                                    {"two.steady", steady_item, "two/steady.c"},
                                    {NULL, NULL, NULL}};

static void test_all_are_right(void)
{
    char one[65], two[65];
    const GoldenExpected expected[] = {{"one.steady", hash_of(one, "one.steady", "steady", 6)},
                                       {"two.steady", hash_of(two, "two.steady", "steady", 6)},
                                       {NULL, NULL}};
    Said said = run(STEADY, expected, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_OK && said.items == 2 && said.same == 2 && said.law[0] == '\0');
    said = run(STEADY, expected, &LAWS_OWN, "two");
    CHECK(said.status == STATUS_OK && said.items == 1 && said.same == 1);
    said = run(STEADY, expected, &LAWS_OWN, "none,one.s");
    CHECK(said.status == STATUS_OK && said.items == 1 && said.same == 1);
    said = run(STEADY, expected, &LAWS_OWN, "two,one");
    CHECK(said.status == STATUS_OK && said.items == 2 && said.same == 2);
    said = run(STEADY, expected, &LAWS_OWN, "three");
    CHECK(said.status == STATUS_ARGUMENT);
    CHECK_TEXT(said.error.text, "no item begins with \"three\"");
    said = run(STEADY, NULL, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_OK && said.items == 2 && said.same == -1);
}

/* A wrong hash in the list: no law is broken, so the item's own code is to be looked at. */
static void test_a_wrong_hash(void)
{
    char one[65], two[65];
    const GoldenExpected expected[] = {{"one.steady", hash_of(one, "one.steady", "steady", 6)},
                                       {"two.steady", hash_of(two, "two.steady", "steadx", 6)},
                                       {NULL, NULL}};
    const Said said = run(STEADY, expected, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_DIFFERENT && said.items == 2 && said.same == 1);
    CHECK_TEXT(said.error.text, "1 of 2 results differ from the contract's, the first is two.steady");
    CHECK_TEXT(said.law, "the item itself");
    CHECK_TEXT(said.found, "all laws below two.steady hold");
    CHECK_TEXT(said.look_at, "two/steady.c");
    CHECK(run(STEADY, expected + 1, &LAWS_OWN, NULL).same == 0); /* an item that the list does not know */
}

static double sum_in_a_row(const float *x, size_t n)
{
    double s = 0.0;
    for (size_t i = 0; i < n; i++)
        s += x[i];
    return s;
}

/* A broken law below is the reason. */
static void test_a_broken_law(void)
{
    const GoldenExpected expected[] = {{"one.steady", ""}, {NULL, NULL}};
    LawParts laws = LAWS_OWN;
    laws.sum = sum_in_a_row;
    const Said said = run(STEADY, expected, &laws, "one");
    CHECK(said.status == STATUS_DIFFERENT);
    CHECK_TEXT(said.law, "sum8 adds in the order of the contract");
    CHECK_TEXT(said.error.text, "broken: sum8 adds in the order");
    CHECK_TEXT(said.look_at, "base/sum_inline.h");
}

static void test_threads_and_levels(void)
{
    static const GoldenItem threads[] = {{"of.threads", item_of_threads, "a.c"}, {NULL, NULL, NULL}};
    static const GoldenItem level[] = {{"of.level", item_of_level, "b.c"}, {NULL, NULL, NULL}};
    char hex[65];
    const GoldenExpected alone[] = {{"of.threads", hash_of(hex, "of.threads", "", 1)}, {NULL, NULL}};
    threads_set(3);
    if (threads_count() == 3) {
        const Said said = run(threads, alone, &LAWS_OWN, NULL);
        CHECK_TEXT(said.law, "do not depend on the number of threads");
        CHECK_TEXT(said.found, "right with 1 thread, not with 3");
        CHECK(threads_count() == 3);
    }
    threads_set(0);
    const IsaLevel best = isa_level();
    const GoldenExpected base[] = {{"of.level", hash_of(hex, "of.level", "", 1)}, {NULL, NULL}};
    if (best > ISA_BASE) {
        const Said said = run(level, base, &LAWS_OWN, NULL);
        CHECK_TEXT(said.law, "do not depend on the instruction set");
        CHECK_TEXT(said.found, "right with the instruction set base");
        CHECK(isa_level() == best);
    }
}

/* An item that cannot be computed differs, with the reason in the hash's place; without memory nothing can be said. */
static void test_an_item_that_fails(void)
{
    static const GoldenItem fails[] = {{"of.loss", item_that_fails, "a.c"}, {NULL, NULL, NULL}};
    static const GoldenItem memory[] = {{"of.memory", item_without_memory, "a.c"}, {NULL, NULL, NULL}};
    const GoldenExpected expected[] = {{NULL, NULL}};
    Said said = run(fails, expected, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_DIFFERENT && said.items == 1 && said.same == 0);
    said = run(fails, NULL, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_NOT_FINITE);
    CHECK_TEXT(said.error.text, "the loss is not finite");
    said = run(memory, expected, &LAWS_OWN, NULL);
    CHECK(said.status == STATUS_MEMORY);
}

int main(void)
{
    test_all_are_right();
    test_a_wrong_hash();
    test_a_broken_law();
    test_threads_and_levels();
    test_an_item_that_fails();
    return check_report("golden_hashes");
}
