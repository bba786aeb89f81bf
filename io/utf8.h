/* io/utf8.h - Unicode code points as UTF-8 bytes.
 *
 * Strict as RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef IO_UTF8_H
#define IO_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_LONGEST = 4 };

/* Reads the code point that starts at `at` (`left` bytes are there).  Returns how many bytes it takes,
 * 1 to 4, or 0 when these bytes are no UTF-8. */
int utf8_read(uint32_t *code, const void *at, size_t left);

/* Writes the code point (not a surrogate, at most 0x10FFFF) and returns how many bytes it took. */
int utf8_write(unsigned char out[UTF8_LONGEST], uint32_t code);

#endif
