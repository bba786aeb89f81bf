/* Byte-pair encoding against numbers made with the original's rules. */
#include "diffusion/tokenizer.h"

#include "tests/cases.h"

static const char FOLDER[] = "tests/vectors/tokenizer";

/* Opens a tokenizer; the test ends here when it cannot. */
static Tokenizer open_tokenizer(const char *folder, Arena *arena)
{
    Tokenizer t = {0};
    Error err = {0};
    if (!CHECK(tokenizer_open(&t, folder, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(check_report("tokenizer"));
    }
    return t;
}

/* The first difference between what the tokenizer makes of a prompt and the wanted ids. */
static void check_prompt(const Tokenizer *t, const char *text, const int *got, size_t count,
                         const Json *want, int padding)
{
    for (size_t i = 0; i < count; i++) {
        const int id = json_int(json_at(want, i), padding);
        if (!CHECK(got[i] == id)) {
            printf("    \"%s\": token %zu is %d, expected %d\n", text, i, got[i], id);
            return;
        }
    }
    CHECK(json_count(want) <= count || t == NULL);
}

static void test_prompts_of_a_small_vocabulary(void)
{
    Arena arena = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &arena);
    CHECK(t.vocabulary == 1514 && t.length == 77 && t.table.merges == 1000);
    CHECK(t.start == 1512 && t.end == 1513 && t.padding == 1513 && t.unknown == 1513);
    const Json *prompts;
    CHECK(json_read(&prompts, "tests/vectors/tokenizer/prompts.json", &arena, NULL) == STATUS_OK);
    CHECK(json_count(prompts) == 50);
    for (size_t i = 0; i < json_count(prompts); i++) {
        const char *text = json_text(json_get(json_at(prompts, i), "text"), "");
        const Json *text_value = json_get(json_at(prompts, i), "text");
        if (json_text_length(text_value) != strlen(text))
            continue; /* a zero byte ends a C string: tests/test_tokenizer_text.c has that case */
        EncodedPrompt p = {0};
        CHECK(tokenizer_encode(&p, &t, text, &arena, NULL) == STATUS_OK);
        check_prompt(&t, text, p.ids, 77, json_get(json_at(prompts, i), "ids"), t.padding);
        CHECK(p.ids[0] == t.start && p.ids[p.used - 1] == t.end);
    }
    arena_free(&arena);
}

/* The tail of 75 tokens is cut off and reported; 75 tokens just fit. */
static void test_long_prompts_are_cut(void)
{
    Arena arena = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &arena);
    char text[400] = "";
    for (int i = 0; i < 75; i++)
        strcat(text, "day "); /* one token each */
    EncodedPrompt p = {0};
    CHECK(tokenizer_encode(&p, &t, text, &arena, NULL) == STATUS_OK);
    CHECK(p.used == 77 && strcmp(p.cut, "") == 0 && p.ids[76] == t.end);
    strcat(text, "a Photo, 4k");
    CHECK(tokenizer_encode(&p, &t, text, &arena, NULL) == STATUS_OK);
    CHECK(p.used == 77 && p.ids[76] == t.end);
    CHECK(strcmp(p.cut, "a photo , 4 k") == 0);
    CHECK(tokenizer_encode(&p, &t, "", &arena, NULL) == STATUS_OK);
    CHECK(p.used == 2 && p.ids[0] == t.start && p.ids[1] == t.end && p.ids[76] == t.end);
    arena_free(&arena);
}

static void test_decode_gives_the_words_back(void)
{
    Arena arena = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &arena);
    int *ids;
    size_t count;
    CHECK(tokenizer_tokens(&ids, &count, &t, "a Caf\xc3\xa9 !!!", &arena, NULL) == STATUS_OK);
    CHECK(strcmp(tokenizer_decode(&t, ids, count, &arena), "a caf\xc3\xa9 !!!") == 0);
    CHECK(strcmp(tokenizer_symbol(&t, ids[0]), "a</w>") == 0);
    const int half[] = {t.table.symbol[t.table.byte[0xc3]].id, t.table.symbol[t.table.last_byte['x']].id,
                        9999, -1};
    CHECK(strcmp(tokenizer_decode(&t, half, 4, &arena), "\xef\xbf\xbdx") == 0); /* half a character */
    CHECK(tokenizer_symbol(&t, 1514) == NULL && tokenizer_symbol(&t, -1) == NULL);
    arena_free(&arena);
}

/* Written out in a prompt, start and end stand for themselves: exactly written anywhere, in capitals as words. */
static void test_special_tokens_in_a_prompt(void)
{
    static const struct {
        const char *text;
        int count, ids[4];
    } CASES[] = {{"!<|endoftext|>", 2, {256, 1513}},
                 {"a<|startoftext|>a", 3, {320, 1512, 320}},
                 {"<|ENDOFTEXT|> a", 2, {1513, 320}}};
    Arena arena = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &arena);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int *ids;
        size_t count = 0;
        CHECK(tokenizer_tokens(&ids, &count, &t, CASES[i].text, &arena, NULL) == STATUS_OK);
        CHECK(count == (size_t)CASES[i].count && memcmp(ids, CASES[i].ids, count * sizeof *ids) == 0);
    }
    arena_free(&arena);
}

static void test_text_that_is_not_utf8_is_refused(void)
{
    Arena arena = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &arena);
    EncodedPrompt p = {0};
    Error err = {0};
    CHECK(tokenizer_encode(&p, &t, "caf\xe9", &arena, &err) == STATUS_FORMAT && p.ids == NULL);
    CHECK_TEXT(err.text, "not UTF-8");
    arena_free(&arena);
}

static void test_no_memory(void)
{
    Arena store = {0};
    const Tokenizer t = open_tokenizer(FOLDER, &store);
    for (size_t n = 1; n < 100; n++) {
        Arena arena = {.fail_after = n};
        EncodedPrompt p = {0};
        const Status status = tokenizer_encode(&p, &t, "a <|endoftext|> photo", &arena, NULL);
        arena_free(&arena);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && p.ids == NULL));
        if (status == STATUS_OK) {
            CHECK(n > 5);
            break;
        }
    }
    arena_free(&store);
}

/* All reference prompts with the original 49,408 tokens and with the two small vocabularies. */
static void test_reference_cases(void)
{
    if (!case_exists("tokenizer"))
        return;
    static const char *const FOLDERS[] = {"tokenizer/full-vocab", "models/sd1-tiny/tokenizer",
                                          "models/sd2-tiny/tokenizer"};
    static const char *const KEYS[] = {"full_padded_77", "sd1_tiny_padded_77", "sd2_tiny_padded_77"};
    Arena arena = {0};
    char path[CASE_PATH];
    const Json *json;
    CHECK(json_read(&json, case_path(path, "tokenizer/case.json"), &arena, NULL) == STATUS_OK);
    const Json *cases = json_get(json, "cases");
    CHECK(json_count(cases) >= 50);
    for (size_t k = 0; k < 3; k++) {
        const Tokenizer t = open_tokenizer(case_path(path, FOLDERS[k]), &arena);
        for (size_t i = 0; i < json_count(cases); i++) {
            const Json *value = json_get(json_at(cases, i), "text");
            const char *text = json_text(value, "");
            EncodedPrompt p = {0};
            if (strlen(text) != json_text_length(value))
                continue;
            CHECK(tokenizer_encode(&p, &t, text, &arena, NULL) == STATUS_OK);
            check_prompt(&t, text, p.ids, 77, json_get(json_at(cases, i), KEYS[k]), -1);
            if (k > 0)
                continue;
            int *ids;
            size_t count;
            const Json *want = json_get(json_at(cases, i), "full_ids_no_special");
            CHECK(tokenizer_tokens(&ids, &count, &t, text, &arena, NULL) == STATUS_OK);
            CHECK(count == json_count(want));
            check_prompt(&t, text, ids, count, want, -1);
        }
    }
    arena_free(&arena);
}

int main(void)
{
    test_prompts_of_a_small_vocabulary();
    test_long_prompts_are_cut();
    test_decode_gives_the_words_back();
    test_special_tokens_in_a_prompt();
    test_text_that_is_not_utf8_is_refused();
    test_no_memory();
    test_reference_cases();
    return check_report("tokenizer");
}
