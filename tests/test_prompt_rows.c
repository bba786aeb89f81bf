/* Rows of long and of weighted prompts: chunks by hand, plain ones as text_rows gives them, means, and memory. */
#include "diffusion/prompt_rows.h"

#include "base/sum.h"
#include "tests/tiny_model.h"

static const char *const LONG = "two blue circles and a red circle and a red circle and a red circle";

static float *rows_of(const Model *m, const char *const *prompts, int count, PromptRowsOptions o,
                      int *tokens, PromptReport *report, Arena *arena)
{
    float *rows = NULL;
    Error err = {0};
    if (!CHECK(prompt_rows(&rows, tokens, report, m, prompts, count, o, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    return rows;
}

static bool same(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* Plain options give text_rows; weights of a prompt without brackets change nothing. */
static void test_plain_rows(const Model *m)
{
    Arena arena = {0};
    const char *const prompts[2] = {"a red square", LONG};
    const size_t size = text_rows_size(m);
    PromptReport report[2], want_report[2];
    float *want = NULL;
    int tokens = 0;
    CHECK(text_rows(&want, want_report, m, prompts, 2, 1, &arena, NULL) == STATUS_OK);
    for (int w = PROMPT_PLAIN; w <= PROMPT_COMPEL; w++) {
        const PromptRowsOptions o = {.weighting = (PromptWeighting)w, .skip = 1};
        CHECK(same(rows_of(m, prompts, 2, o, &tokens, report, &arena), want, 2 * size) && tokens == 12);
        CHECK_TEXT(report[1].cut, want_report[1].cut);
        CHECK(report[1].cut[0] != '\0' && report[0].cut[0] == '\0' &&
              report[0].tokens == want_report[0].tokens);
    }
    arena_free(&arena);
}

/* Each chunk is what its tokens alone give; a short prompt is filled up with the empty one. */
static void test_chunks(const Model *m)
{
    Arena arena = {0};
    const char *const prompts[2] = {LONG, "a square"};
    const size_t size = text_rows_size(m);
    const PromptRowsOptions o = {.chunks = true};
    PromptReport report[2];
    int tokens = 0, *ids = NULL;
    size_t all = 0;
    const float *rows = rows_of(m, prompts, 2, o, &tokens, report, &arena);
    CHECK(tokenizer_tokens(&ids, &all, &m->tokenizer, LONG, &arena, NULL) == STATUS_OK);
    const size_t chunks = (all + 9) / 10;
    CHECK(chunks >= 2 && (size_t)tokens == chunks * 12 && report[0].cut[0] == '\0');
    for (size_t c = 0; c < chunks; c++) {
        const size_t left = all - c * 10;
        int row[12];
        Tape tape = {.arena = &arena};
        for (size_t k = 0; k < 12; k++)
            row[k] = k == 0                     ? m->tokenizer.start
                     : k <= left && k <= 10     ? ids[c * 10 + k - 1]
                     : k == 11 || k == left + 1 ? m->tokenizer.end
                                                : m->tokenizer.padding;
        const Tensor *want = clip_text(&tape, &m->text, row, 1, 12, NULL);
        CHECK(want != NULL && same(rows + c * size, want->data, size));
    }
    const char *const second[2] = {"a square", ""};
    float *want = NULL;
    CHECK(text_rows(&want, NULL, m, second, 2, 0, &arena, NULL) == STATUS_OK);
    CHECK(same(rows + chunks * size, want, 2 * size));
    arena_free(&arena);
}

/* By hand for one weight: which rows, by how much, and the mean of a1111. */
static void test_weights(const Model *m)
{
    Arena arena = {0};
    const char *const plain[2] = {"a red square", ""}, *const heavy = "a (red:1.5) square";
    const size_t size = text_rows_size(m), width = 8;
    PromptReport report[2];
    float *z = NULL;
    int tokens = 0;
    CHECK(text_rows(&z, NULL, m, plain, 2, 0, &arena, NULL) == STATUS_OK);
    const float *a =
        rows_of(m, &heavy, 1, (PromptRowsOptions){.weighting = PROMPT_A1111}, &tokens, report, &arena);
    const float *c =
        rows_of(m, &heavy, 1, (PromptRowsOptions){.weighting = PROMPT_COMPEL}, &tokens, report, &arena);
    const float *text = rows_of(m, &heavy, 1, (PromptRowsOptions){0}, &tokens, report, &arena);
    CHECK(!same(text, z, size)); /* brackets are text */
    CHECK_NEAR(sum8(a, size), sum8(z, size), 1e-4);
    const double ratio = (double)a[0] / (double)z[0];
    for (size_t i = 0; i < size; i++) {
        const bool weighed = i / width == 2; /* start, a, red */
        CHECK_NEAR(a[i], ratio * (weighed ? 1.5 : 1.0) * (double)z[i], 1e-5);
        CHECK_NEAR(
            c[i], weighed ? (double)z[size + i] + 1.5 * ((double)z[i] - (double)z[size + i]) : (double)z[i],
            1e-5);
    }
    arena_free(&arena);
}

static void test_no_memory_and_refused(const Model *m)
{
    const char *const prompts[2] = {LONG, "(a:2)"}, *const broken = "caf\xe9";
    Status status = STATUS_MEMORY;
    PromptReport report[2];
    int tokens = 0, failures = 0;
    for (size_t n = 1; status != STATUS_OK && n < 3000; n++) {
        Arena arena = {.fail_after = n};
        float *rows = NULL;
        const PromptRowsOptions o = {.chunks = true, .weighting = PROMPT_COMPEL};
        status = prompt_rows(&rows, &tokens, report, m, prompts, 2, o, &arena, NULL);
        failures += status == STATUS_MEMORY;
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && rows == NULL));
        arena_free(&arena);
    }
    CHECK(status == STATUS_OK && failures > 5);
    Arena arena = {0};
    float *rows = NULL;
    CHECK(prompt_rows(&rows, &tokens, report, m, &broken, 1, (PromptRowsOptions){0}, &arena, NULL) ==
          STATUS_FORMAT);
    CHECK(prompt_rows(&rows, &tokens, report, m, prompts, 1, (PromptRowsOptions){.skip = 9}, &arena,
                      NULL) == STATUS_ARGUMENT);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    test_plain_rows(&m);
    test_chunks(&m);
    test_weights(&m);
    test_no_memory_and_refused(&m);
    arena_free(&arena);
    return check_report("prompt_rows");
}
