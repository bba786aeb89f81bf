/* io/deflate.h - packs bytes into a deflate stream: PNG pixels, zip members.
 *
 * Sources: RFC 1951 (deflate), RFC 1950 (zlib).  Sizes are those of zlib's default level or a little
 * less; the bytes are a function of the input alone. */
#ifndef IO_DEFLATE_H
#define IO_DEFLATE_H

#include "base/bytes.h"

typedef enum {
    DEFLATE_RAW, /* the bare stream, as in zip */
    DEFLATE_ZLIB /* two bytes before, Adler-32 behind: PNG */
} DeflateWrap;

/* The most bytes that deflate_add may append for `size` bytes. */
size_t deflate_bound(size_t size);

/* Appends the packed `data`.  Without memory, out->failed is set and nothing is appended. */
void deflate_add(Bytes *out, const void *data, size_t size, DeflateWrap wrap);

#endif
