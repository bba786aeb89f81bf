/* Each law is broken once, by something wrong in the place of what it tries, and has to be named. */
#include "cli/laws.h"

#include <fenv.h>

#include "base/bits.h"
#include "base/elementary.h"
#include "base/elementary64.h"
#include "base/rng.h"
#include "base/sum.h"
#include "tests/check.h"

/* The law that is named says `law`, and what was found `found`. */
static void names(const LawParts *parts, const char *law, const char *found)
{
    Arena scratch = {0};
    LawBroken broken = {0};
    if (CHECK(laws_first_broken(&broken, parts, &scratch))) {
        CHECK_TEXT(broken.law, law);
        CHECK_TEXT(broken.found, found);
        CHECK(broken.look_at[0] != '\0');
    } else {
        printf("    not found: %s, %s\n", law, found);
    }
    arena_free(&scratch);
}

static void test_this_build_breaks_none(void)
{
    Arena scratch = {0}, none = {.limit = 1};
    LawBroken broken = {0};
    if (!CHECK(!laws_first_broken(&broken, &LAWS_OWN, &scratch)))
        printf("    %s: %s\n", broken.law, broken.found);
    CHECK(!laws_first_broken(&broken, &LAWS_OWN, &none)); /* products are not tried then */
    arena_free(&scratch);
    arena_free(&none);
}

/* ---- operations ---- */

static uint64_t product_of_words(uint64_t a, uint64_t b)
{
    return (a & 0xffffffffu) * (b & 0xffffffffu);
}

static uint64_t quotient_by_double(uint64_t a, uint64_t b)
{
    return (uint64_t)((double)a / (double)b);
}

static double from_low_word(int64_t n)
{
    return (double)(int32_t)(uint32_t)n;
}

static double from_as_signed(uint64_t n)
{
    return (double)(int64_t)(n & ((uint64_t)1 << 63)) * 1.0;
}

static void sha_of_other_order(char hex[65], const void *data, size_t size)
{
    (void)data;
    snprintf(hex, 65, "bf1678ba%d", (int)size);
}

static bool below_or_unordered(double a, double b)
{
    return !(a >= b);
}

static bool equal_bits(double a, double b)
{
    return double_bits(a) == double_bits(b);
}

static void test_integers_and_comparisons(void)
{
    LawParts parts = LAWS_OWN;
    parts.multiply_integers = product_of_words;
    names(&parts, "integers", "123456789abcdef1 * fedcba9876543217");
    parts = LAWS_OWN;
    parts.divide_integers = quotient_by_double;
    names(&parts, "integers", "/ fedcba987");
    parts = LAWS_OWN;
    parts.from_int64 = from_low_word;
    names(&parts, "integers", "a signed integer");
    parts = LAWS_OWN;
    parts.from_uint64 = from_as_signed;
    names(&parts, "integers", "an unsigned integer");
    parts = LAWS_OWN;
    parts.sha256 = sha_of_other_order;
    names(&parts, "hash of \"abc\"", "bf1678ba3");
    parts = LAWS_OWN;
    parts.below = below_or_unordered;
    names(&parts, "comparisons", "7ff8000000000000 and 7ff8000000000000 are below");
    parts = LAWS_OWN;
    parts.equal = equal_bits;
    names(&parts, "comparisons", "0000000000000000 and 8000000000000000 are not below, not equal");
}

static float flushed32(float x)
{
    return fabsf(x) < 0x1p-126f ? x * 0.0f : x;
}

static double flushed64(double x)
{
    return fabs(x) < 0x1p-1022 ? x * 0.0 : x;
}

static float sum_cut(float a, float b) /* towards zero */
{
    const double exact = (double)a + (double)b;
    const float s = a + b;
    return s == s && fabs((double)s) > fabs(exact) ? bits_float(float_bits(s) - 1u) : s;
}

static float product_flushed(float a, float b)
{
    return flushed32(a * b);
}

static float quotient_by_reciprocal(float a, float b)
{
    const float r = 1.0f / b;
    return b == b && fabsf(b) < 0x1p100f && fabsf(b) > 0x1p-100f ? a * r : a / b;
}

static double sum_of_flushed(double a, double b)
{
    return flushed64(a) + flushed64(b);
}

static double product_by_float(double a, double b)
{
    return a * (double)(float)b;
}

static double quotient_flushed(double a, double b)
{
    return flushed64(a / b);
}

static void test_operations(void)
{
    LawParts parts = LAWS_OWN;
    parts.operation32[0] = sum_cut;
    names(&parts, "of floats are rounded", " + ");
    parts = LAWS_OWN;
    parts.operation32[2] = product_flushed;
    names(&parts, "of floats are rounded", " by way of double");
    parts = LAWS_OWN;
    parts.operation32[3] = quotient_by_reciprocal;
    names(&parts, "of floats are rounded", " / ");
    parts = LAWS_OWN;
    parts.operation32[1] = LAWS_OWN.operation32[0];
    names(&parts, "of floats are rounded", " - ");
    parts = LAWS_OWN;
    parts.operation64[0] = sum_of_flushed;
    names(&parts, "of doubles are rounded", "a + b");
    parts = LAWS_OWN;
    parts.operation64[1] = LAWS_OWN.operation64[0];
    names(&parts, "of doubles are rounded", "a - b");
    parts = LAWS_OWN;
    parts.operation64[2] = product_by_float;
    names(&parts, "of doubles are rounded", "a * b");
    parts = LAWS_OWN;
    parts.operation64[3] = quotient_flushed;
    names(&parts, "of doubles are rounded", "a / b");
}

/* ---- conversions and libm ---- */

static float narrow_flushed(double x)
{
    return flushed32((float)x);
}

static float narrow_away(double x) /* a tie goes up */
{
    const float y = (float)x;
    return (double)y == x || fabs(x) > 0x1.ffp127 ? y : (float)(x * (1.0 + 0x1p-52));
}

static double widen_flushed(float x)
{
    return (double)flushed32(x);
}

static int32_t to_int_wrapping(float x)
{
    return x == x ? (int32_t)(uint32_t)(int64_t)x : INT32_MIN;
}

static float root_by_step(float x) /* one step of Newton on a poor reciprocal root */
{
    const float y = sqrtf(x);
    return x > 0.0f && y < HUGE_VALF ? 0.5f * (y * 1.0001f + x / (y * 1.0001f)) : y;
}

static double root_of_float(double x)
{
    return x > 0x1p-100 && x < 0x1p100 ? (double)sqrtf((float)x) : sqrt(x);
}

static double half_up(double x)
{
    return floor(x + 0.5);
}

static float half_up32(float x)
{
    return floorf(x + 0.5f);
}

static double cut(double x)
{
    return x < 0.0 ? ceil(x) : floor(x);
}

static double one_more(double x)
{
    return floor(x) + 1.0;
}

static double size_without_zero(double x)
{
    return x < 0.0 ? -x : x;
}

static float size_without_zero32(float x)
{
    return x < 0.0f ? -x : x;
}

static double scale_in_two_steps(double x, int e)
{
    return ldexp(ldexp(x, e + 1), -1);
}

static double scale_by_power(double x, int e)
{
    return e < -1022 ? 0.0 * x : ldexp(x, e);
}

static double split_normal(double x, int *e)
{
    *e = 0;
    return fabs(x) < 0x1p-1022 ? x : frexp(x, e);
}

static void test_conversions_and_libm(void)
{
    static const struct {
        double (*wrong)(double);
        size_t place;
        const char *law, *found;
    } wide[] = {{root_of_float, offsetof(LawParts, sqrt64), "square root", "of sqrt differ"},
                {half_up, offsetof(LawParts, rint64), "are exact", "rint of the double"},
                {cut, offsetof(LawParts, floor64), "are exact", "floor of the double"},
                {one_more, offsetof(LawParts, ceil64), "are exact", "ceil of the double"},
                {size_without_zero, offsetof(LawParts, fabs64), "are exact", "fabs of the double 8000"}};
    static const struct {
        float (*wrong)(float);
        size_t place;
        const char *law, *found;
    } narrow[] = {{root_by_step, offsetof(LawParts, sqrt32), "square root", "of sqrtf differ"},
                  {half_up32, offsetof(LawParts, rint32), "are exact", "rintf"},
                  {size_without_zero32, offsetof(LawParts, fabs32), "are exact", "fabsf"}};
    LawParts parts;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        parts = LAWS_OWN;
        memcpy((char *)&parts + wide[i].place, &wide[i].wrong, sizeof wide[i].wrong);
        names(&parts, wide[i].law, wide[i].found);
    }
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        parts = LAWS_OWN;
        memcpy((char *)&parts + narrow[i].place, &narrow[i].wrong, sizeof narrow[i].wrong);
        names(&parts, narrow[i].law, narrow[i].found);
    }
    parts = LAWS_OWN;
    parts.narrow = narrow_flushed;
    names(&parts, "converted exactly", "becomes the float 00000000, not 00000001");
    parts.narrow = narrow_away;
    names(&parts, "converted exactly", "3ff0000010000000 becomes the float 3f800001");
    parts = LAWS_OWN;
    parts.widen = widen_flushed;
    names(&parts, "converted exactly", "other doubles");
    parts = LAWS_OWN;
    parts.to_int = to_int_wrapping;
    names(&parts, "converted exactly", "float_to_int(4f32d05e)");
    parts = LAWS_OWN;
    parts.ldexp64 = scale_in_two_steps;
    names(&parts, "are exact", "ldexp of the double 3ff4000000000000 by -1075 gives 0000000000000000");
    parts.ldexp64 = scale_by_power;
    names(&parts, "are exact", "ldexp of the double");
    parts = LAWS_OWN;
    parts.frexp64 = split_normal;
    names(&parts, "are exact", "frexp");
}

/* ---- our own functions ---- */

static float exp_one_off(float x) /* at a hard input alone, by one unit of the last place */
{
    const uint32_t y = float_bits(exp_f32(x));
    return bits_float(float_bits(x) == 0x33800000u ? y - 1u : y);
}

static float erf_off_elsewhere(float x)
{
    const uint32_t y = float_bits(erf_f32(x));
    return bits_float(float_bits(x) == 12345u + 300u * 65537u ? y + 1u : y);
}

static void sin_loop_off(float *y, const float *x, size_t n)
{
    sin_array(y, x, n);
    y[n - 1] = bits_float(float_bits(y[n - 1]) ^ 1u);
}

static double log_of_float(double x)
{
    return (double)log_f32((float)x);
}

static double power_by_exp(double x, double y)
{
    return exp_f64(y * log_f64(x));
}

static void test_functions(void)
{
    LawParts parts = LAWS_OWN;
    parts.function[0].scalar = exp_one_off;
    names(&parts, "elementary functions of floats",
          "exp of the float 33800000 gives 3f800000, not 3f800001");
    parts = LAWS_OWN;
    parts.function[7].scalar = erf_off_elsewhere;
    names(&parts, "elementary functions of floats", "results of erf differ (base/erf_inline.h)");
    parts = LAWS_OWN;
    parts.function[4].array = sin_loop_off;
    names(&parts, "loops of elementary functions", "the loop of sin for the instruction set base");
    parts = LAWS_OWN;
    parts.function64[1] = log_of_float;
    names(&parts, "of doubles are correctly", "log of the double");
    parts = LAWS_OWN;
    parts.pow64 = power_by_exp;
    names(&parts, "of doubles are correctly", "pow of 41b8");
}

/* ---- orders, words, threads ---- */

static double sum_in_a_row(const float *x, size_t n)
{
    double s = 0.0;
    for (size_t i = 0; i < n; i++)
        s += x[i];
    return s;
}

static double sum_off_when_long(const float *x, size_t n)
{
    return n > 1000 ? sum_in_a_row(x, n) : sum8(x, n);
}

static void product_without_panels(float *c, const float *a, const float *b, const MatmulShape *shape,
                                   void *scratch)
{
    (void)scratch;
    for (size_t r = 0; r < shape->M; r++)
        for (size_t j = 0; j < shape->N; j++) {
            volatile float s = 0.0f;
            for (size_t k = 0; k < shape->K; k++) {
                volatile float p = a[r * shape->K + k] * b[k * shape->N + j];
                s = s + p;
            }
            c[r * shape->N + j] = s;
        }
}

static void product_fused_at_the_end(float *c, const float *a, const float *b, const MatmulShape *shape,
                                     void *scratch)
{
    matmul_forward(c, a, b, shape, scratch);
    const size_t last = shape->M * shape->N - 1;
    c[last] = bits_float(float_bits(c[last]) + 1u);
}

static void philox_of_nine_rounds(uint32_t counter[4], const uint32_t key[2])
{
    philox4x32(counter, key);
    counter[3] ^= 0x80000000u;
}

static uint32_t twister_of_64_bits(uint32_t seed, int n)
{
    return LAWS_OWN.twister(seed, n) ^ 1u;
}

static void tasks_but_the_last(size_t count, ThreadTask task, void *context)
{
    parallel_for(count - 1, task, context);
}

static void test_orders(void)
{
    LawParts parts = LAWS_OWN;
    parts.sum = sum_in_a_row;
    names(&parts, "sum8", "numbers for the instruction set base");
    parts.sum = sum_off_when_long;
    names(&parts, "sum8", "the sum of 1003 numbers");
    parts = LAWS_OWN;
    parts.product = product_without_panels;
    names(&parts, "panels of 256", "row 0, column");
    parts.product = product_fused_at_the_end;
    names(&parts, "panels of 256", "row 12, column 36");
    parts = LAWS_OWN;
    parts.philox = philox_of_nine_rounds;
    names(&parts, "published words", "Philox at 0 gives 6627e8d5");
    parts = LAWS_OWN;
    parts.twister = twister_of_64_bits;
    names(&parts, "published words", "word 10000");
    parts = LAWS_OWN;
    parts.tasks = tasks_but_the_last;
    names(&parts, "each task once", "task 999 of 1000 was done 0 times");
}

/* The first one is named, though what stands on it breaks as well. */
static void test_the_lowest_is_named(void)
{
    LawParts parts = LAWS_OWN;
    parts.sum = sum_in_a_row;
    parts.narrow = narrow_flushed;
    parts.function[0].scalar = exp_one_off;
    names(&parts, "converted exactly", "00000000");
}

/* ---- true modes of the processor ---- */

static void test_rounding_mode(void)
{
#ifdef FE_UPWARD
    volatile double one = 1.0, little = 0x1p-60;
    LawBroken broken = {0};
    Arena scratch = {0};
    if (fesetround(FE_UPWARD) == 0 && one + little != 1.0) { /* valgrind turns no sums */
        const bool found = laws_first_broken(&broken, &LAWS_OWN, &scratch);
        fesetround(FE_TONEAREST);
        CHECK(found);
        CHECK_TEXT(broken.law, "main thread");
        CHECK_TEXT(broken.found, "rounding mode");
    }
    fesetround(FE_TONEAREST);
    arena_free(&scratch);
#endif
}

static void test_flush_to_zero(void)
{
#ifdef __SSE2__
    const unsigned usual = __builtin_ia32_stmxcsr();
    volatile float small = 0x1p-100f;
    LawBroken broken = {0};
    Arena scratch = {0};
    __builtin_ia32_ldmxcsr(usual | 1u << 15);
    volatile float product = small * 0x1p-40f;
    const bool flushes = product == 0.0f;
    const bool found = laws_first_broken(&broken, &LAWS_OWN, &scratch);
    __builtin_ia32_ldmxcsr(usual);
    if (flushes) {
        CHECK(found);
        CHECK_TEXT(broken.found, "subnormal results are flushed to zero");
    }
    arena_free(&scratch);
#endif
}

int main(void)
{
    test_this_build_breaks_none();
    test_integers_and_comparisons();
    test_operations();
    test_conversions_and_libm();
    test_functions();
    test_orders();
    test_the_lowest_is_named();
    test_rounding_mode();
    test_flush_to_zero();
    return check_report("laws");
}
