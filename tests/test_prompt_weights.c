/* Prompts with weights, by hand; the first rows are the examples of stable-diffusion-webui. */
#include "diffusion/prompt_weights.h"

#include <math.h>
#include <string.h>

#include "tests/check.h"

typedef struct {
    const char *prompt;
    int count;
    PromptPart part[5];
} Row;

static const Row ROWS[] = {
    {"normal text", 1, {{"normal text", 1.0}}},
    {"an (important) word", 3, {{"an ", 1.0}, {"important", 1.1}, {" word", 1.0}}},
    {"(unbalanced", 1, {{"unbalanced", 1.1}}},
    {"\\(literal\\]", 1, {{"(literal]", 1.0}}},
    {"(unnecessary)(parens)", 1, {{"unnecessaryparens", 1.1}}},
    {"a (((house:1.3)) [on] a (hill:0.5), sun",
     5,
     {{"a ", 1.0}, {"house", 1.573}, {" ", 1.1}, {"on", 1.0}, {" a ", 1.1}}},
    {"((a))", 1, {{"a", 1.21}}},
    {"[a] [[b]]", 3, {{"a", 1 / 1.1}, {" ", 1.0}, {"b", 1 / 1.1 / 1.1}}},
    {"(a: 2 )(b:.5)c:3)", 3, {{"a", 2.0}, {"b", 0.5}, {"c:3)", 1.0}}},
    {"(a:)", 1, {{"a:", 1.1}}},
    {"a)b]", 1, {{"a)b]", 1.0}}},
    {"x\\", 1, {{"x\\", 1.0}}},
    {"\\\\(a)", 2, {{"\\", 1.0}, {"a", 1.1}}},
    {"", 1, {{"", 1.0}}},
    {"()", 1, {{"", 1.0}}},
};

static void test_by_hand(void)
{
    Arena arena = {0};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        PromptPart *parts = NULL;
        int count = 0;
        CHECK(prompt_parts(&parts, &count, ROWS[i].prompt, false, &arena, NULL) == STATUS_OK);
        bool good = count >= ROWS[i].count && (count == ROWS[i].count || ROWS[i].count == 5);
        for (int k = 0; good && k < ROWS[i].count; k++)
            good = strcmp(parts[k].text, ROWS[i].part[k].text) == 0 &&
                   fabs(parts[k].weight - ROWS[i].part[k].weight) < 1e-12;
        if (!CHECK(good))
            for (int k = 0; k < count; k++)
                printf("    %s: \"%s\" %.17g\n", ROWS[i].prompt, parts[k].text, parts[k].weight);
        CHECK(prompt_parts(&parts, &count, ROWS[i].prompt, true, &arena, NULL) == STATUS_OK);
        CHECK(count == 1 && strcmp(parts[0].text, ROWS[i].prompt) == 0 && parts[0].weight == 1.0);
    }
    arena_free(&arena);
}

static void test_no_memory(void)
{
    Status status = STATUS_MEMORY;
    for (size_t n = 1; status != STATUS_OK && n < 100; n++) {
        Arena arena = {.fail_after = n};
        PromptPart *parts = NULL;
        int count = 0;
        status = prompt_parts(&parts, &count, "a (b:2) [c]", false, &arena, NULL);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && parts == NULL));
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK);
}

int main(void)
{
    test_by_hand();
    test_no_memory();
    return check_report("prompt_weights");
}
