#include "io/deflate.h"
#include "io/inflate.h"
#include "io/sha256.h"
#include "tests/check.h"

typedef void (*Pattern)(unsigned char *data, size_t size);

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void zeros(unsigned char *data, size_t size)
{
    memset(data, 0, size);
}

static void noise(unsigned char *data, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(next(&state) >> 13 & 255);
}

/* Words of a small vocabulary, the frequent ones more often. */
static void words(unsigned char *data, size_t size)
{
    static const char *const WORD[8] = {"the ", "a ",     "latent ",    "image ",
                                        "of ",  "noise ", "diffusion ", "\n"};
    uint32_t state = 2;
    for (size_t i = 0; i < size;) {
        const char *word = WORD[(next(&state) >> 12 & 7) & (next(&state) >> 12 & 7)];
        for (; *word != '\0' && i < size; word++)
            data[i++] = (unsigned char)*word;
    }
}

/* The differences of a smooth picture: small numbers around zero. */
static void differences(unsigned char *data, size_t size)
{
    uint32_t state = 3;
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)((next(&state) % 5 + next(&state) % 5 + 252) & 255);
}

/* Copies from exactly the farthest distance and from one byte farther, and noise between. */
static void far_copies(unsigned char *data, size_t size)
{
    noise(data, size);
    for (size_t i = 33000; i + 1000 <= size; i += 1000) {
        memcpy(data + i, data + i - 32768, 300);
        memcpy(data + i + 500, data + i + 500 - 32769, 300);
    }
}

static const Pattern PATTERN[] = {zeros, noise, words, differences, far_copies};
enum { PATTERNS = sizeof PATTERN / sizeof PATTERN[0], MOST = 200000 };

static unsigned char data[MOST], back[MOST];

/* Packs, unpacks and compares; returns the packed size, 0 when something is wrong. */
static size_t round_trip(size_t size, DeflateWrap wrap)
{
    Arena arena = {0};
    Bytes out = {.arena = &arena};
    size_t unpacked = 0, used = 0;
    bytes_add_text(&out, "before");
    deflate_add(&out, data, size, wrap);
    const size_t packed = out.size - 6;
    memset(back, 0xee, size);
    const Status status =
        inflate_into(back, size, &unpacked, out.data + 6, packed, &used,
                     wrap == DEFLATE_RAW ? INFLATE_RAW : INFLATE_ZLIB, "round trip", NULL);
    const bool good = !out.failed && memcmp(out.data, "before", 6) == 0 && packed <= deflate_bound(size) &&
                      status == STATUS_OK && unpacked == size && used == packed &&
                      memcmp(data, back, size) == 0;
    arena_free(&arena);
    return good ? packed : 0;
}

static void test_every_short_length(void)
{
    for (int p = 0; p < PATTERNS; p++) {
        int good = 1;
        PATTERN[p](data, 700);
        for (size_t size = 0; size < 700; size = size < 300 ? size + 1 : size + 37)
            good = good && round_trip(size, DEFLATE_RAW) && round_trip(size, DEFLATE_ZLIB);
        CHECK(good);
    }
}

/* Around the ends of blocks, stored blocks and the window. */
static void test_long_lengths(void)
{
    static const size_t SIZE[] = {16383, 16384, 16385, 32768, 32771, 65535, 65536, 131072, MOST};
    for (int p = 0; p < PATTERNS; p++) {
        PATTERN[p](data, MOST);
        for (size_t i = 0; i < sizeof SIZE / sizeof SIZE[0]; i++)
            CHECK(round_trip(SIZE[i], DEFLATE_ZLIB) > 0);
    }
}

/* What zlib 1.2.13 makes of the same bytes at its default level (6); ours may be 1% larger. */
static void test_size_is_that_of_zlib(void)
{
    static const size_t ZLIB[PATTERNS] = {217, 200071, 25021, 87671, 200071};
    for (int p = 0; p < PATTERNS; p++) {
        PATTERN[p](data, MOST);
        const size_t packed = round_trip(MOST, DEFLATE_ZLIB);
        if (!CHECK(packed > 0 && packed <= ZLIB[p] + ZLIB[p] / 100))
            printf("    pattern %d: %zu bytes, zlib %zu\n", p, packed, ZLIB[p]);
    }
}

/* The same bytes on every machine. */
static void test_the_bytes_are_fixed(void)
{
    Arena arena = {0};
    Bytes out = {.arena = &arena};
    char hex[65];
    for (int p = 0; p < PATTERNS; p++) {
        PATTERN[p](data, MOST);
        deflate_add(&out, data, MOST, DEFLATE_ZLIB);
    }
    sha256_hex(hex, out.data, out.size);
    if (!CHECK(strcmp(hex, "a46267889e59ae0e4b9c6d51a2952e70d48c9f9bb5575ce11358c67c454d3282") == 0))
        printf("    %s\n", hex);
    arena_free(&arena);
}

/* Fixed codes, checked by hand: "a", end; and "hello ", a copy of 11 bytes from 6 before, end. */
static void test_the_bytes_by_hand(void)
{
    static const unsigned char HELLO[] = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57,
                                          0x40, 0x22, 0x01, 0x3a, 0x2e, 0x06, 0x7d};
    Arena arena = {0};
    Bytes out = {.arena = &arena};
    deflate_add(&out, "a", 1, DEFLATE_RAW);
    CHECK(out.size == 3 && memcmp(out.data, "\x4b\x04\x00", 3) == 0);
    out.size = 0;
    deflate_add(&out, NULL, 0, DEFLATE_RAW);
    CHECK(out.size == 2 && memcmp(out.data, "\x03\x00", 2) == 0);
    out.size = 0;
    deflate_add(&out, "hello hello hello", 17, DEFLATE_ZLIB);
    CHECK(out.size == sizeof HELLO && memcmp(out.data, HELLO, sizeof HELLO) == 0);
    arena_free(&arena);
}

static void test_no_memory(void)
{
    words(data, 1000);
    for (size_t n = 1;; n++) {
        Arena arena = {.fail_after = n};
        Bytes out = {.arena = &arena};
        deflate_add(&out, data, 1000, DEFLATE_ZLIB);
        CHECK(out.failed ? out.size == 0 : n > 2 && out.size > 0);
        const bool done = !out.failed;
        arena_free(&arena);
        if (done)
            break;
    }
}

int main(void)
{
    test_every_short_length();
    test_long_lengths();
    test_size_is_that_of_zlib();
    test_the_bytes_are_fixed();
    test_the_bytes_by_hand();
    test_no_memory();
    return check_report("deflate");
}
