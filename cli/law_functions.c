/* cli/law_functions.c - the library's own elementary functions (see laws.h). */
#include <stdio.h>

#include "base/bits.h"
#include "base/isa.h"
#include "cli/laws.h"

/* Inputs next to a rounding tie with their results, from tests/vectors/hard; a function that is off by one unit in
 * its last place is found at such, or by the sum over many results that tests/test_elementary.c knows too. */
enum { HARD = 4, SPREAD = 65536, BLOCK = 1024 };

static const uint32_t HARD_CASES[LAW_FUNCTIONS][HARD][2] = {
    {{0x33800000u, 0x3f800001u},
     {0x41aea5eau, 0x4f34746eu},
     {0xbaaf3af9u, 0x3f7fa872u},
     {0xc2b2e798u, 0x000f6dceu}}, /* exp */
    {{0x33b504f4u, 0x33b504f5u},
     {0x3d28e0ddu, 0x3d2c687du},
     {0xb72b94c8u, 0xb72b948fu},
     {0xc16ee47eu, 0xbf7ffffau}}, /* expm1 */
    {{0x0002f4deu, 0xc2b63589u},
     {0x2a4913e9u, 0xc1ead450u},
     {0x5473a09bu, 0x41e8804cu},
     {0x7f7af42bu, 0x42b167e6u}}, /* log */
    {{0x33b504f4u, 0x33b504f3u},
     {0x50f79106u, 0x41c1d030u},
     {0x6c1b3a31u, 0x42778826u},
     {0xbf73e555u, 0xc0434dddu}}, /* log1p */
    {{0x39e89769u, 0x39e89768u},
     {0x5105ca9eu, 0x3e8bcf67u},
     {0x67051b8du, 0xbe7ccf49u},
     {0x7f74d1abu, 0xbf76dcb9u}}, /* sin */
    {{0x39800001u, 0x3f7fffffu},
     {0x504be581u, 0x3df8dc9cu},
     {0x6935540fu, 0x3f6e9d04u},
     {0x7f7b3027u, 0x3ed7f098u}}, /* cos */
    {{0x39b89ba3u, 0x39b89ba2u},
     {0x3c65a52au, 0x3c65a150u},
     {0x3eee0566u, 0x3ede3cbeu},
     {0x41102cb3u, 0x3f7fffffu}}, /* tanh */
    {{0x009cdcbau, 0x00b10004u},
     {0x151cdcbau, 0x15310004u},
     {0x299cdcbau, 0x29b10004u},
     {0x406dc240u, 0x3f7ffffeu}}, /* erf */
    {{0x34000001u, 0x3f000001u},
     {0x4070e750u, 0x3f7a32c9u},
     {0xb848c000u, 0x3efffe6fu},
     {0xc2b2e798u, 0x000f6dceu}}, /* sigmoid */
    {{0x337ffff9u, 0x32fffff9u},
     {0x3c3e6610u, 0x3bbf8146u},
     {0xb8126c8eu, 0xb7926be7u},
     {0xc2b5d802u, 0x8121580cu}}, /* silu */
    {{0x33882e31u, 0x3f317219u},
     {0x3e34c1d7u, 0x3f490940u},
     {0xb8d71f5eu, 0x3f316ebbu},
     {0xc2b2e798u, 0x000f6dceu}}, /* softplus */
};
static const uint32_t SUMS[LAW_FUNCTIONS] = {0xb7ddb7e5u, 0x32ccb964u, 0x018c8a19u, 0x342ed2c4u,
                                             0x3dfaa4a9u, 0xeacceaa6u, 0x25d89cccu, 0xbaa63975u,
                                             0x1f6fc177u, 0x9dbdcdc8u, 0x96612d56u};

/* Number i of those spread over all floats. */
static float spread(uint32_t i)
{
    return bits_float(i * 65537u + 12345u);
}

bool law_functions(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    (void)scratch;
    for (int f = 0; f < LAW_FUNCTIONS; f++) {
        const LawFunction *function = &parts->function[f];
        for (int i = 0; i < HARD; i++) {
            const uint32_t x = HARD_CASES[f][i][0], want = HARD_CASES[f][i][1];
            const uint32_t got = float_bits(function->scalar(bits_float(x)));
            if (got == want)
                continue;
            snprintf(out->found, sizeof out->found, "%s of the float %08lx gives %08lx, not %08lx (%s)",
                     function->name, (unsigned long)x, (unsigned long)got, (unsigned long)want,
                     function->sources);
            return true;
        }
        uint32_t sum = 2166136261u;
        for (uint32_t i = 0; i < SPREAD; i++)
            sum = (sum ^ float_bits(function->scalar(spread(i)))) * 16777619u;
        if (sum != SUMS[f]) {
            snprintf(out->found, sizeof out->found, "some of %d results of %s differ (%s)", SPREAD,
                     function->name, function->sources);
            return true;
        }
    }
    return false;
}

static bool loop_differs(LawBroken *out, const LawFunction *f, IsaLevel level)
{
    float x[BLOCK], y[BLOCK];
    for (uint32_t first = 0; first < SPREAD; first += BLOCK) {
        for (uint32_t i = 0; i < BLOCK; i++)
            x[i] = spread(first + i);
        f->array(y, x, BLOCK);
        for (int i = 0; i < BLOCK; i++) {
            const uint32_t got = float_bits(y[i]), want = float_bits(f->scalar(x[i]));
            if (got == want)
                continue;
            snprintf(out->found, sizeof out->found,
                     "the loop of %s for the instruction set %s gives %08lx at %08lx, not %08lx", f->name,
                     isa_name(level), (unsigned long)got, (unsigned long)float_bits(x[i]),
                     (unsigned long)want);
            return true;
        }
    }
    return false;
}

bool law_function_loops(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    bool broken = false;
    (void)scratch;
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512 && !broken; level++) {
        isa_limit(level);
        for (int f = 0; f < LAW_FUNCTIONS && !broken; f++)
            broken = isa_level() == level && loop_differs(out, &parts->function[f], level);
    }
    isa_limit(ISA_AVX512);
    return broken;
}

/* From tests/vectors/hard/binary64.txt. */
bool law_functions64(LawBroken *out, const LawParts *parts, Arena *scratch)
{
    static const char *const NAMES[4] = {"exp", "log", "sin", "cos"};
    static const uint64_t CASES[4][3][2] = {{{0x3fefffffffffffffu, 0x4005bf0a8b145769u},
                                             {0xc059c1928d309c6fu, 0x36a4a2597e7606c7u},
                                             {0xbf27c2d35bca3852u, 0x3feffe83db9c796bu}},
                                            {{0x0000000000000001u, 0xc0874385446d71c3u},
                                             {0x408748cccccccccdu, 0x401a743e2d633f56u},
                                             {0x3ff0000000063e00u, 0x3dd8f7fffffb2120u}},
                                            {{0x3ff0000000000001u, 0x3feaed548f090cefu},
                                             {0x406d73d286bfe4d8u, 0x3d0caeb4c3dbdbd8u},
                                             {0xc03a3d7c121e1775u, 0xbfeca0307f317955u}},
                                            {{0xbff6a09e667f3bccu, 0x3fc3f5f6868470bbu},
                                             {0xc08db2a77b128f49u, 0x3d17b5a846b71d7cu},
                                             {0xc16dc3c632e80be2u, 0xbde0d168b44c6776u}}};
    (void)scratch;
    for (int f = 0; f < 4; f++)
        for (int i = 0; i < 3; i++) {
            const uint64_t x = CASES[f][i][0], got = double_bits(parts->function64[f](bits_double(x)));
            if (got == CASES[f][i][1])
                continue;
            snprintf(out->found, sizeof out->found, "%s of the double %016llx gives %016llx, not %016llx",
                     NAMES[f], (unsigned long long)x, (unsigned long long)got,
                     (unsigned long long)CASES[f][i][1]);
            return true;
        }
    const uint64_t power =
        double_bits(parts->pow64(bits_double(0x41b8e9316169ea00u), bits_double(0xbfdc312d5b709358u)));
    if (power != 0x3f24e357690ef97fu || parts->pow64(81.0, 0.25) != 3.0)
        snprintf(out->found, sizeof out->found,
                 "pow of 41b8e9316169ea00 and bfdc312d5b709358, or of 81 and 0.25, differs");
    return out->found[0] != '\0';
}
