/* io/inflate.h - unpacks deflate streams: PNG pixels and texts, zip members, gzip files.
 *
 * Sources: RFC 1951 (deflate), RFC 1950 (zlib), RFC 1952 (gzip). */
#ifndef IO_INFLATE_H
#define IO_INFLATE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

/* No deflate stream of n bytes unpacks to more than INFLATE_RATIO * n bytes: the best that a code can do is
 * a copy of 258 bytes in 2 bits. */
enum { INFLATE_RATIO = 1032 };

typedef enum {
    INFLATE_RAW,  /* the bare stream, as in zip */
    INFLATE_ZLIB, /* two bytes before, Adler-32 behind: PNG */
    INFLATE_GZIP  /* header before, CRC-32 and size behind: .gz, one member */
} InflateWrap;

/* Unpacks the stream that starts at `data`, of at most `size` bytes, into `out`, of `room` bytes.  With
 * `out` NULL the bytes are only counted and nothing behind the stream is compared.
 *   *unpacked   bytes written to out        *used   bytes of data that belong to the stream; both may be NULL
 * STATUS_FORMAT, in one sentence that starts with `name`: not a stream, cut short, longer than `room`, or
 * its check sum differs.  After a failure the contents of `out` are unspecified. */
MUST_CHECK Status inflate_into(unsigned char *out, size_t room, size_t *unpacked, const void *data,
                               size_t size, size_t *used, InflateWrap wrap, const char *name, Error *err);

/* Unpacks a stream of unknown length, at most `limit` bytes, into new memory: counts first, then fills. */
MUST_CHECK Status inflate_new(Bytes *out, size_t limit, const void *data, size_t size, InflateWrap wrap,
                              const char *name, Arena *arena, Error *err);

#endif
