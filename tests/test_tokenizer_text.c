/* Cleaning a prompt and cutting it into words. */
#include "diffusion/tokenizer_text.h"
#include "io/utf8.h"
#include "tests/check.h"

/* The words of a text, joined by '|'; "?" when it is refused. */
static const char *words_of(const char *text, size_t size, Error *err)
{
    static char out[400];
    Arena arena = {0};
    Words words;
    const uint32_t *word;
    size_t count, n = 0;
    if (words_begin(&words, text, size, &arena, err) != STATUS_OK) {
        arena_free(&arena);
        return "?";
    }
    while (words_next(&words, &word, &count)) {
        if (n > 0)
            out[n++] = '|';
        for (size_t i = 0; i < count; i++)
            n += (size_t)utf8_write((unsigned char *)out + n, word[i]);
    }
    out[n] = '\0';
    arena_free(&arena);
    return out;
}

static void check_words(const char *text, const char *want)
{
    const char *got = words_of(text, strlen(text), NULL);
    if (!CHECK(strcmp(got, want) == 0))
        printf("    \"%s\" gave \"%s\", expected \"%s\"\n", text, got, want);
}

static void test_words(void)
{
    check_words("", "");
    check_words(" \t\r\n ", "");
    check_words("A Photo of a CAT", "a|photo|of|a|cat");
    check_words("it's they're I've seen'em", "it|'s|they|'re|i|'ve|seen|'|em");
    check_words("I'LL 'S 'RE don'T", "i|'ll|'s|'re|don|'t");
    check_words("\xc5\xbf'\xc5\xbf", "\xc5\xbf|'\xc5\xbf"); /* the long s is an s after an apostrophe */
    check_words("3.14 2nd 1,000", "3|.|1|4|2|nd|1|,|0|0|0");
    check_words("a-b_c(((d)))!?", "a|-|b|_|c|(((|d|)))!?");
    check_words("!'s", "!'|s"); /* a run of signs takes the apostrophe with it */
    check_words("x<|ENDOFTEXT|>y", "x|<|endoftext|>|y");
    check_words("!<|endoftext|>", "!<||endoftext||>"); /* "!<|", "endoftext", "|>" */
}

static void test_clean(void)
{
    check_words("a\x01\x0b\x7f"
                "b",
                "ab"); /* control characters, vertical tab with them, are dropped */
    check_words("a\xc2\xa0"
                "b\xe2\x80\x83"
                "c\xe2\x80\xa8"
                "d",
                "a|b|c|d"); /* no-break, em space, line separator */
    check_words("space\xe2\x80\x8bzero \xef\xbb\xbf"
                "bom",
                "spacezero|bom");
    check_words("\xe4\xb8\xad\xe6\x96\x87"
                "and",
                "\xe4\xb8\xad|\xe6\x96\x87|and");                        /* Chinese characters are words */
    check_words("\xe3\x81\xae\xe3\x83\x86", "\xe3\x81\xae\xe3\x83\x86"); /* kana are not */
    check_words("e\xcc\x81 E\xcc\x81", "\xc3\xa9|\xc3\xa9");
    const char zero[] = {'a', 0, 'b'};
    CHECK(strcmp(words_of(zero, 3, NULL), "ab") == 0);
}

static void test_refused(void)
{
    Error err = {0};
    CHECK(strcmp(words_of("caf\xe9 au lait", 12, &err), "?") == 0);
    CHECK(err.status == STATUS_FORMAT);
    CHECK_TEXT(err.text, "byte 0xe9 at position 3");
    CHECK(strcmp(words_of("\xed\xa0\x80", 3, NULL), "?") == 0); /* a surrogate */
    CHECK(strcmp(words_of("ab\xc3", 3, NULL), "?") == 0);       /* cut off */
}

static void test_no_memory(void)
{
    for (size_t n = 1;; n++) {
        Arena arena = {.fail_after = n};
        Words words;
        Error err = {0};
        const Status status = words_begin(&words, "some text", 9, &arena, &err);
        arena_free(&arena);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && err.status == STATUS_MEMORY));
        if (status == STATUS_OK) {
            CHECK(n == 4);
            break;
        }
    }
}

int main(void)
{
    test_words();
    test_clean();
    test_refused();
    test_no_memory();
    return check_report("tokenizer_text");
}
