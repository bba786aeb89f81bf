#include "io/png.h"
#include "base/file.h"
#include "io/png_chunk.h"
#include "io/sha256.h"
#include "tests/check.h"

#include <stdio.h>

static Arena arena;

/* A smooth picture with some noise: all filters come to use. */
static Image picture(int width, int height, int channels)
{
    Image image = {0};
    unsigned state = 1;
    CHECK(image_new(&image, width, height, channels, &arena, NULL) == STATUS_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) {
                state = state * 1664525u + 1013904223u;
                image_at(&image, x, y)[c] = (unsigned char)((3 * x + (c + 1) * y + (state >> 29)) & 255);
            }
    return image;
}

static Bytes encoded(const Image *image, const PngText *texts, int count)
{
    Bytes out = {.arena = &arena};
    CHECK(png_encode(&out, image, texts, count, NULL) == STATUS_OK);
    return out;
}

static void test_round_trips(void)
{
    static const int SIDE[] = {1, 2, 3, 7, 8, 33, 130};
    static const int CHANNELS[] = {1, 3, 4};
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 7; j++) {
                Image image = picture(SIDE[i], SIDE[j], CHANNELS[c]), back = {0}, want = {0};
                const Bytes file = encoded(&image, NULL, 0);
                CHECK(png_decode(&back, file.data, file.size, "round trip", &arena, NULL) == STATUS_OK);
                CHECK(image_convert(&want, &image, CHANNELS[c] == 4 ? 4 : 3, &arena, NULL) == STATUS_OK);
                CHECK(back.width == SIDE[i] && back.height == SIDE[j] && back.channels == want.channels &&
                      memcmp(back.pixels, want.pixels, image_size(&want)) == 0);
                arena_free(&arena);
            }
}

/* The file is a function of the picture and the texts alone: these bytes on every machine. */
static void test_the_bytes_are_fixed(void)
{
    char hex[65];
    Image image = picture(64, 48, 3);
    const Bytes file = encoded(&image, (PngText[]){{"parameters", "a cat"}}, 1);
    sha256_hex(hex, file.data, file.size);
    if (!CHECK(strcmp(hex, "5e0d9911794de38b925d1e94f47d682697bb62949223649091946461a87794e2") == 0))
        printf("    %s, %zu bytes\n", hex, file.size);
    arena_free(&arena);
}

static void test_texts(void)
{
    static const PngText TEXTS[] = {{"parameters", "a cat\nSteps: 20"},
                                    {"ldm99", "{\"seed\": 42}"},
                                    {"empty", ""},
                                    {"note", "gr\xc3\xb6\xc3\x9f"
                                             "er"}};
    Image image = picture(3, 3, 3), back = {0};
    PngText *texts = NULL;
    int count = 0;
    const Bytes file = encoded(&image, TEXTS, 4);
    CHECK(png_decode(&back, file.data, file.size, "texts", &arena, NULL) == STATUS_OK);
    CHECK(png_decode_texts(&texts, &count, file.data, file.size, "texts", &arena, NULL) == STATUS_OK &&
          count == 4);
    for (int i = 0; i < count; i++)
        CHECK(strcmp(texts[i].key, TEXTS[i].key) == 0 && strcmp(texts[i].text, TEXTS[i].text) == 0);
    /* Behind the header, ASCII as tEXt and the rest as iTXt. */
    CHECK(be32_get(file.data + 37) == PNG_TEXT && memcmp(file.data + 41, "parameters\0a cat", 16) == 0);
    arena_free(&arena);
}

static void test_texts_that_cannot_be(void)
{
    char key[81];
    static char value[PNG_TEXT_MAX + 2];
    memset(key, 'k', 80);
    key[80] = '\0';
    memset(value, 'v', PNG_TEXT_MAX + 1);
    const PngText bad[] = {
        {"", "no key"}, {key, "long key"}, {"caf\xc3\xa9", "key beyond ASCII"}, {"long", value}};
    Image image = picture(2, 2, 3);
    for (int i = 0; i < 4; i++) {
        Bytes out = {.arena = &arena};
        Error err = {0};
        CHECK(png_encode(&out, &image, &bad[i], 1, &err) == STATUS_ARGUMENT && out.size == 0);
        CHECK_TEXT(err.text, "PNG text");
    }
    arena_free(&arena);
}

/* Appends to what is there, and leaves only the file behind. */
static void test_scratch_is_given_back(void)
{
    Image image = picture(50, 50, 4);
    Bytes out = {.arena = &arena};
    bytes_add_text(&out, "before");
    const size_t used = arena.used;
    CHECK(png_encode(&out, &image, NULL, 0, NULL) == STATUS_OK);
    CHECK(memcmp(out.data, "before\x89PNG", 10) == 0);
    CHECK(arena.used - used <= out.room + ARENA_ALIGN && out.room < 11000);
    arena_free(&arena);
}

static void test_every_allocation_can_fail(void)
{
    int failures = 0;
    Image image = picture(20, 20, 3);
    for (size_t n = 1; n < 100; n++) {
        Arena small = {.fail_after = n};
        Bytes out = {.arena = &small};
        Error err = {0};
        const Status status = png_encode(&out, &image, NULL, 0, &err);
        CHECK(status == STATUS_OK ||
              (status == STATUS_MEMORY && out.size == 0 && err.status == STATUS_MEMORY));
        failures += status != STATUS_OK;
        arena_free(&small);
        if (status == STATUS_OK)
            break;
    }
    CHECK(failures >= 6);
    arena_free(&arena);
}

static void test_files(void)
{
    Image image = picture(20, 10, 3), back = {0};
    Error err = {0};
    const size_t used = arena.used;
    CHECK(png_write("build/test_png_write.png", &image, NULL, 0, &arena, &err) == STATUS_OK &&
          arena.used == used);
    CHECK(png_read(&back, "build/test_png_write.png", &arena, &err) == STATUS_OK);
    CHECK(memcmp(back.pixels, image.pixels, image_size(&image)) == 0);
    char temporary[4096];
    CHECK(file_temporary(temporary, "build/test_png_write.png") && !file_exists(temporary));
    CHECK(remove("build/test_png_write.png") == 0);
    CHECK(png_write("no/such/folder/x.png", &image, NULL, 0, &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such/folder/x.png");
    arena_free(&arena);
}

int main(void)
{
    test_round_trips();
    test_the_bytes_are_fixed();
    test_texts();
    test_texts_that_cannot_be();
    test_scratch_is_given_back();
    test_every_allocation_can_fail();
    test_files();
    return check_report("png_write");
}
