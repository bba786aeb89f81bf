/* io/deflate_tables.h - the numbers of the deflate format that its two sides share.
 *
 * Source: RFC 1951, sections 3.2.2, 3.2.5 to 3.2.7. */
#ifndef IO_DEFLATE_TABLES_H
#define IO_DEFLATE_TABLES_H

#include <stdint.h>

enum {
    DEFLATE_BITS_MAX = 15, /* of a code */
    DEFLATE_LITERALS =
        288, /* 0-255 a byte, 256 the end, 257-285 a length; 286, 287 complete the fixed code */
    DEFLATE_LITERALS_USED = 286,  /* those that may occur */
    DEFLATE_END = 256,            /* end of block */
    DEFLATE_LENGTH_FIRST = 257,   /* symbol of the shortest copy */
    DEFLATE_LENGTH_LAST = 285,    /* and of the longest */
    DEFLATE_DISTANCES = 30,       /* that may occur */
    DEFLATE_DISTANCES_CODED = 32, /* in the fixed code */
    DEFLATE_LENGTH_CODES = 19,    /* symbols of the code for code lengths */
    DEFLATE_COPY_MIN = 3,
    DEFLATE_COPY_MAX = 258,
    DEFLATE_WINDOW = 32768 /* the farthest distance */
};

/* A symbol stands for base .. base + 2^extra - 1; the extra bits follow it. */
typedef struct {
    uint16_t base, extra;
} DeflateRange;

extern const DeflateRange DEFLATE_LENGTH[29];   /* by symbol - 257 */
extern const DeflateRange DEFLATE_DISTANCE[30]; /* by symbol */
extern const unsigned char
    DEFLATE_LENGTH_ORDER[19]; /* the order in which the code-length code's lengths are sent */

/* Lengths of the fixed literal code, for all 288 symbols. */
void deflate_fixed_lengths(unsigned char length[DEFLATE_LITERALS]);

/* The lowest `count` bits in reversed order: codes are sent highest bit first, all else lowest bit
 * first. */
unsigned deflate_reversed(unsigned code, int count);

#endif
