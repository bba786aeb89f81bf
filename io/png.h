/* io/png.h - PNG pictures and the texts inside them.
 *
 * Source: Portable Network Graphics specification, third edition (W3C 2025), and ISO/IEC 15948.  Read:
 * every colour type and bit depth, Adam7 interlace, palette, transparency.  Written: 8 bits, not
 * interlaced.  Colour profiles and gamma are not applied.  Every check sum is verified, and no memory is
 * taken that is out of proportion to the file: a header that promises more pixels than the packed data
 * can hold is refused before they are allocated. */
#ifndef IO_PNG_H
#define IO_PNG_H

#include "base/bytes.h"
#include "io/image.h"

/* A text inside a picture.  Keys are 1 to 79 characters of ASCII; texts are UTF-8.  The key "parameters" is
 * where programs of this kind write how a picture was made. */
typedef struct {
    const char *key, *text;
} PngText;

enum { PNG_TEXT_MAX = 1 << 20 }; /* bytes; longer texts are refused, read or written */

/* The text of a key, or NULL. */
const char *png_text(const PngText *texts, int count, const char *key);

/* ---- Reading: png_read.c, png_text.c ------------------------------------------------------------------ */

/* A picture of 3 channels, or of 4 if the file has alpha or a transparent colour.  Grey becomes colour; 16
 * bits become 8 by rint(v / 257).  On failure *out is untouched and the arena is as before. */
MUST_CHECK Status png_read(Image *out, const char *path, Arena *arena, Error *err);
MUST_CHECK Status png_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena,
                             Error *err);

/* The texts of a picture (tEXt, zTXt, iTXt), in the order of the file; pixels are not looked at.  Latin-1
 * becomes UTF-8; a tEXt that is UTF-8 already, as some programs write it, stays.
 * The bytes of a file that was read for its texts stay in the arena with them. */
MUST_CHECK Status png_read_texts(PngText **texts, int *count, const char *path, Arena *arena, Error *err);
MUST_CHECK Status png_decode_texts(PngText **texts, int *count, const void *data, size_t size,
                                   const char *name, Arena *arena, Error *err);

/* ---- Writing: png_write.c ----------------------------------------------------------------------------- */

/* Appends a picture of 1, 3 or 4 channels with the texts (ASCII as tEXt, else as iTXt) before its
 * pixels. */
MUST_CHECK Status png_encode(Bytes *out, const Image *image, const PngText *texts, int count, Error *err);

/* The same into a file, all or nothing; `scratch` is as before afterwards. */
MUST_CHECK Status png_write(const char *path, const Image *image, const PngText *texts, int count,
                            Arena *scratch, Error *err);

#endif
