/* base/bytes.h - little- and big-endian numbers in byte strings, and byte strings that grow.
 *
 * Files are little-endian on every machine (PNG and zip's network order where their formats say so); numbers
 * are put together byte by byte, never by casting a pointer. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/error.h"

uint16_t le16_get(const unsigned char *p);
uint32_t le32_get(const unsigned char *p);
uint64_t le64_get(const unsigned char *p);
void le16_put(unsigned char *p, uint16_t v);
void le32_put(unsigned char *p, uint32_t v);
void le64_put(unsigned char *p, uint64_t v);
uint32_t be32_get(const unsigned char *p);
void be32_put(unsigned char *p, uint32_t v);

/* A string of bytes that grows in an arena.  Starts as {.arena = a}.  The first failure (STATUS_MEMORY) stays
 * in `failed` and later additions do nothing, so that a writer checks once at its end. */
typedef struct {
    Arena *arena;
    unsigned char *data;
    size_t size, room;
    bool failed;
} Bytes;

void bytes_add(Bytes *b, const void *data, size_t size);
void bytes_add_byte(Bytes *b, unsigned value);
void bytes_add_text(Bytes *b, const char *text);
void bytes_add_format(Bytes *b, const char *format, ...)
    PRINTF_LIKE(2, 3); /* at most 1000 characters a call */
void bytes_add_le16(Bytes *b, uint16_t v);
void bytes_add_le32(Bytes *b, uint32_t v);
void bytes_add_le64(Bytes *b, uint64_t v);
void bytes_add_be32(Bytes *b, uint32_t v);

/* Room for `size` more bytes at the end, counted as used: the caller fills them.  NULL after a failure. */
unsigned char *bytes_extend(Bytes *b, size_t size);

#endif
