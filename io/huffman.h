/* io/huffman.h - the best prefix code whose codes are not too long.
 *
 * Source: Larmore and Hirschberg 1990, "A fast algorithm for optimal length-limited Huffman codes"
 * (package-merge). */
#ifndef IO_HUFFMAN_H
#define IO_HUFFMAN_H

#include <stdint.h>

enum { HUFFMAN_SYMBOLS_MAX = 288 };

/* length[i]: bits of the code of symbol i, 0 for a symbol that does not occur (count[i] == 0).  No length
 * is above `limit` <= 15, and no such code makes sum(count * length) smaller.  2^limit must be at least
 * the number of symbols that occur; a symbol that occurs alone gets one bit.  The sum of counts is below
 * 2^28. */
void huffman_lengths(unsigned char *length, const uint32_t *count, int symbols, int limit);

#endif
