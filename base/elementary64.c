#include "base/elementary64.h"

#include "base/bits.h"
#include "base/fixed_functions.h"

static double not_a_number(void)
{
    return bits_double(0x7ff8000000000000u);
}

static double infinity(bool negative)
{
    return bits_double(negative ? 0xfff0000000000000u : 0x7ff0000000000000u);
}

double exp_f64(double x)
{
    if (x != x)
        return not_a_number();
    if (x > 752.0 || x < -752.0) /* e^752 > 2^1084 */
        return x > 0.0 ? infinity(false) : 0.0;
    int k;
    const Fixed256 m = fixed_exp(fixed_from_double(x), &k);
    return fixed_to_double(m, k);
}

double log_f64(double x)
{
    if (x != x || x < 0.0)
        return not_a_number();
    if (x == 0.0)
        return infinity(true);
    if (double_bits(x) == 0x7ff0000000000000u)
        return x;
    const Fixed256 y = fixed_log(x);
    return fixed_is_zero(y) ? 0.0 : fixed_to_double(y, 0); /* x = 1 gives +0 */
}

static double sin_of(double x, uint32_t quarters)
{
    if (!(x > -0x1p31 && x < 0x1p31))
        return not_a_number();
    return fixed_to_double(fixed_sin(fixed_from_double(x), quarters), 0);
}

double sin_f64(double x)
{
    return x < 0x1p-27 && x > -0x1p-27 ? x : sin_of(x, 0); /* x - x^3/6 rounds to x; and -0 stays -0 */
}

double cos_f64(double x)
{
    return x < 0x1p-27 && x > -0x1p-27 ? 1.0 : sin_of(x, 1); /* 1 - x^2/2 rounds to 1 */
}

/* Where x or y is 0, infinite or NaN, or x negative or 1. */
static double pow_special(double x, double y)
{
    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (x != x || y != y || x < 0.0)
        return not_a_number();
    if (x == 0.0 || x - x != 0.0)
        return (x == 0.0) == (y > 0.0) ? 0.0 : infinity(false);
    return (x > 1.0) == (y > 0.0) ? infinity(false) : 0.0; /* y is infinite */
}

/* exp(y log x).  y = f 2^e with f in [1, 2): the product f log x is exact to 2^-240, and moving it by e <= 63
 * bits leaves 177 of them; it needs no more when it is larger, since then the result overflows. */
double pow_f64(double x, double y)
{
    if (!(x > 0.0) || x == 1.0 || y == 0.0 || x - x != 0.0 || y - y != 0.0)
        return pow_special(x, y);
    int e;
    const double f = 2.0 * frexp(y, &e);
    e -= 1;
    Fixed256 product = fixed_multiply(fixed_log(x), fixed_from_double(f));
    if (e < 0)
        product = fixed_shift(product, e > -300 ? e : -300);
    for (; e > 0 && product.word[0] < 1024u; e--)
        product = fixed_shift(product, 1);
    if (product.word[0] >= 752u)
        return product.negative ? 0.0 : infinity(false);
    int k;
    const Fixed256 m = fixed_exp(product, &k);
    return fixed_to_double(m, k);
}
