/* io/ppm.h - PPM and PGM pictures: the plainest format there is.
 *
 * Source: the Netpbm formats (netpbm.sourceforge.net/doc/ppm.html and pgm.html).  Read: P2, P3 (text),
 * P5, P6 (binary), any maximum from 1 to 65535.  Written: P5 and P6 with maximum 255. */
#ifndef IO_PPM_H
#define IO_PPM_H

#include "base/bytes.h"
#include "io/image.h"

/* A picture of 3 channels; grey becomes colour, and samples become 8 bits by rounding v * 255 / maximum
 * to the nearest (a half upwards).  On failure *out is untouched and the arena is as before. */
MUST_CHECK Status ppm_read(Image *out, const char *path, Arena *arena, Error *err);
MUST_CHECK Status ppm_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena,
                             Error *err);

/* Appends a picture; grey ones as PGM.  STATUS_ARGUMENT for pictures with alpha, which the format does
 * not have. */
MUST_CHECK Status ppm_encode(Bytes *out, const Image *image, Error *err);
MUST_CHECK Status ppm_write(const char *path, const Image *image, Arena *scratch, Error *err);

#endif
