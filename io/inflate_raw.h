/* io/inflate_raw.h - the decoder of deflate itself, without what zlib, gzip or zip put around it.
 *
 * Source: RFC 1951.  Written in the spirit of Mark Adler's puff, with one table look-up for short codes. */
#ifndef IO_INFLATE_RAW_H
#define IO_INFLATE_RAW_H

#include <stddef.h>

/* Unpacks the stream at data, of at most `size` bytes, into out, of `room` bytes (NULL: only counts).
 *   *unpacked   bytes written      *used   bytes of data taken, up to the end or to where it went wrong
 * Returns NULL, or what is wrong in a few words. */
const char *inflate_raw(unsigned char *out, size_t room, size_t *unpacked, const unsigned char *data,
                        size_t size, size_t *used);

#endif
