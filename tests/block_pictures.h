/* tests/block_pictures.h - sets of small pictures for the metrics of sets. */
#ifndef TESTS_BLOCK_PICTURES_H
#define TESTS_BLOCK_PICTURES_H

#include "base/rng.h"
#include "io/png.h"
#include "tests/outside.h"

/* A picture of blocks, drawn from `seed`; channels 1: the same levels in grey. */
static inline void write_blocks(Outside *o, const char *name, int side, int channels, uint64_t seed)
{
    Arena arena = {0};
    Image image;
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_TEST, 0);
    CHECK(image_new(&image, side, side, channels, &arena, NULL) == STATUS_OK);
    for (int block = 0; block < 64; block++) {
        const unsigned char level = (unsigned char)rng_below(&rng, 256);
        for (int y = block / 8 * side / 8; y < (block / 8 + 1) * side / 8; y++)
            for (int x = block % 8 * side / 8; x < (block % 8 + 1) * side / 8; x++)
                memset(image_at(&image, x, y), level, (size_t)channels);
    }
    CHECK(png_write(outside_path(o, name), &image, NULL, 0, &arena, NULL) == STATUS_OK);
    arena_free(&arena);
}

static inline void write_set(Outside *o, const char *folder, int count, uint64_t seed)
{
    char name[40];
    CHECK(folder_make(outside_path(o, folder), NULL) == STATUS_OK);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%d.png", folder, i);
        write_blocks(o, name, 64, 3, seed + (uint64_t)i);
    }
}

#endif
