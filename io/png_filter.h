/* io/png_filter.h - the five row filters of PNG (specification, section 9).
 *
 * A filter replaces each byte by its difference from a guess, made of the bytes at the same place of the
 * pixel to the left (a), of the row above (b) and above left (c). */
#ifndef IO_PNG_FILTER_H
#define IO_PNG_FILTER_H

#include <stddef.h>

enum { PNG_NONE, PNG_SUB, PNG_UP, PNG_AVERAGE, PNG_PAETH, PNG_FILTERS };

/* Undoes filter `kind` in place.  above: the row before, or `size` zeros; step: bytes of a pixel, at
 * least 1. */
void png_unfilter(unsigned char *row, const unsigned char *above, size_t size, size_t step, int kind);

/* The filtered row. */
void png_filter(unsigned char *out, const unsigned char *row, const unsigned char *above, size_t size,
                size_t step, int kind);

#endif
