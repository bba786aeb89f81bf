#include "io/png.h"
#include "io/deflate.h"
#include "io/png_chunk.h"
#include "tests/check.h"

static Arena arena;

static void expect(const PngText *texts, int count, const char *key, const char *want)
{
    const char *got = png_text(texts, count, key);
    if (!CHECK(got != NULL && strcmp(got, want) == 0))
        printf("    %s: %s\n", key, got != NULL ? got : "(none)");
}

static void test_all_kinds_of_text(void)
{
    PngText *texts = NULL;
    Error err = {0};
    int count = 0;
    char long_text[5 * 99 + 1] = "";
    for (int i = 0; i < 99; i++)
        memcpy(long_text + 5 * i, "long ", 6);
    CHECK(png_read_texts(&texts, &count, "tests/corpus/png/texts.png", &arena, &err) == STATUS_OK &&
          count == 6);
    expect(texts, count, "parameters", "a cat\nSteps: 20");
    expect(texts, count, "latin", "caf\xc3\xa9");
    expect(texts, count, "utf8", "caf\xc3\xa9");
    expect(texts, count, "packed", long_text);
    expect(texts, count, "plain", "\xe7\x8c\xab");
    expect(texts, count, "itxt",
           "gr\xc3\xb6\xc3\x9f"
           "er");
    CHECK(png_text(texts, count, "other") == NULL && strcmp(texts[0].key, "parameters") == 0);
    CHECK(png_read_texts(&texts, &count, "tests/corpus/png/c2-08.png", &arena, &err) == STATUS_OK &&
          count == 0);
}

/* A file that is only a signature, one text chunk and an end: texts do not need pixels. */
static Bytes file_with(uint32_t type, const char *data, size_t size)
{
    Bytes file = {.arena = &arena};
    bytes_add(&file, PNG_SIGNATURE, sizeof PNG_SIGNATURE);
    png_add_chunk(&file, type, data, size);
    png_add_chunk(&file, PNG_IEND, "", 0);
    return file;
}

static const char *text_of(const char *latin, size_t size)
{
    PngText *texts = NULL;
    int count = 0;
    char data[100] = "k";
    memcpy(data + 2, latin, size);
    const Bytes file = file_with(PNG_TEXT, data, size + 2);
    CHECK(png_decode_texts(&texts, &count, file.data, file.size, "text", &arena, NULL) == STATUS_OK);
    return texts[0].text;
}

/* What is not well-formed UTF-8 is Latin-1: too long forms, halves of surrogate pairs, beyond U+10FFFF,
 * cut short. */
static void test_utf8_is_told_from_latin1(void)
{
    CHECK(strcmp(text_of("\xf0\x9f\x98\xba", 4), "\xf0\x9f\x98\xba") == 0);
    CHECK(strcmp(text_of("\xf4\x8f\xbf\xbf", 4), "\xf4\x8f\xbf\xbf") == 0);
    CHECK(strcmp(text_of("\xc0\x80", 2), "\xc3\x80\xc2\x80") == 0);
    CHECK(strcmp(text_of("\xe0\x9f\xbf", 3), "\xc3\xa0\xc2\x9f\xc2\xbf") == 0);
    CHECK(strcmp(text_of("\xed\xa0\x80", 3), "\xc3\xad\xc2\xa0\xc2\x80") == 0);
    CHECK(strcmp(text_of("\xf0\x8f\xbf\xbf", 4), "\xc3\xb0\xc2\x8f\xc2\xbf\xc2\xbf") == 0);
    CHECK(strcmp(text_of("\xf4\x90\x80\x80", 4), "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80") == 0);
    CHECK(strcmp(text_of("\xc3", 1), "\xc3\x83") == 0);
    CHECK(strcmp(text_of("\xc3\x28", 2), "\xc3\x83(") == 0);
    CHECK(strcmp(text_of("", 0), "") == 0);
    for (int i = 'a'; i <= 'z';
         i++) { /* whatever byte of the check sum follows, it is not part of the text */
        const char cut[2] = {(char)i, '\xc3'}, want[4] = {(char)i, '\xc3', '\x83', '\0'};
        CHECK(strcmp(text_of(cut, 2), want) == 0);
    }
}

static void test_malformed_chunks_are_refused(void)
{
    static const struct {
        uint32_t type;
        const char *data;
        size_t size;
        const char *words;
    } CASE[] = {
        {PNG_TEXT, "no zero", 7, "malformed"},
        {PNG_TEXT, "\0text", 5, "malformed"},
        {PNG_TEXT, "", 0, "malformed"},
        {PNG_TEXT, "0123456789012345678901234567890123456789012345678901234567890123456789012345678901\0x",
         84, "malformed"},
        {PNG_ZTXT, "key\0", 4, "malformed"},
        {PNG_ZTXT, "key\0\1x", 6, "malformed"},
        {PNG_ZTXT, "key\0\0", 5, "cut short"},
        {PNG_ZTXT, "key\0\0hello", 10, "not a zlib stream"},
        {PNG_ITXT, "key\0\0", 5, "malformed"},
        {PNG_ITXT, "key\0\2\0\0\0", 8, "malformed"},
        {PNG_ITXT, "key\0\1\1\0\0", 8, "malformed"},
        {PNG_ITXT, "key\0\0\0en", 8, "malformed"},
        {PNG_ITXT, "key\0\0\0en\0key", 12, "malformed"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        PngText *texts = NULL;
        int count = 0;
        Error err = {0};
        const Bytes file = file_with(CASE[i].type, CASE[i].data, CASE[i].size);
        const size_t used = arena.used;
        CHECK(png_decode_texts(&texts, &count, file.data, file.size, "bad", &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, CASE[i].words);
        CHECK(texts == NULL && arena.used == used);
    }
}

/* A small chunk that unpacks to more than PNG_TEXT_MAX. */
static void test_a_text_bomb_is_refused(void)
{
    static char zeros[PNG_TEXT_MAX + 1];
    PngText *texts = NULL;
    int count = 0;
    Error err = {0};
    Bytes data = {.arena = &arena};
    bytes_add(&data, "bomb\0\0", 6);
    memset(zeros, 'x', sizeof zeros);
    deflate_add(&data, zeros, sizeof zeros, DEFLATE_ZLIB);
    const Bytes file = file_with(PNG_ZTXT, (const char *)data.data, data.size);
    CHECK(file.size < 2000);
    CHECK(png_decode_texts(&texts, &count, file.data, file.size, "bomb", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "more bytes than there should be");
}

static void test_every_allocation_can_fail(void)
{
    int failures = 0;
    for (size_t n = 1; n < 100; n++) {
        Arena small = {.fail_after = n};
        PngText *texts = NULL;
        int count = 0;
        const Status status = png_read_texts(&texts, &count, "tests/corpus/png/texts.png", &small, NULL);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && texts == NULL && small.used == 0));
        failures += status != STATUS_OK;
        arena_free(&small);
        if (status == STATUS_OK)
            break;
    }
    CHECK(failures > 12);
}

int main(void)
{
    test_all_kinds_of_text();
    test_utf8_is_told_from_latin1();
    test_malformed_chunks_are_refused();
    test_a_text_bomb_is_refused();
    test_every_allocation_can_fail();
    arena_free(&arena);
    return check_report("png_text");
}
