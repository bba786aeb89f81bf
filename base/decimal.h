/* base/decimal.h - numbers as decimal text, exact in both directions.
 *
 * Reading gives the binary number nearest to the text (ties to even), writing gives the shortest text that
 * reads back to the same number and, among those, the nearest.  The decimal point is always '.'.
 * Source of the writing: Steele and White 1990, "How to print floating-point numbers accurately". */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the number at the start of `text` (`length` bytes, no zero byte needed): an optional sign, digits with
 * an optional point among or around them, an optional exponent.  *used is how many bytes it took.  Too large
 * gives an infinity, too small a (signed) zero.  False, nothing written, when no number starts there. */
bool decimal_read(double *out, const char *text, size_t length, size_t *used);
bool decimal_read_f32(float *out, const char *text, size_t length, size_t *used);

/* Writes x, ended by a zero byte, and returns the length: "0.1", "-0", "100", "1.5e-7", "inf", "nan".  Exponents
 * are used below 1e-6 and from 1e21 on. */
enum { DECIMAL_LONGEST = 32 };
int decimal_write(char out[DECIMAL_LONGEST], double x);
int decimal_write_f32(char out[DECIMAL_LONGEST], float x);

#endif
