/* io/deflate_block.h - how a run of literals and copies becomes a block of a deflate stream.
 *
 * Source: RFC 1951, section 3.2. */
#ifndef IO_DEFLATE_BLOCK_H
#define IO_DEFLATE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* A literal byte (distance 0: value is the byte), or a copy of `value` bytes from `distance` before. */
typedef struct {
    uint16_t value, distance;
} DeflateToken;

/* Bits on their way into memory that the caller has made large enough, first bit lowest. */
typedef struct {
    unsigned char *next;
    uint64_t hold;
    int held;
} BitWriter;

void bits_put(BitWriter *w, unsigned value, int count); /* count <= 16 */
void bits_align(BitWriter *w);                          /* zeros up to the next byte */

/* Which symbol stands for a length and for a distance: tables for speed, the same for every stream. */
typedef struct {
    unsigned char of_length[259]; /* symbol - 257, by length */
    unsigned char of_near[256];   /* by distance - 1 */
    unsigned char of_far[256];    /* by (distance - 1) / 128 */
} DeflateSymbols;

void deflate_symbols(DeflateSymbols *symbols);

/* Writes the tokens, which stand for the `size` bytes at `data`, as the smallest of: a block with its own
 * codes, a block with the fixed codes, stored blocks.  Never more bits than stored blocks need. */
void deflate_block(BitWriter *w, const DeflateSymbols *symbols, const DeflateToken *tokens, size_t count,
                   const unsigned char *data, size_t size, int last);

#endif
