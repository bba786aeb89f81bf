#include "base/decimal.h"

#include <math.h>
#include <string.h>

#include "base/big.h"
#include "base/bytes.h"

/* A binary format: value = mantissa * 2^exponent, mantissa below 2^bits. */
typedef struct {
    int bits;           /* of the mantissa, with the leading 1 */
    int least, largest; /* exponents of the smallest subnormal and of the largest finite number */
} Format;

static const Format BINARY64 = {53, -1074, 971};
static const Format BINARY32 = {24, -149, 104};

/* Digits that decide: 767 tell every binary64 and every midpoint of two apart; a last digit 1 stands for all
 * that follow when they are not all zero. */
enum { DIGITS_MOST = 768 };

typedef struct {
    bool negative;
    int count; /* significant digits */
    unsigned char digit[DIGITS_MOST + 1];
    long exponent; /* value = 0.digits * 10^exponent */
} Decimal;

static bool is_digit(const char *text, size_t length, size_t at)
{
    return at < length && text[at] >= '0' && text[at] <= '9';
}

/* The exponent after 'e', when there is one: moves *at behind it. */
static long read_exponent(const char *text, size_t length, size_t *at)
{
    size_t i = *at;
    if (i >= length || (text[i] != 'e' && text[i] != 'E'))
        return 0;
    i++;
    const bool negative = i < length && text[i] == '-';
    i += i < length && (text[i] == '-' || text[i] == '+');
    if (!is_digit(text, length, i))
        return 0;
    long exponent = 0;
    for (; is_digit(text, length, i); i++)
        exponent = exponent < 100000000 ? exponent * 10 + (text[i] - '0') : exponent;
    *at = i;
    return negative ? -exponent : exponent;
}

/* Takes the text apart; returns how many bytes it took, 0 when it is no number. */
static size_t parse(Decimal *out, const char *text, size_t length)
{
    size_t i = 0;
    bool any = false, point = false, more = false;
    long before = 0; /* places of the first significant digit before the point, negative after it */
    out->negative = length > 0 && text[0] == '-';
    out->count = 0;
    i += length > 0 && (text[0] == '-' || text[0] == '+');
    for (; is_digit(text, length, i) || (i < length && text[i] == '.' && !point); i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        const int digit = text[i] - '0';
        any = true;
        const bool leading = out->count == 0 && digit == 0;
        if (!leading && out->count < DIGITS_MOST)
            out->digit[out->count++] = (unsigned char)digit;
        else if (!leading)
            more = more || digit != 0;
        before += point ? -(long)leading : (long)!leading;
    }
    if (!any)
        return 0;
    out->exponent = before + read_exponent(text, length, &i);
    if (more)
        out->digit[out->count++] = 1;
    return i;
}

/* mantissa * 2^exponent plus a little when `sticky`, rounded to the format; mantissa >= 2^(bits + 1). */
static double round_to(const Format *format, uint64_t mantissa, int exponent, bool sticky)
{
    int drop = 0;
    while (mantissa >> drop >> format->bits != 0 || exponent + drop < format->least)
        if (++drop == 64)
            return 0.0; /* below 2^(least - 1), as mantissa < 2^63 */
    const uint64_t rest = mantissa & (((uint64_t)1 << drop) - 1),
                   half = drop > 0 ? (uint64_t)1 << (drop - 1) : 0;
    uint64_t kept = mantissa >> drop;
    if (drop > 0 && (rest > half || (rest == half && (sticky || (kept & 1) != 0))))
        kept++;
    exponent += drop;
    if (kept >> format->bits != 0) {
        kept >>= 1;
        exponent++;
    }
    return exponent > format->largest ? HUGE_VAL : ldexp((double)kept, exponent);
}

/* The magnitude as a quotient of two integers below 2^4096, divided bit by bit to 62 bits or more.
 * Sizes: digits are at most 769, the decimal exponent is within [-345, 310], so that numerator and denominator
 * stay below 10^(769 + 345) < 2^3701, and the shift that lines them up adds no more than 64 bits to the larger. */
static double magnitude(const Decimal *d, const Format *format)
{
    Big numerator, denominator;
    big_set(&numerator, 0);
    big_set(&denominator, 1);
    for (int i = 0; i < d->count; i++) {
        if (numerator.size == 0)
            big_set(&numerator, d->digit[i]);
        else
            big_multiply_add(&numerator, 10, d->digit[i]);
    }
    const int scale = (int)d->exponent - d->count;
    big_power_of_10(scale > 0 ? &numerator : &denominator, scale > 0 ? scale : -scale);
    const int shift = big_bits(&denominator) - big_bits(&numerator); /* now 1/2 < n * 2^shift / d < 2 */
    big_shift(shift > 0 ? &numerator : &denominator, shift > 0 ? shift : -shift);
    uint64_t quotient = 0;
    const int steps = 63;
    for (int i = 0; i < steps; i++) {
        quotient <<= 1;
        if (big_compare(&numerator, &denominator) >= 0) {
            big_subtract(&numerator, &denominator);
            quotient |= 1;
        }
        big_shift(&numerator, 1);
    }
    return round_to(format, quotient, -shift - (steps - 1), numerator.size != 0);
}

static bool read_as(double *out, const Format *format, const char *text, size_t length, size_t *used)
{
    Decimal d;
    const size_t taken = parse(&d, text, length);
    if (taken == 0)
        return false;
    double value = 0.0;
    if (d.count > 0 && d.exponent > 310)
        value = HUGE_VAL;
    else if (d.count > 0 && d.exponent > -345)
        value = magnitude(&d, format);
    *out = d.negative ? -value : value;
    *used = taken;
    return true;
}

bool decimal_read(double *out, const char *text, size_t length, size_t *used)
{
    return read_as(out, &BINARY64, text, length, used);
}

bool decimal_read_f32(float *out, const char *text, size_t length, size_t *used)
{
    double value = 0.0;
    if (!read_as(&value, &BINARY32, text, length, used))
        return false;
    *out = (float)value; /* exact: it is a binary32 number already */
    return true;
}

/* The interval of numbers that read back as mantissa * 2^exponent, over a common denominator:
 * (value - below, value + above), with its ends when the mantissa is even (ties go there). */
typedef struct {
    Big value, below, above, one;
    bool ends;
} Interval;

static Interval interval_of(const Format *format, uint64_t mantissa, int exponent)
{
    Interval v;
    const bool narrow = mantissa == (uint64_t)1 << (format->bits - 1) && exponent > format->least;
    const int scale = narrow ? 2 : 1; /* the gap below a power of two is half of that above */
    big_set(&v.value, mantissa);
    big_set(&v.one, 1);
    big_set(&v.below, 1);
    big_shift(&v.value, scale + (exponent > 0 ? exponent : 0));
    big_shift(&v.one, scale + (exponent < 0 ? -exponent : 0));
    big_shift(&v.below, exponent > 0 ? exponent : 0);
    v.above = v.below;
    if (narrow)
        big_shift(&v.above, 1);
    v.ends = mantissa % 2 == 0;
    return v;
}

/* Whether value + above reaches 1: then the first digit is before the point. */
static bool reaches_one(const Interval *v)
{
    Big high;
    big_add(&high, &v->value, &v->above);
    return big_compare(&high, &v->one) >= !v->ends;
}

/* The shortest digits in the interval; returns how many and sets *exponent: value = 0.digits * 10^exponent. */
static int shortest_digits(char digits[20], int *exponent, Interval *v)
{
    const int bits = big_bits(&v->value) - big_bits(&v->one);
    int place =
        (int)floor(bits * 0.30102999566398120) - 1; /* log10(2) = 0x1.34413509f79ffp-2; may be too low */
    if (place > 0)
        big_power_of_10(&v->one, place);
    for (int i = 0; i < 3 && place < 0; i++) { /* the same factor on all three */
        Big *const part[] = {&v->value, &v->below, &v->above};
        big_power_of_10(part[i], -place);
    }
    for (; reaches_one(v); place++)
        big_power_of_10(&v->one, 1);
    *exponent = place;
    for (int count = 0;;) {
        int digit = 0;
        big_power_of_10(&v->value, 1);
        big_power_of_10(&v->below, 1);
        big_power_of_10(&v->above, 1);
        for (; big_compare(&v->value, &v->one) >= 0; digit++)
            big_subtract(&v->value, &v->one);
        const bool low = big_compare(&v->value, &v->below) < v->ends, high = reaches_one(v);
        if (!low && !high) {
            digits[count++] = (char)('0' + digit);
            continue;
        }
        Big twice = v->value;
        big_shift(&twice, 1);
        const int half = big_compare(&twice, &v->one);
        const bool up = high && (!low || half > 0 || (half == 0 && digit % 2 != 0));
        digits[count++] = (char)('0' + digit + up);
        return count;
    }
}

static char *add(char *at, const char *text, int length)
{
    memcpy(at, text, (size_t)length);
    return at + length;
}

static char *add_zeros(char *at, int count)
{
    return add(at, "00000000000000000000000", count > 0 ? count : 0);
}

static char *add_exponent(char *at, int exponent)
{
    const int power = exponent < 0 ? -exponent : exponent;
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (power >= 100)
        *at++ = (char)('0' + power / 100);
    if (power >= 10)
        *at++ = (char)('0' + power / 10 % 10);
    *at++ = (char)('0' + power % 10);
    return at;
}

/* Lays out 0.digits * 10^exponent; returns the end. */
static char *lay_out(char *at, const char *digits, int count, int exponent)
{
    if (exponent > 21 || exponent < -5) {
        at = add(at, digits, 1);
        if (count > 1)
            at = add(add(at, ".", 1), digits + 1, count - 1);
        return add_exponent(at, exponent - 1);
    }
    if (exponent <= 0)
        return add(add_zeros(add(at, "0.", 2), -exponent), digits, count);
    if (exponent >= count)
        return add_zeros(add(at, digits, count), exponent - count);
    return add(add(add(at, digits, exponent), ".", 1), digits + exponent, count - exponent);
}

static int write_as(char *out, const Format *format, double x)
{
    const bool negative = double_bits(x) >> 63 != 0;
    if (x != x || fabs(x) == HUGE_VAL || x == 0.0) {
        const char *text = x != x ? "nan" : x == 0.0 ? (negative ? "-0" : "0") : negative ? "-inf" : "inf";
        memcpy(out, text, strlen(text) + 1);
        return (int)strlen(text);
    }
    int exponent = 0;
    const double fraction = frexp(fabs(x), &exponent); /* in [1/2, 1) */
    int bits = format->bits;
    if (exponent - bits < format->least)
        bits = exponent - format->least;
    const uint64_t mantissa = (uint64_t)ldexp(fraction, bits);
    Interval v = interval_of(format, mantissa, exponent - bits);
    char digits[20];
    int place = 0;
    const int count = shortest_digits(digits, &place, &v);
    char *end = lay_out(negative ? add(out, "-", 1) : out, digits, count, place);
    *end = '\0';
    return (int)(end - out);
}

int decimal_write(char out[DECIMAL_LONGEST], double x)
{
    return write_as(out, &BINARY64, x);
}

int decimal_write_f32(char out[DECIMAL_LONGEST], float x)
{
    return write_as(out, &BINARY32, x);
}
