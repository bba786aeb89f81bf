#include "base/elementary64.h"

#include "base/bits.h"
#include "base/file.h"
#include "tests/check.h"

static double apply(const char *name, double x, double y)
{
    switch (name[0]) {
    case 'e': return exp_f64(x);
    case 'l': return log_f64(x);
    case 's': return sin_f64(x);
    case 'c': return cos_f64(x);
    default: return pow_f64(x, y);
    }
}

/* Inputs next to rounding ties, next to multiples of pi, exact powers, ends of the ranges; the results are
 * MPFR's (tests/verify_math64.c). */
static void test_hard_cases(void)
{
    Arena arena = {0};
    Bytes file = {0};
    if (!CHECK(file_read(&file, "tests/vectors/hard/binary64.txt", &arena, NULL) == STATUS_OK))
        return;
    char name[8];
    unsigned long long x, y, want;
    int lines = 0, used;
    for (const char *line = (const char *)file.data;
         sscanf(line, "%7s %llx %llx %llx%n", name, &x, &y, &want, &used) == 4; line += used, lines++) {
        const double got = apply(name, bits_double(x), bits_double(y));
        if (!CHECK(double_bits(got) == want))
            printf("    %s(%a, %a) = %a, want %a\n", name, bits_double(x), bits_double(y), got,
                   bits_double(want));
    }
    CHECK(lines > 500);
    arena_free(&arena);
}

static bool is_nan_of_ours(double x)
{
    return double_bits(x) == 0x7ff8000000000000u;
}

static void test_special_values(void)
{
    const double inf = HUGE_VAL, nan = bits_double(0xfff8000000000001u);
    CHECK(exp_f64(inf) == inf && double_bits(exp_f64(-inf)) == 0 && is_nan_of_ours(exp_f64(nan)));
    CHECK(exp_f64(-0.0) == 1.0 && exp_f64(0x1p-1074) == 1.0);
    CHECK(log_f64(0.0) == -inf && log_f64(-0.0) == -inf && log_f64(inf) == inf);
    CHECK(is_nan_of_ours(log_f64(-1.0)) && is_nan_of_ours(log_f64(nan)) && is_nan_of_ours(log_f64(-inf)));
    CHECK(double_bits(log_f64(1.0)) == 0);
    CHECK(is_nan_of_ours(sin_f64(inf)) && is_nan_of_ours(cos_f64(-inf)) && is_nan_of_ours(sin_f64(nan)));
    CHECK(is_nan_of_ours(sin_f64(0x1p31)) && is_nan_of_ours(cos_f64(-0x1p31)));
    CHECK(double_bits(sin_f64(-0.0)) == (uint64_t)1 << 63 && sin_f64(0x1p-1074) == 0x1p-1074 &&
          cos_f64(0.0) == 1.0);
}

/* C99, F.9.4.4, for the cases in which x >= 0. */
static void test_pow_special_values(void)
{
    const double inf = HUGE_VAL, nan = bits_double(0x7ff8000000000001u);
    CHECK(pow_f64(nan, 0.0) == 1.0 && pow_f64(0.0, -0.0) == 1.0 && pow_f64(-3.0, 0.0) == 1.0);
    CHECK(pow_f64(1.0, nan) == 1.0 && pow_f64(1.0, -inf) == 1.0);
    CHECK(is_nan_of_ours(pow_f64(2.0, nan)) && is_nan_of_ours(pow_f64(nan, 1.0)) &&
          is_nan_of_ours(pow_f64(-2.0, 3.0)));
    CHECK(pow_f64(0.0, 2.5) == 0.0 && pow_f64(0.0, -2.5) == inf);
    CHECK(pow_f64(inf, 2.5) == inf && pow_f64(inf, -2.5) == 0.0);
    CHECK(pow_f64(2.0, inf) == inf && pow_f64(2.0, -inf) == 0.0);
    CHECK(pow_f64(0.5, inf) == 0.0 && pow_f64(0.5, -inf) == inf);
}

static void test_exact_powers(void)
{
    CHECK(pow_f64(2.0, -1074.0) == 0x1p-1074 && pow_f64(2.0, -1075.0) == 0.0); /* a tie: to even */
    CHECK(pow_f64(2.0, 1023.0) == 0x1p1023 && pow_f64(2.0, 1024.0) == HUGE_VAL);
    CHECK(pow_f64(81.0, 0.25) == 3.0 && pow_f64(0.0625, -0.75) == 8.0 && pow_f64(7.0, 1.0) == 7.0);
    CHECK(pow_f64(0x1.0000002p+0, 2.0) ==
          0x1.0000004p+0); /* (1 + 2^-27)^2 = 1 + 2^-26 + 2^-54, below half an ulp */
    /* (1.5 + 2^-26)^2 = 2.25 + 3 2^-26 + 2^-52, the last being half an ulp: a tie, to even */
    CHECK(pow_f64(1.5 + 0x1p-26, 2.0) == 2.25 + 0x3p-26);
    CHECK(pow_f64(1.5 + 0x1p-26, 0x1.0000000000001p+1) == 2.25 + 0x3p-26 + 0x1p-51); /* just above it */
    CHECK(pow_f64(10.0, 22.0) == 1e22 && pow_f64(5.0, 23.0) == 11920928955078125.0);
}

/* Identities that hold to an ulp, at many places. */
static void test_identities(void)
{
    for (int i = 1; i < 200; i++) {
        const double x = i * 0.37, s = sin_f64(x), c = cos_f64(x);
        CHECK_NEAR(s * s + c * c, 1.0, 4e-16);
        CHECK_NEAR(log_f64(exp_f64(x)), x, 4e-16);
        CHECK_NEAR(pow_f64(x, 1.7) / exp_f64(1.7 * log_f64(x)), 1.0, 4e-15);
        CHECK(sin_f64(-x) == -s && cos_f64(-x) == c);
    }
}

int main(void)
{
    test_hard_cases();
    test_special_values();
    test_pow_special_values();
    test_exact_powers();
    test_identities();
    return check_report("elementary64");
}
