/* For libFuzzer: sh tests/fuzz.sh png.  tests/test_fuzz_png.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/png.h"
#include "tests/png_sums.h"

/* What is read can be written, and reads back as the same pixels. */
static void written_and_read_again(const Image *image, Arena *arena)
{
    Bytes file = {.arena = arena};
    Image back = {0};
    if (png_encode(&file, image, NULL, 0, NULL) != STATUS_OK)
        return;
    if (png_decode(&back, file.data, file.size, "back", arena, NULL) == STATUS_MEMORY)
        return;
    if (back.channels != image->channels || memcmp(back.pixels, image->pixels, image_size(image)) != 0)
        abort();
}

static void both_read(const unsigned char *data, size_t size)
{
    Arena arena = {.limit = (size_t)1 << 24};
    Image image = {0};
    PngText *texts = NULL;
    int count = 0;
    if (png_decode(&image, data, size, "fuzz", &arena, NULL) == STATUS_OK)
        written_and_read_again(&image, &arena);
    else if (arena.used != 0)
        abort();
    if (png_decode_texts(&texts, &count, data, size, "fuzz", &arena, NULL) == STATUS_OK &&
        png_text(texts, count, "key"))
        count = 0;
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    both_read(data, size);
    unsigned char *copy = malloc(size + 1);
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    check_sums_repair(copy, size);
    both_read(copy, size);
    free(copy);
    return 0;
}
