/* Learning merges from captions. */
#include "base/file.h"
#include "diffusion/tokenizer_train.h"
#include "tests/check.h"

static Tokenizer train(const char *const *captions, size_t count, TokenizerTrainOptions options,
                       Arena *arena)
{
    Tokenizer t = {0};
    Arena scratch = {0};
    Error err = {0};
    if (!CHECK(tokenizer_train(&t, captions, count, options, arena, &scratch, &err) == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(scratch.used == 0);
    arena_free(&scratch);
    return t;
}

static bool merge_is(const Tokenizer *t, int k, const char *left, const char *right)
{
    const Merge *m = &t->table.merge[k];
    return k < t->table.merges && m->rank == k && strcmp(t->table.symbol[m->left].text, left) == 0 &&
           strcmp(t->table.symbol[m->right].text, right) == 0;
}

/* low x5, lower x2, newest x6, widest x3: the example of the paper, which merges es, est, est</w>, lo, low ...
 * Here the end of the word is part of its last letter, so st</w> comes first: 9 times, as es is. */
static void test_the_example_of_the_paper(void)
{
    static const char *const CAPTIONS[] = {"low low low low low lower lower", "newest newest newest newest",
                                           "newest newest widest widest widest"};
    Arena arena = {0};
    const Tokenizer t = train(CAPTIONS, 3, TOKENIZER_TRAIN_DEFAULTS, &arena);
    /* es and st</w> occur 9 times each; e is the older left symbol. */
    CHECK(merge_is(&t, 0, "e", "s"));
    CHECK(merge_is(&t, 1, "es", "t</w>"));
    CHECK(merge_is(&t, 2, "l", "o")); /* 7 times */
    CHECK(merge_is(&t, 3, "e", "w")); /* 6 times: newest; before n e and w est</w>, whose left is younger */
    CHECK(t.vocabulary == TOKENIZER_SMALLEST + t.table.merges);
    CHECK(strcmp(tokenizer_symbol(&t, 512), "es") == 0 && strcmp(tokenizer_symbol(&t, 0), "!") == 0);
    CHECK(strcmp(tokenizer_symbol(&t, 320), "a</w>") == 0);
    CHECK(t.start == t.vocabulary - 2 && t.end == t.vocabulary - 1 && t.padding == t.end &&
          t.unknown == t.end);
    int *ids;
    size_t count;
    CHECK(tokenizer_tokens(&ids, &count, &t, "Newest low", &arena, NULL) == STATUS_OK);
    CHECK(count == 2 && strcmp(tokenizer_symbol(&t, ids[0]), "newest</w>") == 0 &&
          strcmp(tokenizer_symbol(&t, ids[1]), "low</w>") == 0);
    arena_free(&arena);
}

static void test_options(void)
{
    static const char *const CAPTIONS[] = {"red red red", "blue blue", "green"};
    Arena arena = {0};
    TokenizerTrainOptions options = TOKENIZER_TRAIN_DEFAULTS;
    options.vocabulary = TOKENIZER_SMALLEST + 2;
    options.length = 16;
    Tokenizer t = train(CAPTIONS, 3, options, &arena);
    CHECK(t.vocabulary == options.vocabulary && t.table.merges == 2 && t.length == 16);
    options.vocabulary = 1000;
    options.times = 3;
    t = train(CAPTIONS, 3, options, &arena); /* red alone is frequent enough: re, red</w> */
    CHECK(t.table.merges == 2 && strcmp(tokenizer_symbol(&t, 513), "red</w>") == 0);
    t = train(CAPTIONS, 0, options, &arena);
    CHECK(t.vocabulary == TOKENIZER_SMALLEST && t.table.merges == 0);
    Tokenizer none = {.length = -1};
    Error err = {0};
    options.vocabulary = 513;
    CHECK(tokenizer_train(&none, CAPTIONS, 3, options, &arena, &arena, &err) == STATUS_ARGUMENT);
    CHECK(none.length == -1);
    CHECK_TEXT(err.text, "vocabulary 513");
    static const char *const BROKEN[] = {"red", "\xff"};
    CHECK(tokenizer_train(&none, BROKEN, 2, TOKENIZER_TRAIN_DEFAULTS, &arena, &arena, NULL) ==
          STATUS_FORMAT);
    arena_free(&arena);
}

/* The order of the captions does not matter, and what is written is read again with the same numbers. */
static void test_order_and_files(void)
{
    static const char *const A[] = {"a red circle above a blue square", "a green star", "two red stars"};
    static const char *const B[] = {"two red stars", "a red circle above a blue square", "a green star"};
    Arena arena = {0};
    const Tokenizer a = train(A, 3, TOKENIZER_TRAIN_DEFAULTS, &arena),
                    b = train(B, 3, TOKENIZER_TRAIN_DEFAULTS, &arena);
    CHECK(a.vocabulary == b.vocabulary && a.table.merges == b.table.merges);
    for (int k = 0; k < a.table.merges; k++)
        CHECK(memcmp(&a.table.merge[k], &b.table.merge[k], sizeof a.table.merge[k]) == 0);
    Tokenizer c = {0};
    CHECK(tokenizer_save(&a, "build/test_tokenizer_train", &arena, NULL) == STATUS_OK);
    CHECK(tokenizer_open(&c, "build/test_tokenizer_train", &arena, NULL) == STATUS_OK);
    EncodedPrompt p = {0}, q = {0};
    CHECK(tokenizer_encode(&p, &a, "A purple star above two caf\xc3\xa9s", &arena, NULL) == STATUS_OK);
    CHECK(tokenizer_encode(&q, &c, "A purple star above two caf\xc3\xa9s", &arena, NULL) == STATUS_OK);
    CHECK(p.used == q.used && memcmp(p.ids, q.ids, 77 * sizeof *p.ids) == 0);
    arena_free(&arena);
}

static void test_no_memory(void)
{
    static const char *const CAPTIONS[] = {"red red red", "blue blue", "green"};
    for (size_t n = 1; n < 200; n++)
        for (int which = 0; which < 2; which++) {
            Arena arena = {.fail_after = which == 0 ? n : 0}, scratch = {.fail_after = which == 1 ? n : 0};
            Tokenizer t = {0};
            const Status status =
                tokenizer_train(&t, CAPTIONS, 3, TOKENIZER_TRAIN_DEFAULTS, &arena, &scratch, NULL);
            CHECK(status == STATUS_OK || (status == STATUS_MEMORY && t.vocabulary == 0));
            CHECK(scratch.used == 0);
            CHECK(status == STATUS_MEMORY || n > 5);
            arena_free(&arena);
            arena_free(&scratch);
            if (status == STATUS_OK && which == 1)
                return;
        }
}

int main(void)
{
    test_the_example_of_the_paper();
    test_options();
    test_order_and_files();
    test_no_memory();
    return check_report("tokenizer_train");
}
