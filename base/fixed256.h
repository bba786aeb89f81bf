/* base/fixed256.h - fixed-point numbers with 256 bits after the point, in plain integers.
 *
 * They carry the binary64 elementary functions (base/elementary64.h) to so many digits that the rounded result
 * is certain.  A number is sign and size; the size has 32 bits before the point: |x| < 2^32.  Results are cut
 * off, so each operation loses less than 2^-256 (a product: less than 2^-251). */
#ifndef BASE_FIXED256_H
#define BASE_FIXED256_H

#include <stdbool.h>
#include <stdint.h>

enum { FIXED_WORDS = 9 }; /* one before the point, eight after it */

typedef struct {
    bool negative;
    uint32_t word[FIXED_WORDS]; /* the most significant first: word[i] is worth 2^(-32 i) */
} Fixed256;

Fixed256 fixed_int(int32_t n);
Fixed256 fixed_from_double(double x); /* |x| < 2^32; bits below 2^-256 are dropped */

Fixed256 fixed_negate(Fixed256 a);
Fixed256 fixed_add(Fixed256 a, Fixed256 b);
Fixed256 fixed_subtract(Fixed256 a, Fixed256 b);
Fixed256 fixed_multiply(Fixed256 a, Fixed256 b);
Fixed256 fixed_scale(Fixed256 a, uint32_t factor);
Fixed256 fixed_divide(Fixed256 a, uint32_t divisor); /* divisor > 0 */
Fixed256 fixed_shift(Fixed256 a, int bits);          /* a 2^bits; what leaves at either end is lost */
int fixed_compare_sizes(Fixed256 a, Fixed256 b);     /* the sign of |a| - |b| */
int32_t fixed_floor(Fixed256 a);                     /* |a| < 2^31 */
bool fixed_is_zero(Fixed256 a);

/* a 2^exponent as a double, to nearest even, with subnormals and overflow to infinity.
 *
 * A value whose distance to a rounding tie is below 2^-100 of its last place is taken as the tie itself, and
 * likewise one that near to a double: it is the exact result of a pow, and the distance is our own error.  No
 * other result of exp, log, sin, cos comes that near (their worst is about 2^-65). */
double fixed_to_double(Fixed256 a, int exponent);

#endif
