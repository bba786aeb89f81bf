/* io/png_chunk.h - the outer form of PNG files: a signature and chunks. */
#ifndef IO_PNG_CHUNK_H
#define IO_PNG_CHUNK_H

#include <stdbool.h>

#include "base/bytes.h"

/* Four letters as one number, as they stand in the file. */
enum {
    PNG_IHDR = 0x49484452,
    PNG_PLTE = 0x504c5445,
    PNG_IDAT = 0x49444154,
    PNG_IEND = 0x49454e44,
    PNG_TRNS = 0x74524e53,
    PNG_TEXT = 0x74455874,
    PNG_ZTXT = 0x7a545874,
    PNG_ITXT = 0x69545874
};

extern const unsigned char PNG_SIGNATURE[8];

/* A walk over the chunks of a file in memory. */
typedef struct {
    const unsigned char *next, *end;
    const char *name; /* of the file, for errors */
} PngReader;

typedef struct {
    uint32_t type;
    char letters[5]; /* the type to show in errors; '?' for what is not a letter */
    const unsigned char *data;
    size_t size;
} PngChunk;

MUST_CHECK Status png_open(PngReader *out, const void *data, size_t size, const char *name, Error *err);

/* The next chunk, its check sum verified.  Behind IEND nothing is read. */
MUST_CHECK Status png_next(PngChunk *out, PngReader *reader, Error *err);

/* A chunk may be ignored by who does not know it (bit 5 of its first letter). */
bool png_ancillary(const PngChunk *chunk);

/* Writing: appends a whole chunk; or begins one, whose contents the caller appends, and ends it. */
void png_add_chunk(Bytes *out, uint32_t type, const void *data, size_t size);
size_t png_begin_chunk(Bytes *out, uint32_t type); /* returns what png_end_chunk wants to know */
void png_end_chunk(Bytes *out, size_t begun);

#endif
