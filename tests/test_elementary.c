#include "base/elementary.h"

#include "base/elementary_inline.h"
#include "base/file.h"
#include "base/isa.h"
#include "tests/check.h"
#include "tests/libm_gates.h"

typedef struct {
    const char *name;
    float (*scalar)(float);
    void (*array)(float *y, const float *x, size_t n);
    double (*libm)(double);
    int symmetry;                                                    /* 1 even, -1 odd, 0 neither */
    uint32_t at_minus_infinity, at_minus_zero, at_zero, at_infinity; /* bits of the results */
    uint32_t hash; /* of 65536 results, see test_fixed_bits */
} Function;

enum { NONE = 0x7fc00000, INF = 0x7f800000, ONE = 0x3f800000 };
#define MINUS 0x80000000u

static const Function FUNCTIONS[] = {
    {"exp", exp_f32, exp_array, exp, 0, 0, ONE, ONE, INF, 0xb7ddb7e5u},
    {"expm1", expm1_f32, expm1_array, expm1, 0, MINUS | ONE, MINUS, 0, INF, 0x32ccb964u},
    {"log", log_f32, log_array, log, 0, NONE, MINUS | INF, MINUS | INF, INF, 0x018c8a19u},
    {"log1p", log1p_f32, log1p_array, log1p, 0, NONE, MINUS, 0, INF, 0x342ed2c4u},
    {"sin", sin_f32, sin_array, sin, -1, NONE, MINUS, 0, NONE, 0x3dfaa4a9u},
    {"cos", cos_f32, cos_array, cos, 1, NONE, ONE, ONE, NONE, 0xeacceaa6u},
    {"tanh", tanh_f32, tanh_array, tanh, -1, MINUS | ONE, MINUS, 0, ONE, 0x25d89cccu},
    {"erf", erf_f32, erf_array, erf, -1, MINUS | ONE, MINUS, 0, ONE, 0xbaa63975u},
    {"sigmoid", sigmoid_f32, sigmoid_array, sigmoid_libm, 0, 0, 0x3f000000, 0x3f000000, ONE, 0x1f6fc177u},
    {"silu", silu_f32, silu_array, silu_libm, 0, MINUS, MINUS, 0, INF, 0x9dbdcdc8u},
    {"softplus", softplus_f32, softplus_array, softplus_libm, 0, 0, 0x3f317218, 0x3f317218, INF,
     0x96612d56u},
};
enum { FUNCTION_COUNT = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

/* f of x as a number, and by the array function at each level, into another array and in place. */
static bool gives(const Function *f, const float *x, const float *want, size_t n)
{
    enum { MOST = 4096 };
    static float y[MOST];
    const float *const inputs[] = {x, y};
    bool good = n <= MOST;
    for (size_t i = 0; i < n && good; i++)
        good = float_bits(f->scalar(x[i])) == float_bits(want[i]);
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512; level++) {
        isa_limit(level);
        for (int in_place = 0; in_place < 2 && good; in_place++) {
            if (in_place)
                memcpy(y, x, n * sizeof *y);
            f->array(y, inputs[in_place], n);
            good = memcmp(y, want, n * sizeof *y) == 0;
        }
    }
    isa_limit(ISA_AVX512);
    return good;
}

/* Every float whose result lies within 2^-45 of a rounding tie, with the correctly rounded result, as listed by
 * tests/verify_math.c; and each of them with the other sign for even and odd functions. */
static void test_hard_cases(const Function *f)
{
    enum { MOST = 2000 };
    static float x[MOST], want[MOST];
    char path[100];
    snprintf(path, sizeof path, "tests/vectors/hard/%s.txt", f->name);
    Arena arena = {0};
    Bytes file = {0};
    Error err = {0};
    if (!CHECK(file_read(&file, path, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    size_t n = 0;
    const char *line = (const char *)file.data;
    unsigned input, result;
    for (; n < MOST && sscanf(line, "%8x %8x", &input, &result) == 2; line += 18, n++) {
        x[n] = bits_float(input);
        want[n] = bits_float(result);
    }
    CHECK(n >= 90 && *line == '\0');
    CHECK(gives(f, x, want, n));
    for (size_t i = 0; i < n && f->symmetry != 0; i++) {
        x[i] = -x[i];
        want[i] = f->symmetry < 0 ? -want[i] : want[i];
    }
    CHECK(gives(f, x, want, n));
    arena_free(&arena);
}

static void test_special_values(const Function *f)
{
    const uint32_t x[] = {MINUS | INF, MINUS, 0, INF, NONE, MINUS | NONE, INF + 1, MINUS | 0x7fffffff};
    const uint32_t y[] = {
        f->at_minus_infinity, f->at_minus_zero, f->at_zero, f->at_infinity, NONE, NONE, NONE, NONE};
    float input[8], want[8];
    for (int i = 0; i < 8; i++) {
        input[i] = bits_float(x[i]);
        want[i] = bits_float(y[i]);
    }
    if (!CHECK(gives(f, input, want, 8)))
        printf("    %s\n", f->name);
}

/* Floats of every size, against libm's double function: equal wherever that one can decide. */
static void test_against_libm(const Function *f)
{
    enum { N = 4000 };
    static float x[N], y[N];
    int wrong = 0;
    for (uint32_t i = 0; i < N; i++)
        x[i] = bits_float((i * 2654435761u ^ i << 7) | (i % 3 == 0 ? 0x3f000000u : 0u));
    for (int i = 0; i < N; i++) {
        const double near = f->libm((double)x[i]);
        const float below = (float)(near * (1.0 - 0x1p-45)), above = (float)(near * (1.0 + 0x1p-45));
        y[i] = f->scalar(x[i]);
        wrong += below == above ? y[i] != below : near != near && float_bits(y[i]) != NONE;
    }
    CHECK(wrong == 0);
    CHECK(gives(f, x, y, N));
}

/* All lengths around the block and vector sizes; nothing beyond the end is written. */
static void test_lengths(const Function *f)
{
    static float x[1100], y[1101];
    int wrong = 0;
    for (uint32_t i = 0; i < 1100; i++)
        x[i] = (float)(i % 97) * 0.25f - (i % 11 == 0 ? 200000.0f : 7.0f);
    const size_t lengths[] = {0,  1,  2,  3,  4,  5,   7,   8,   9,    15,  16,
                              17, 31, 33, 63, 65, 511, 512, 513, 1024, 1037};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        const size_t n = lengths[k], shift = k % 5;
        y[n] = 12345.0f;
        f->array(y, x + shift, n);
        for (size_t i = 0; i < n; i++)
            wrong += float_bits(y[i]) != float_bits(f->scalar(x[i + shift]));
        wrong += y[n] != 12345.0f;
    }
    CHECK(wrong == 0);
}

/* One hash over 65536 inputs spread over all floats: the same on every machine, compiler and level. */
static void test_fixed_bits(const Function *f)
{
    enum { N = 4096 };
    static float x[N], y[N];
    for (IsaLevel level = ISA_BASE; level <= ISA_AVX512; level++) {
        uint32_t hash = 2166136261u;
        isa_limit(level);
        for (uint32_t block = 0; block < 16; block++) {
            for (uint32_t i = 0; i < N; i++)
                x[i] = bits_float((block * N + i) * 65537u + 12345u);
            f->array(y, x, N);
            for (int i = 0; i < N; i++)
                hash = (hash ^ float_bits(y[i])) * 16777619u;
        }
        if (!CHECK(hash == f->hash))
            printf("    %s: hash %08x\n", f->name, hash);
    }
    isa_limit(ISA_AVX512);
}

/* Steps of one float: the functions that rise never fall, across every seam of their formulas. */
static void test_rises_across_seams(void)
{
    const float seams[] = {1.5f,  0x1p-15f, 0.25f,  0.3465736f, 2.5f,     9.01f,
                           3.92f, 16.6f,    88.72f, 0.6931472f, 100000.0f};
    int falls = 0;
    for (int f = 0; f < FUNCTION_COUNT; f++) {
        const char *name = FUNCTIONS[f].name;
        if (strcmp(name, "sin") == 0 || strcmp(name, "cos") == 0 || strcmp(name, "silu") == 0)
            continue;
        for (size_t s = 0; s < sizeof seams / sizeof seams[0]; s++)
            for (uint32_t i = 0; i < 400; i++) {
                const float a = bits_float(float_bits(seams[s]) - 200u + i),
                            b = bits_float(float_bits(a) + 1u);
                falls += FUNCTIONS[f].scalar(b) < FUNCTIONS[f].scalar(a);
                falls += FUNCTIONS[f].scalar(-b) > FUNCTIONS[f].scalar(-a);
            }
    }
    CHECK(falls == 0);
}

static void test_domain_ends(void)
{
    CHECK(float_bits(log_f32(-0x1p-149f)) == NONE && float_bits(log1p_f32(-1.0000001f)) == NONE);
    CHECK(log1p_f32(-1.0f) == -HUGE_VALF && log_f32(1.0f) == 0.0f && !signbit(log_f32(1.0f)));
    CHECK(log_f32(0x1p-149f) == -0x1.9d1dap+6f);
    CHECK(exp_f32(88.72283f) < HUGE_VALF && exp_f32(88.72284f) == HUGE_VALF);
    CHECK(exp_f32(-103.97208f) == 0x1p-149f && exp_f32(-103.97209f) == 0.0f);
    CHECK(sin_f32(0x1p-149f) == 0x1p-149f && tanh_f32(-0x1p-149f) == -0x1p-149f);
    CHECK(float_bits(sin_f32(0x1.fffffep127f)) == 0xbf0599b3u); /* 2^128 - 2^104 radians */
    CHECK(float_bits(cos_f32(0x1.fffffep127f)) == 0x3f5a5f96u);
}

int main(void)
{
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        test_hard_cases(&FUNCTIONS[i]);
        test_special_values(&FUNCTIONS[i]);
        test_against_libm(&FUNCTIONS[i]);
        test_lengths(&FUNCTIONS[i]);
        test_fixed_bits(&FUNCTIONS[i]);
    }
    test_rises_across_seams();
    test_domain_ends();
    return check_report("elementary");
}
