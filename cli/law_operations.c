/* cli/law_operations.c - integers, single operations, conversions, and the exact functions of libm (see laws.h). */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cli/laws.h"

static unsigned long long wide(uint64_t bits)
{
    return (unsigned long long)bits;
}

static uint32_t one_nan32(float x)
{
    return x == x ? float_bits(x) : 0x7fc00000u;
}

static uint64_t one_nan64(double x)
{
    return x == x ? double_bits(x) : 0x7ff8000000000000u;
}

bool law_integers(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    const uint64_t a = 0x123456789abcdef1u, b = 0xfedcba9876543217u;
    const uint64_t product = parts->multiply_integers(a, b),
                   quotient = parts->divide_integers(b, 0xfedcba987u);
    (void)scratch;
    if (product != 0xa1b8a0e3079719a7u)
        snprintf(out->found, sizeof out->found, "%016llx * %016llx gives %016llx", wide(a), wide(b),
                 wide(product));
    else if (quotient != 0x16543217u)
        snprintf(out->found, sizeof out->found, "%016llx / fedcba987 + the rest gives %016llx", wide(b),
                 wide(quotient));
    else if (parts->from_int64(-0x1fffffffffffff) != -0x1.fffffffffffffp+52 ||
             parts->from_int64(INT32_MIN) != -0x1p31)
        snprintf(out->found, sizeof out->found, "a signed integer becomes another double");
    else if (parts->from_uint64((uint64_t)1 << 63) != 0x1p63 ||
             parts->from_uint64(UINT32_MAX) != 0x1.fffffffep+31)
        snprintf(out->found, sizeof out->found, "an unsigned integer becomes another double");
    return out->found[0] != '\0';
}

/* FIPS 180-2, appendix B.1. */
bool law_sha256(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    char hex[65];
    parts->sha256(hex, "abc", 3);
    (void)scratch;
    if (strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0)
        return false;
    snprintf(out->found, sizeof out->found, "it is %s", hex);
    return true;
}

static bool guarded(LawBroken *out, Status status, const Error *err)
{
    snprintf(out->found, sizeof out->found, "%.299s", err->text);
    return status != STATUS_OK;
}

bool law_guards(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    Error err = {0};
    (void)parts, (void)scratch;
    const Status status = contract_check(&err);
    return guarded(out, status, &err);
}

bool law_workers(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    Error err = {0};
    (void)parts, (void)scratch;
    const Status status = contract_check_threads(&err);
    return guarded(out, status, &err);
}

bool law_comparisons(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const uint64_t zero = 0, nan = 0x7ff8000000000000u, minus_zero = 0x8000000000000000u, least = 1;
    const struct {
        uint64_t a, b;
        bool below, equal;
    } cases[] = {{zero, minus_zero, false, true}, {nan, nan, false, false},   {zero, least, true, false},
                 {nan, zero, false, false},       {zero, nan, false, false},  {least, zero, false, false},
                 {minus_zero, zero, false, true}, {least, least, false, true}};
    (void)scratch;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double a = bits_double(cases[i].a), b = bits_double(cases[i].b);
        const bool below = parts->below(a, b), equal = parts->equal(a, b);
        if (below != cases[i].below || equal != cases[i].equal) {
            snprintf(out->found, sizeof out->found, "%016llx and %016llx are %s, %s", wide(cases[i].a),
                     wide(cases[i].b), below ? "below" : "not below", equal ? "equal" : "not equal");
            return true;
        }
    }
    return false;
}

/* ---- operations on operands of every kind, told by a sum over the bits of the results ---- */

enum { OPERANDS = 4096 };

static uint64_t next_word(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Any pattern; sizes near 1; sizes whose products are subnormal; zeros, infinities, NaN, ends of the range. */
static float operand32(uint64_t *state, int i)
{
    static const uint32_t special[8] = {0,           0x80000000u, 0x7f800000u, 0x7fc00000u,
                                        0x00000001u, 0x007fffffu, 0x7f7fffffu, 0xff800000u};
    const uint64_t word = next_word(state);
    const uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);
    switch (i & 3) {
    case 0: return bits_float(low);
    case 1: return bits_float((low & 0x807fffffu) | (115u + high % 25u) << 23);
    case 2: return bits_float((low & 0x807fffffu) | (52u + high % 25u) << 23);
    default: return bits_float(i & 4 ? low : special[high % 8u]);
    }
}

static double operand64(uint64_t *state, int i)
{
    static const uint64_t special[8] = {0,
                                        0x8000000000000000u,
                                        0x7ff0000000000000u,
                                        0x7ff8000000000000u,
                                        0x0000000000000001u,
                                        0x000fffffffffffffu,
                                        0x7fefffffffffffffu,
                                        0xfff0000000000000u};
    const uint64_t word = next_word(state), more = next_word(state), kept = word & 0x800fffffffffffffu;
    switch (i & 3) {
    case 0: return bits_double(word);
    case 1: return bits_double(kept | (995u + more % 54u) << 52);
    case 2: return bits_double(kept | (484u + more % 54u) << 52);
    default: return bits_double(i & 4 ? word : special[more % 8u]);
    }
}

static uint64_t added_bits(uint64_t sum, uint64_t bits)
{
    sum = (sum ^ bits) * 0x100000001b3u;
    return sum ^ sum >> 32;
}

static uint64_t sum_of_bits32(float (*operation)(float, float))
{
    uint64_t state = 32, sum = 0xcbf29ce484222325u;
    for (int i = 0; i < OPERANDS; i++) {
        const float a = operand32(&state, i), b = operand32(&state, i);
        sum = added_bits(sum, one_nan32(operation(a, b)));
    }
    return sum;
}

static uint64_t sum_of_bits64(double (*operation)(double, double))
{
    uint64_t state = 64, sum = 0xcbf29ce484222325u;
    for (int i = 0; i < OPERANDS; i++) {
        const double a = operand64(&state, i), b = operand64(&state, i);
        sum = added_bits(sum, one_nan64(operation(a, b)));
    }
    return sum;
}

static const char SIGNS[4] = {'+', '-', '*', '/'};

/* A double holds twice the digits of a float and two more, so an operation on floats done in double and then rounded
 * is the rounded one (Figueroa 1995): that shows where, if doubles are right. */
static void show_float(LawBroken *out, const LawParts *parts, int k)
{
    uint64_t state = 32;
    for (int i = 0; i < OPERANDS; i++) {
        const float a = operand32(&state, i), b = operand32(&state, i), got = parts->operation32[k](a, b);
        const float want = parts->narrow(parts->operation64[k](parts->widen(a), parts->widen(b)));
        if (one_nan32(got) != one_nan32(want)) {
            snprintf(out->found, sizeof out->found,
                     "%08lx %c %08lx gives %08lx, but %08lx by way of double", (unsigned long)float_bits(a),
                     SIGNS[k], (unsigned long)float_bits(b), (unsigned long)float_bits(got),
                     (unsigned long)float_bits(want));
            return;
        }
    }
    snprintf(out->found, sizeof out->found, "some of %d results of a %c b differ", OPERANDS, SIGNS[k]);
}

bool law_floats(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const uint64_t want[4] = {0x896439aa2fe51546u, 0x5824b188c39ba8eau, 0x9a3481c2a70f16feu,
                                     0xa69bc58461605bfeu};
    (void)scratch;
    for (int k = 0; k < 4; k++)
        if (sum_of_bits32(parts->operation32[k]) != want[k]) {
            show_float(out, parts, k);
            return true;
        }
    return false;
}

bool law_doubles(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const uint64_t want[4] = {0xbf395117d7542b97u, 0xf4904ce560d9b10eu, 0xd375583dbec266fau,
                                     0x4aa43e194d5ff6aeu};
    (void)scratch;
    for (int k = 0; k < 4; k++)
        if (sum_of_bits64(parts->operation64[k]) != want[k]) {
            snprintf(out->found, sizeof out->found, "some of %d results of a %c b differ", OPERANDS,
                     SIGNS[k]);
            return true;
        }
    return false;
}

/* ---- functions of one number, on chosen ones ---- */

bool law_conversions(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const struct {
        uint64_t from;
        uint32_t to;
    } cases[] = {{0x3ff0000010000000u, 0x3f800000u},  /* a tie, to even */
                 {0x3ff0000030000000u, 0x3f800002u},  /* a tie, to even */
                 {0x3ff0000010000001u, 0x3f800001u},  /* just above it */
                 {0x47efffffefffffffu, 0x7f7fffffu},  /* the largest that is not infinite */
                 {0x47effffff0000000u, 0x7f800000u},  /* a tie, to infinity */
                 {0x36a0000000000000u, 0x00000001u},  /* the least float */
                 {0x3690000000000000u, 0x00000000u},  /* half of it */
                 {0xb690000000000001u, 0x80000001u},  /* a little more */
                 {0x380fffffe0000000u, 0x00800000u},  /* a tie between the largest subnormal and the next */
                 {0x8000000000000001u, 0x80000000u}}; /* the least double */
    static const struct {
        float from;
        int32_t to;
    } integers[] = {{2.75f, 2}, {-2.75f, -2}, {3e9f, INT32_MAX}, {-3e9f, INT32_MIN}, {-0.0f, 0}};
    uint64_t state = 3, sum = 0xcbf29ce484222325u;
    (void)scratch;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint32_t got = float_bits(parts->narrow(bits_double(cases[i].from)));
        if (got != cases[i].to) {
            snprintf(out->found, sizeof out->found, "the double %016llx becomes the float %08lx, not %08lx",
                     wide(cases[i].from), (unsigned long)got, (unsigned long)cases[i].to);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (parts->to_int(integers[i].from) != integers[i].to) {
            snprintf(out->found, sizeof out->found, "float_to_int(%08lx) gives %ld, not %ld",
                     (unsigned long)float_bits(integers[i].from), (long)parts->to_int(integers[i].from),
                     (long)integers[i].to);
            return true;
        }
    for (int i = 0; i < OPERANDS; i++)
        sum = added_bits(sum, one_nan64(parts->widen(operand32(&state, i))));
    if (sum != 0x3786ba38bc0c485au || parts->to_int(bits_float(0x7fc00000u)) != 0)
        snprintf(out->found, sizeof out->found,
                 "some of %d floats become other doubles, or NaN another integer than 0", OPERANDS);
    return out->found[0] != '\0';
}

bool law_roots(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const uint64_t SQRT = 0xa316bae126919542u, SQRTF = 0x77bd04fb6f720d20u;
    uint64_t state = 2, sum32 = 0xcbf29ce484222325u, sum64 = sum32;
    (void)scratch;
    for (int i = 0; i < OPERANDS; i++) {
        sum32 = added_bits(sum32, one_nan32(parts->sqrt32(operand32(&state, i))));
        sum64 = added_bits(sum64, one_nan64(parts->sqrt64(operand64(&state, i))));
    }
    if (sum64 != SQRT || sum32 != SQRTF)
        snprintf(out->found, sizeof out->found, "some of %d results of %s differ", OPERANDS,
                 sum64 != SQRT ? "sqrt" : "sqrtf");
    return out->found[0] != '\0';
}

typedef struct {
    const char *name;
    double (*f)(double x);
    uint64_t from, to;
} ExactCase;

static bool exact_case_fails(LawBroken *out, const ExactCase *c)
{
    const uint64_t got = double_bits(c->f(bits_double(c->from)));
    if (got == c->to)
        return false;
    snprintf(out->found, sizeof out->found, "%s of the double %016llx gives %016llx, not %016llx", c->name,
             wide(c->from), wide(got), wide(c->to));
    return true;
}

static bool scaling_fails(LawBroken *out, const LawParts *parts)
{
    static const struct {
        uint64_t from;
        int by;
        uint64_t to;
    } cases[] = {
        {0x3ff8000000000000u, -1074, 0x0000000000000002u}, /* 1.5 units of the last place: a tie, to even */
        {0x3ff8000000000000u, -1075, 0x0000000000000001u},
        {0x3ff4000000000000u, -1075, 0x0000000000000001u}, /* 0.625; in two steps first 1, then 0 */
        {0x3ff0000000000000u, -1075, 0x0000000000000000u}, /* a tie, to even */
        {0xbfffffffffffffffu, -1023, 0x8010000000000000u}, /* up to the least normal number */
        {0x0000000000000001u, 2000, 0x79d0000000000000u},
        {0x3ff0000000000000u, 1024, 0x7ff0000000000000u}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t got = double_bits(parts->ldexp64(bits_double(cases[i].from), cases[i].by));
        if (got != cases[i].to) {
            snprintf(out->found, sizeof out->found,
                     "ldexp of the double %016llx by %d gives %016llx, not %016llx", wide(cases[i].from),
                     cases[i].by, wide(got), wide(cases[i].to));
            return true;
        }
    }
    int e = 0, least = 0;
    const double m = parts->frexp64(-6.0, &e), subnormal = parts->frexp64(bits_double(3), &least);
    if (m != -0.75 || e != 3 || subnormal != 0.75 || least != -1072)
        snprintf(out->found, sizeof out->found, "frexp splits -6 or 3 * 2^-1074 in another way");
    return out->found[0] != '\0';
}

bool law_exact_functions(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    const ExactCase cases[] = {
        {"floor", parts->floor64, 0xbfe0000000000000u, 0xbff0000000000000u}, /* -0.5 */
        {"floor", parts->floor64, 0x8000000000000000u, 0x8000000000000000u},
        {"floor", parts->floor64, 0x431fffffffffffffu, 0x431ffffffffffffcu}, /* 2^51 - 0.25 */
        {"ceil", parts->ceil64, 0xbfe0000000000000u, 0x8000000000000000u},
        {"ceil", parts->ceil64, 0x0000000000000001u, 0x3ff0000000000000u},
        {"rint", parts->rint64, 0x3fe0000000000000u, 0x0000000000000000u}, /* 0.5 */
        {"rint", parts->rint64, 0xbfe0000000000000u, 0x8000000000000000u},
        {"rint", parts->rint64, 0x3ff8000000000000u, 0x4000000000000000u}, /* 1.5 */
        {"rint", parts->rint64, 0x4004000000000000u, 0x4000000000000000u}, /* 2.5 */
        {"rint", parts->rint64, 0x3fdfffffffffffffu, 0x0000000000000000u}, /* just below 0.5 */
        {"fabs", parts->fabs64, 0x8000000000000000u, 0x0000000000000000u},
        {"fabs", parts->fabs64, 0xfff0000000000000u, 0x7ff0000000000000u},
    };
    (void)scratch;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (exact_case_fails(out, &cases[i]))
            return true;
    if (float_bits(parts->rint32(-0.5f)) != 0x80000000u || parts->rint32(2.5f) != 2.0f ||
        parts->rint32(8388607.5f) != 8388608.0f)
        snprintf(out->found, sizeof out->found, "rintf does not round -0.5, 2.5 or 8388607.5 to even");
    else if (float_bits(parts->fabs32(-0.0f)) != 0)
        snprintf(out->found, sizeof out->found, "fabsf of -0 is not +0");
    return out->found[0] != '\0' || scaling_fails(out, parts);
}
