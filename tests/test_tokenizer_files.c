/* A tokenizer's folder: what is read, what is refused and why, and that writing gives the same again. */
#include "base/file.h"
#include "diffusion/tokenizer.h"
#include "tests/check.h"

#include <stdio.h>

static const char FOLDER[] = "build/test_tokenizer_files";

static const char VOCAB[] = "{\"a\": 0, \"b\": 1, \"a</w>\": 2, \"b</w>\": 3, \"ab\": 4, \"ab</w>\": 5,"
                            " \"<|startoftext|>\": 6, \"<|endoftext|>\": 7}";
static const char MERGES[] = "#version: 0.2\na b</w>\na b\n";

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    if (text == NULL)
        remove(path);
    else
        CHECK(file_write(path, text, strlen(text), NULL) == STATUS_OK);
}

/* Opens the folder with these files; NULL: without. */
static Status open_with(Tokenizer *t, const char *vocab, const char *merges, const char *config,
                        const char *map, Arena *arena, Error *err)
{
    CHECK(folder_make(FOLDER, NULL) == STATUS_OK);
    put("vocab.json", vocab);
    put("merges.txt", merges);
    put("tokenizer_config.json", config);
    put("special_tokens_map.json", map);
    return tokenizer_open(t, FOLDER, arena, err);
}

static void test_small_files(void)
{
    Arena arena = {0};
    Tokenizer t;
    EncodedPrompt p;
    CHECK(open_with(&t, VOCAB, MERGES, NULL, NULL, &arena, NULL) == STATUS_OK);
    CHECK(t.vocabulary == 8 && t.length == 77 && t.start == 6 && t.end == 7 && t.padding == 7 &&
          t.unknown == 7);
    /* "abab": "a b</w>" has the first rank, then "a b"; "c" is unknown and becomes the end token. */
    CHECK(tokenizer_encode(&p, &t, "abab ab b c", &arena, NULL) == STATUS_OK);
    const int want[] = {6, 4, 5, 5, 3, 7, 7};
    CHECK(p.used == 7 && memcmp(p.ids, want, sizeof want) == 0);
    arena_free(&arena);
}

static void test_config_and_map(void)
{
    Arena arena = {0};
    Tokenizer t;
    CHECK(open_with(&t, VOCAB, MERGES, "{\"pad_token\": \"a\", \"model_max_length\": 5}", NULL, &arena,
                    NULL) == STATUS_OK);
    CHECK(t.padding == 0 && t.length == 5);
    CHECK(open_with(&t, VOCAB, MERGES,
                    "{\"pad_token\": \"a\", \"unk_token\": null, \"model_max_length\": "
                    "1000000000000000019884624838656}",
                    "{\"pad_token\": {\"content\": \"b\"}, \"bos_token\": \"ab\"}", &arena,
                    NULL) == STATUS_OK);
    CHECK(t.padding == 1 && t.start == 4 && t.unknown == 7 &&
          t.length == 77); /* the map goes before the config */
    arena_free(&arena);
}

static void refuse(const char *vocab, const char *merges, const char *config, Status status,
                   const char *why)
{
    Arena arena = {0};
    Tokenizer t = {.vocabulary = -5};
    Error err = {0};
    CHECK(open_with(&t, vocab, merges, config, NULL, &arena, &err) == status);
    CHECK(t.vocabulary == -5 && err.status == status);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_hostile_files_get_one_sentence(void)
{
    refuse(NULL, MERGES, NULL, STATUS_FILE, "vocab.json");
    refuse(VOCAB, NULL, NULL, STATUS_FILE, "merges.txt");
    refuse("{\"a\": 0", MERGES, NULL, STATUS_FORMAT, "vocab.json");
    refuse("[1, 2]", MERGES, NULL, STATUS_FORMAT, "expected an object of tokens");
    refuse("{}", MERGES, NULL, STATUS_FORMAT, "expected an object of tokens");
    refuse("{\"a\": -1}", MERGES, NULL, STATUS_FORMAT, "the id of \"a\" is no whole number");
    refuse("{\"a\": 1.5}", MERGES, NULL, STATUS_FORMAT, "the id of \"a\" is no whole number");
    refuse("{\"a\": 4294967296}", MERGES, NULL, STATUS_FORMAT, "the id of \"a\" is no whole number");
    refuse("{\"a\": 2000000}", MERGES, NULL, STATUS_FORMAT, "the id of \"a\" is no whole number");
    refuse("{\"a\": 3, \"b\": 3}", MERGES, NULL, STATUS_FORMAT, "the id 3 is given twice");
    refuse("{\"a\\u0000b\": 3}", MERGES, NULL, STATUS_FORMAT, "zero byte");
    refuse("{\"\": 3}", MERGES, NULL, STATUS_FORMAT, "empty");
    refuse(VOCAB, "", NULL, STATUS_FORMAT, "line 1 does not hold \"#version\"");
    refuse(VOCAB, "a b", NULL, STATUS_FORMAT, "line 1 does not hold \"#version\"");
    refuse(VOCAB, "a b\n", NULL, STATUS_FORMAT, "line 1 does not hold \"#version\"");
    refuse(VOCAB, "#version\nab\n", NULL, STATUS_FORMAT, "line 2 is not two symbols");
    refuse(VOCAB, "#version\na b c\n", NULL, STATUS_FORMAT, "line 2 is not two symbols");
    refuse(VOCAB, "#version\n a\n", NULL, STATUS_FORMAT, "line 2 is not two symbols");
    refuse(VOCAB, "#version\na \n", NULL, STATUS_FORMAT, "line 2 is not two symbols");
    refuse(VOCAB, "#version\na b\n\nb a\n", NULL, STATUS_FORMAT, "line 3 is not two symbols");
    refuse(VOCAB, "#version\nb a\n", NULL, STATUS_FORMAT, "makes \"ba\", which vocab.json does not have");
    refuse(VOCAB, MERGES, "{\"pad_token\": \"zzz\"}", STATUS_FORMAT,
           "vocab.json: the special token \"zzz\" is not in it");
    refuse(VOCAB, MERGES, "{\"bos_token\": 7}", STATUS_FORMAT, "bos_token is no token");
    refuse(VOCAB, MERGES, "{\"bos_token\": {}}", STATUS_FORMAT, "bos_token is no token");
    refuse(VOCAB, MERGES, "{\"model_max_length\": 2}", STATUS_FORMAT, "model_max_length is 2");
    refuse("{\"a\": 0}", "#version\n", NULL, STATUS_FORMAT, "\"<|startoftext|>\" is not in it");
}

static void test_line_ends_and_repeated_pairs(void)
{
    Arena arena = {0};
    Tokenizer t;
    CHECK(open_with(&t, VOCAB, "\"names#version: 0.2\r\na b</w>\r\na b\r\n\r\n", NULL, NULL, &arena,
                    NULL) == STATUS_OK);
    CHECK(t.table.merges == 2);
    CHECK(open_with(&t, VOCAB, "#version\na b\na b</w>\na b", NULL, NULL, &arena, NULL) == STATUS_OK);
    CHECK(t.table.merges == 2 && t.table.merge[0].rank == 2 && t.table.merge[1].rank == 1);
    arena_free(&arena);
}

/* Files written from a tokenizer give it again, in the same order of merges. */
static void test_saving_gives_the_same_again(void)
{
    Arena arena = {0};
    Tokenizer t, again;
    CHECK(tokenizer_open(&t, "tests/vectors/tokenizer", &arena, NULL) == STATUS_OK);
    t.padding = 0;
    t.length = 30;
    CHECK(tokenizer_save(&t, FOLDER, &arena, NULL) == STATUS_OK);
    CHECK(tokenizer_open(&again, FOLDER, &arena, NULL) == STATUS_OK);
    CHECK(again.vocabulary == t.vocabulary && again.start == t.start && again.end == t.end &&
          again.padding == 0 && again.unknown == t.unknown && again.length == 30);
    CHECK(again.table.merges == t.table.merges);
    int same = 1;
    for (int id = 0; id < t.vocabulary; id++)
        same = same && strcmp(tokenizer_symbol(&t, id), tokenizer_symbol(&again, id)) == 0;
    CHECK(same);
    Bytes old, new;
    CHECK(file_read(&old, "tests/vectors/tokenizer/merges.txt", &arena, NULL) == STATUS_OK);
    CHECK(file_read(&new, "build/test_tokenizer_files/merges.txt", &arena, NULL) == STATUS_OK);
    CHECK(old.size == new.size &&memcmp(old.data, new.data, old.size) == 0);
    arena_free(&arena);
}

static void test_no_memory(void)
{
    for (size_t n = 1; n < 200; n++) {
        Arena arena = {.fail_after = n};
        Tokenizer t = {0};
        const Status status = open_with(&t, VOCAB, MERGES, "{}", "{}", &arena, NULL);
        Status saved = STATUS_MEMORY;
        if (status == STATUS_OK)
            saved = tokenizer_save(&t, FOLDER, &arena, NULL);
        arena_free(&arena);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        CHECK(saved == STATUS_OK || saved == STATUS_MEMORY);
        if (saved == STATUS_OK) {
            CHECK(n > 10);
            break;
        }
    }
}

int main(void)
{
    test_small_files();
    test_config_and_map();
    test_hostile_files_get_one_sentence();
    test_line_ends_and_repeated_pairs();
    test_saving_gives_the_same_again();
    test_no_memory();
    return check_report("tokenizer_files");
}
