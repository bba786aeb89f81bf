/* io/picture.h - picture files of any format that is known, told by their first bytes or by their name. */
#ifndef IO_PICTURE_H
#define IO_PICTURE_H

#include "io/png.h"

/* Reads PNG, PPM or PGM: 3 channels, or 4 from a PNG with transparency. */
MUST_CHECK Status picture_read(Image *out, const char *path, Arena *arena, Error *err);
MUST_CHECK Status picture_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena,
                                 Error *err);

/* Writes PPM or PGM when the name ends in .ppm or .pgm (the texts are lost), else PNG. */
MUST_CHECK Status picture_write(const char *path, const Image *image, const PngText *texts, int count,
                                Arena *scratch, Error *err);

#endif
