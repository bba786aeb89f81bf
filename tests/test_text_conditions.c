#include "diffusion/text_conditions.h"

#include "tests/tiny_model.h"

static const char *const PROMPTS[3] = {
    "a red square", "",
    "two blue circles and a red circle and a red circle and a red circle and a red circle"};

/* Each prompt's rows are those that it has alone, and what clip_text gives for its ids. */
static void test_rows_of_a_batch(const Model *m)
{
    Arena arena = {0};
    Error err = {0};
    float *all = NULL, *one = NULL;
    PromptReport report[3];
    const size_t size = text_rows_size(m);
    CHECK(size == 12 * 8);
    if (!CHECK(text_rows(&all, report, m, PROMPTS, 3, 0, &arena, &err) == STATUS_OK))
        return;
    for (int n = 0; n < 3; n++) {
        CHECK(text_rows(&one, NULL, m, &PROMPTS[n], 1, 0, &arena, &err) == STATUS_OK);
        CHECK(memcmp(one, all + (size_t)n * size, size * sizeof *one) == 0);
    }
    Tape tape = {.arena = &arena};
    EncodedPrompt prompt;
    CHECK(tokenizer_encode(&prompt, &m->tokenizer, PROMPTS[0], &arena, &err) == STATUS_OK);
    const Tensor *y = clip_text(&tape, &m->text, prompt.ids, 1, 12, NULL);
    CHECK(y != NULL && memcmp(y->data, all, size * sizeof *all) == 0);
    CHECK(report[1].tokens == 2 && report[1].cut[0] == '\0');
    CHECK(report[0].tokens > 2 && report[0].tokens == prompt.used && report[0].cut[0] == '\0');
    CHECK(report[2].tokens == 12 && report[2].cut[0] != '\0');
    arena_free(&arena);
}

static void test_skipped_layers(const Model *m)
{
    Arena arena = {0};
    float *last = NULL, *before = NULL;
    CHECK(text_rows(&last, NULL, m, PROMPTS, 1, 0, &arena, NULL) == STATUS_OK);
    CHECK(text_rows(&before, NULL, m, PROMPTS, 1, 1, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(last, before, text_rows_size(m) * sizeof *last) != 0);
    const size_t used = arena.used;
    Error err = {0};
    CHECK(text_rows(&before, NULL, m, PROMPTS, 1, 99, &arena, &err) == STATUS_ARGUMENT &&
          err.text[0] != '\0');
    CHECK(arena.used == used);
    arena_free(&arena);
}

static void test_every_allocation_can_fail(const Model *m)
{
    Status status = STATUS_MEMORY;
    int failures = 0;
    for (size_t n = 1; status != STATUS_OK && n < 3000; n++) {
        Arena arena = {.fail_after = n};
        Error err = {0};
        float *rows = NULL;
        PromptReport report[3];
        status = text_rows(&rows, report, m, PROMPTS, 3, 0, &arena, &err);
        failures += status != STATUS_OK;
        if (status != STATUS_OK && !CHECK(status == STATUS_MEMORY && rows == NULL && arena.used == 0))
            status = STATUS_OK;
        arena_free(&arena);
    }
    CHECK(failures > 20);
}

int main(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    test_rows_of_a_batch(&m);
    test_skipped_layers(&m);
    test_every_allocation_can_fail(&m);
    arena_free(&arena);
    return check_report("text_conditions");
}
