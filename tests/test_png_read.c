#include "io/png.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/corpus.h"
#include "tests/png_sums.h"

/* Every colour type, depth and interlace gives the pixels that tests/make_image_corpus.py computed on its
 * own; hostile files give their sentence, leave the arena as it was and take little memory. */
static void test_corpus(void)
{
    Corpus corpus;
    Arena arena = {0};
    int good_files = 0, refused_files = 0;
    for (CHECK(corpus_open(&corpus, "png")); corpus_next(&corpus);) {
        Error err = {0};
        Image image = {0};
        arena.peak = 0;
        const Status status =
            png_decode(&image, corpus.data.data, corpus.data.size, corpus.name, &arena, &err);
        bool good = false;
        if (corpus.refused != NULL) {
            refused_files++;
            good = status == STATUS_FORMAT && strstr(err.text, corpus.refused) != NULL &&
                   image.pixels == NULL && strstr(err.text, corpus.name) == err.text && arena.used == 0 &&
                   arena.peak < 4096;
        } else if (status == STATUS_OK) {
            good_files++;
            char want[200], hex[65];
            sha256_hex(hex, image.pixels, image_size(&image));
            snprintf(want, sizeof want, "%dx%dx%d %s", image.width, image.height, image.channels, hex);
            good = strcmp(want, corpus.what) == 0;
        }
        if (!CHECK(good))
            printf("    %s: %s (expected %s)\n", corpus.name, err.text, corpus.what);
        arena_free(&arena);
    }
    CHECK(good_files > 60 && refused_files > 50);
}

/* Only the picture stays in the arena. */
static void test_scratch_is_given_back(void)
{
    Arena arena = {0};
    Image image = {0};
    char *before = arena_text(&arena, "before", 6);
    const size_t used = arena.used;
    CHECK(png_read(&image, "tests/corpus/png/c6-16-adam7.png", &arena, NULL) == STATUS_OK);
    CHECK(image.width == 13 && image.height == 9 && image.channels == 4);
    CHECK(arena.used - used <= image_size(&image) + ARENA_ALIGN && strcmp(before, "before") == 0);
    arena_free(&arena);
}

static void test_files_that_are_not_there(void)
{
    Arena arena = {0};
    Image image = {0};
    Error err = {0};
    CHECK(png_read(&image, "no/such.png", &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such.png");
    err = (Error){0};
    CHECK(png_read(&image, "LICENSE", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "LICENSE: is not a PNG");
    CHECK(arena.used == 0);
    arena_free(&arena);
}

static void test_every_allocation_can_fail(void)
{
    int failures = 0;
    for (size_t n = 1; n < 100; n++) {
        Arena arena = {.fail_after = n};
        Image image = {0};
        Error err = {0};
        const Status status = png_read(&image, "tests/corpus/png/pieces.png", &arena, &err);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && arena.used == 0 && image.pixels == NULL));
        failures += status != STATUS_OK;
        arena_free(&arena);
        if (status == STATUS_OK)
            break;
    }
    CHECK(failures >= 5);
}

/* One bit flipped anywhere, check sums repaired.  Either answer will do; the sanitizers must see nothing
 * and the arena must be as before after a refusal. */
static void test_flipped_bits(void)
{
    Corpus corpus;
    int flips = 0, files = 0;
    for (CHECK(corpus_open(&corpus, "png")); corpus_next(&corpus); files++)
        for (size_t bit = (size_t)files % 7; bit < 8 * corpus.data.size; bit += 7, flips++) {
            Arena arena = {.limit = 1 << 24};
            Image image = {0};
            PngText *texts = NULL;
            int count = 0;
            Bytes copy = {.arena = &arena};
            bytes_add(&copy, corpus.data.data, corpus.data.size);
            copy.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            check_sums_repair(copy.data, copy.size);
            const size_t used = arena.used;
            if (png_decode(&image, copy.data, copy.size, corpus.name, &arena, NULL) != STATUS_OK &&
                arena.used != used)
                CHECK(!"memory is left after a refusal");
            const size_t used2 = arena.used;
            if (png_decode_texts(&texts, &count, copy.data, copy.size, corpus.name, &arena, NULL) !=
                    STATUS_OK &&
                arena.used != used2)
                CHECK(!"memory is left after a refusal");
            arena_free(&arena);
        }
    CHECK(flips > 20000);
}

int main(void)
{
    test_corpus();
    test_scratch_is_given_back();
    test_files_that_are_not_there();
    test_every_allocation_can_fail();
    test_flipped_bits();
    return check_report("png_read");
}
