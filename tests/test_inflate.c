#include "io/inflate.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/corpus.h"

static InflateWrap wrap_of(const char *name)
{
    return strstr(name, ".raw") ? INFLATE_RAW : strstr(name, ".zlib") ? INFLATE_ZLIB : INFLATE_GZIP;
}

/* Good streams give the bytes of the manifest, hostile ones the sentence; nothing is left in the arena. */
static void test_corpus(void)
{
    Corpus corpus;
    Arena arena = {0};
    int files = 0;
    for (CHECK(corpus_open(&corpus, "inflate")); corpus_next(&corpus); files++) {
        Error err = {0};
        Bytes out = {0};
        const Status status = inflate_new(&out, 1 << 20, corpus.data.data, corpus.data.size,
                                          wrap_of(corpus.name), corpus.name, &arena, &err);
        bool good = corpus.refused != NULL && status == STATUS_FORMAT &&
                    strstr(err.text, corpus.refused) != NULL && arena.used == 0;
        if (corpus.refused == NULL) {
            char want[100], hex[65];
            sha256_hex(hex, out.data, out.size);
            snprintf(want, sizeof want, "%zu %s", out.size, hex);
            good = status == STATUS_OK && strcmp(want, corpus.what) == 0;
        }
        if (!CHECK(good))
            printf("    %s: %s (expected %s)\n", corpus.name, err.text, corpus.what);
        arena_free(&arena);
    }
    CHECK(files > 40);
}

/* Every beginning of a good stream is refused, and so is every room that is too small. */
static void test_short_input_and_short_room(void)
{
    static const unsigned char HELLO[] = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57,
                                          0xc8, 0x40, 0x90, 0x00, 0x3a, 0x2e, 0x06, 0x7d};
    unsigned char out[17];
    size_t size = 0, used = 0;
    Error err = {0};
    CHECK(inflate_into(out, 17, &size, HELLO, sizeof HELLO, &used, INFLATE_ZLIB, "hello", &err) ==
          STATUS_OK);
    CHECK(size == 17 && used == sizeof HELLO && memcmp(out, "hello hello hello", 17) == 0);
    int refused = 1;
    for (size_t cut = 0; cut < sizeof HELLO; cut++)
        refused = refused &&
                  inflate_into(out, 17, NULL, HELLO, cut, NULL, INFLATE_ZLIB, "cut", NULL) == STATUS_FORMAT;
    for (size_t room = 0; room < 17; room++)
        refused = refused && inflate_into(out, room, NULL, HELLO, sizeof HELLO, NULL, INFLATE_ZLIB, "room",
                                          NULL) == STATUS_FORMAT;
    CHECK(refused);
}

/* What stands behind the stream is not touched, and told apart by `used`. */
static void test_bytes_behind_the_stream(void)
{
    static const unsigned char TWO[] = {0x4b, 0x04, 0x00, 0x4b, 0x02, 0x00}; /* "a", then "b" */
    unsigned char out[1];
    size_t size = 0, used = 0;
    CHECK(inflate_into(out, 1, &size, TWO, 6, &used, INFLATE_RAW, "a", NULL) == STATUS_OK);
    CHECK(size == 1 && out[0] == 'a' && used == 3);
    CHECK(inflate_into(out, 1, &size, TWO + used, 3, &used, INFLATE_RAW, "b", NULL) == STATUS_OK &&
          out[0] == 'b');
}

static void test_no_bytes_at_all(void)
{
    Error err = {0};
    CHECK(inflate_into(NULL, 0, NULL, NULL, 0, NULL, INFLATE_RAW, "nothing", &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "nothing: bad packed data near byte 0 of 0: the stream is cut short");
}

static void test_no_memory(void)
{
    static const unsigned char A[] = {0x4b, 0x04, 0x00};
    Arena arena = {.fail_after = 1};
    Bytes out = {0};
    Error err = {0};
    CHECK(inflate_new(&out, 9, A, 3, INFLATE_RAW, "a", &arena, &err) == STATUS_MEMORY && out.data == NULL);
    arena.fail_after = 0;
    CHECK(inflate_new(&out, 9, A, 3, INFLATE_RAW, "a", &arena, NULL) == STATUS_OK && out.size == 1);
    CHECK(out.data[0] == 'a' && out.data[1] == '\0');
    arena_free(&arena);
}

/* Damaged streams: one bit flipped anywhere in each file.  The answer may be either; what counts is that
 * the sanitizers see nothing, and that what is unpacked stays in its room. */
static void test_flipped_bits(void)
{
    Corpus corpus;
    int flips = 0;
    for (CHECK(corpus_open(&corpus, "inflate")); corpus_next(&corpus);)
        for (size_t bit = 0; bit < 8 * corpus.data.size; bit++, flips++) {
            unsigned char out[64];
            size_t size = 0;
            corpus.data.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            const Status status = inflate_into(out, sizeof out, &size, corpus.data.data, corpus.data.size,
                                               NULL, wrap_of(corpus.name), corpus.name, NULL);
            corpus.data.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (status != STATUS_FORMAT && !(status == STATUS_OK && size <= sizeof out))
                CHECK(!"an answer that cannot be");
        }
    CHECK(flips > 5000);
}

int main(void)
{
    test_corpus();
    test_short_input_and_short_room();
    test_bytes_behind_the_stream();
    test_no_bytes_at_all();
    test_no_memory();
    test_flipped_bits();
    return check_report("inflate");
}
