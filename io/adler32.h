/* io/adler32.h - the check sum at the end of a zlib stream.
 *
 * Two sums modulo 65521: of the bytes, and of those sums.  Source: RFC 1950, section 8.2 and 9. */
#ifndef IO_ADLER32_H
#define IO_ADLER32_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what was summed into `adler` (1: nothing yet) followed by `size` bytes at `data`. */
uint32_t adler32_update(uint32_t adler, const void *data, size_t size);

#endif
