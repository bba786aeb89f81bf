#include "base/contract.h"

#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/threads.h"

/* The operands are volatile, so the compiler can neither compute a probe beforehand nor assume anything; each
 * probe is a single case that a processor, a mode or a flag outside the contract gets wrong. */

/* (1 + 2^-27)^2 = 1 + 2^-26 + 2^-54, rounded to 1 + 2^-26: an addition that sees the 2^-54 was fused. */
static bool contracts_double(void)
{
    volatile double a = 1.0 + 0x1p-27, c = -(1.0 + 0x1p-26);
    const double p = a * a;
    const double r = p + c;
    const double at_once = a * a + c;
    return r != 0.0 || at_once != 0.0;
}

static bool contracts_float(void)
{
    volatile float a = 1.0f + 0x1p-12f, c = -(1.0f + 0x1p-11f);
    const float p = a * a;
    const float r = p + c;
    return r != 0.0f;
}

/* A 1 is lost beside 2^60 (and beside 2^30) unless the sum is done in another order; likewise thirty of them in a
 * loop that a compiler would like to split. */
static bool reassociates(void)
{
    volatile double big = 0x1p60, one = 1.0;
    volatile float big32 = 0x1p30f, one32 = 1.0f;
    const double r = (big + one) - big;
    const float sum = big32 + one32;
    const float r32 = sum - big32;
    double term[32], total = 0.0;
    for (int i = 0; i < 32; i++)
        term[i] = one;
    term[0] = big;
    term[31] = -big;
    for (int i = 0; i < 32; i++)
        total += term[i];
    return r != 0.0 || r32 != 0.0f || total != 0.0;
}

/* 1 + 2^-53 + 2^-65 is just above a tie.  With more bits inside it becomes the tie first, and then 1. */
static bool rounds_twice(void)
{
    volatile double one = 1.0, little = 0x1.002p-53;
    const double r = one + little;
    return r != 1.0 + 0x1p-52;
}

/* Ties to even, on both sides of zero, and no directed mode. */
static bool rounds_otherwise(void)
{
    volatile double one = 1.0, half = 0x1p-53, more = 0x1.8p-53;
    volatile float one32 = 1.0f, half32 = 0x1p-24f, more32 = 0x1.8p-24f;
    const double down = one + half, up = one + more, negative = -one - more;
    const float down32 = one32 + half32, up32 = one32 + more32;
    return down != 1.0 || up != 1.0 + 0x1p-52 || negative != -(1.0 + 0x1p-52) || down32 != 1.0f ||
           up32 != 1.0f + 0x1p-23f;
}

static bool flushes_results(void)
{
    volatile float least32 = 0x1p-126f, half32 = 0.5f;
    volatile double least = 0x1p-1022, half = 0.5;
    const float r32 = least32 * half32;
    const double r = least * half;
    return float_bits(r32) != 0x00400000u || double_bits(r) != (uint64_t)1 << 51;
}

static bool flushes_operands(void)
{
    volatile uint32_t bits32 = 1u << 9; /* 2^-140 */
    volatile uint64_t bits = 1;         /* 2^-1074 */
    volatile float scale32 = 0x1p20f;
    volatile double scale = 0x1p100;
    const float r32 = bits_float(bits32) * scale32;
    const double r = bits_double(bits) * scale;
    return float_bits(r32) != 0x03800000u || double_bits(r) != (uint64_t)(1023 - 974) << 52;
}

/* To float: rounded once, from all bits of the double, also where the float is subnormal. */
static bool narrows_badly(void)
{
    volatile double above = 0x1.0000020000001p-127, tie = 0x1.000002p-127, odd = 0x1.000006p-127;
    volatile double largest = 0x1.ffffffp+127;
    const float up = (float)above, even = (float)tie, next = (float)odd, infinite = (float)largest;
    return float_bits(up) != 0x00400001u || float_bits(even) != 0x00400000u ||
           float_bits(next) != 0x00400002u || float_bits(infinite) != 0x7f800000u;
}

static bool divides_badly(void)
{
    volatile double one = 1.0, three = 3.0;
    volatile float one32 = 1.0f, ten32 = 10.0f;
    const double third = one / three;
    const float tenth = one32 / ten32;
    return double_bits(third) != 0x3fd5555555555555u || float_bits(tenth) != 0x3dcccccdu;
}

static bool roots_badly(void)
{
    volatile double x = 0x1.fffffffffffffp+0, least = 0x1p-1074;
    volatile float y = 0x1.fffffep+0f;
    const double root = sqrt(x), small = sqrt(least);
    const float root32 = sqrtf(y);
    return double_bits(root) != 0x3ff6a09e667f3bccu || double_bits(small) != (uint64_t)(1023 - 537) << 52 ||
           float_bits(root32) != 0x3fb504f3u;
}

/* rint and the rounding constant of the elementary functions agree on 2.5 -> 2. */
static bool integers_badly(void)
{
    volatile double x = 2.5, shift = 0x1.8p52;
    const double shifted = x + shift;
    return rint(x) != 2.0 || floor(-x) != -3.0 || ldexp(x, -1) != 1.25 ||
           (double_bits(shifted) & 0xffu) != 2u;
}

/* The bytes of a double lie in the order of those of a 64-bit integer. */
static bool lays_out_otherwise(void)
{
    volatile double x = -0x1.23456789abcdep+5;
    volatile float y = -0x1.234568p+5f;
    return double_bits(x) != 0xc0423456789abcdeu || float_bits(y) != 0xc211a2b4u;
}

typedef struct {
    bool (*broken)(void);
    const char *what;
} Rule;

static const Rule RULES[] = {
    {lays_out_otherwise,
     "the bytes of floating-point numbers lie in another order than those of integers; such a machine "
     "is not supported"},
    /* Another rounding mode breaks most of the rest as well, so it is looked for first. */
    {rounds_otherwise,
     "the rounding mode is not to nearest, ties to even; something has turned it (fesetround, a library "
     "loaded before)"},
    {contracts_double, "a product and a sum are rounded once (contraction); build with -ffp-contract=off"},
    {contracts_float,
     "a float product and sum are rounded once (contraction); build with -ffp-contract=off"},
    {reassociates, "a sum is computed in another order than it is written; build without -ffast-math"},
    {rounds_twice, "double arithmetic is rounded twice (x87 registers); build with -msse2 -mfpmath=sse"},
    {flushes_results, "subnormal results are flushed to zero; build and link without -ffast-math"},
    {flushes_operands, "subnormal operands are taken as zero; build and link without -ffast-math"},
    {narrows_badly,
     "a double is not converted to float with one rounding; look at the software floating point or the "
     "emulator"},
    {divides_badly, "a quotient is not the rounded one; build without -mrecip or -ffast-math"},
    {roots_badly,
     "sqrt is not correctly rounded; look at the C library, build without -mrecip or -ffast-math"},
    {integers_badly, "rint, floor or ldexp is not exact; look at the C library"},
};
enum { RULE_COUNT = sizeof RULES / sizeof RULES[0] };

/* The number of the first broken rule, RULE_COUNT when all hold. */
static int first_broken(void)
{
    int i = 0;
    while (i < RULE_COUNT && !RULES[i].broken())
        i++;
    return i;
}

Status contract_check(Error *err)
{
    const int broken = first_broken();
    if (broken == RULE_COUNT)
        return STATUS_OK;
    return error_set(err, STATUS_DIFFERENT,
                     "this build or machine breaks the numeric contract: %s; see docs/PORTING.md",
                     RULES[broken].what);
}

enum { WORKERS_SEEN = 1024 };

static void check_worker(void *context, size_t i, int worker)
{
    unsigned char *broken = context;
    (void)i;
    if (worker < WORKERS_SEEN)
        broken[worker] = (unsigned char)first_broken();
}

Status contract_check_threads(Error *err)
{
    unsigned char broken[WORKERS_SEEN];
    memset(broken, RULE_COUNT, sizeof broken);
    parallel_workers(check_worker, broken);
    for (int worker = 0; worker < WORKERS_SEEN; worker++)
        if (broken[worker] < RULE_COUNT)
            return error_set(err, STATUS_DIFFERENT, "worker thread %d breaks the numeric contract: %s",
                             worker, RULES[broken[worker]].what);
    return STATUS_OK;
}
