/* tests/verify_math64.c - compares the binary64 functions with MPFR on random and on awkward inputs, and lists
 * the hard ones.
 *
 * Built by hand, since it needs MPFR:
 *     make build/gcc/tests/verify_math64 LDLIBS='-lm -lmpfr -lgmp'
 *     build/gcc/tests/verify_math64 1000000 > tests/vectors/hard/binary64.txt
 *
 * Stdout: "function x y result", bits of doubles, for the inputs whose result lies within 2^-15 ulp of a rounding
 * tie, and for the awkward ones.  A line on stderr tells the counts; the exit
 * status is 1 when a result was wrong. */
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/elementary64.h"
#include "base/rng.h"

enum { DIGITS = 400 };

typedef struct {
    unsigned long tried, wrong, listed;
    mpfr_t x, y, exact, rounded;
    Rng rng;
} Verdict;

static double one_argument(const char *name, double x)
{
    return name[0] == 'e'   ? exp_f64(x)
           : name[0] == 'l' ? log_f64(x)
           : name[0] == 's' ? sin_f64(x)
                            : cos_f64(x);
}

/* Correctly rounded, with subnormals. */
static double round_exact(Verdict *v, int ternary)
{
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    ternary = mpfr_set(v->rounded, v->exact, MPFR_RNDN) + 0 * ternary;
    ternary = mpfr_check_range(v->rounded, ternary, MPFR_RNDN);
    mpfr_subnormalize(v->rounded, ternary, MPFR_RNDN);
    const double result = mpfr_get_d(v->rounded, MPFR_RNDN);
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    return result;
}

/* Whether the result lies within 2^-15 ulp of the middle between two doubles, and is not that middle. */
static bool is_hard(const Verdict *v)
{
    if (!mpfr_regular_p(v->exact) || mpfr_min_prec(v->exact) <= 54)
        return false;
    mpfr_t scaled, nearest;
    mpfr_inits2(DIGITS, scaled, nearest, (mpfr_ptr)0);
    mpfr_mul_2si(scaled, v->exact, 54 - (long)mpfr_get_exp(v->exact),
                 MPFR_RNDN); /* doubles are even, ties odd */
    mpfr_rint(nearest, scaled, MPFR_RNDN);
    const bool odd = mpfr_get_si(nearest, MPFR_RNDN) % 2 != 0;
    mpfr_sub(nearest, scaled, nearest, MPFR_RNDN);
    const bool hard = odd && fabs(mpfr_get_d(nearest, MPFR_RNDN)) < 0x1p-14;
    mpfr_clears(scaled, nearest, (mpfr_ptr)0);
    return hard;
}

static void verify(Verdict *v, const char *name, double x, double y, bool awkward)
{
    const bool power = name[0] == 'p';
    const double got = power ? pow_f64(x, y) : one_argument(name, x);
    mpfr_set_d(v->x, x, MPFR_RNDN);
    mpfr_set_d(v->y, y, MPFR_RNDN);
    int (*const function)(mpfr_t, const mpfr_t, mpfr_rnd_t) = name[0] == 'e'   ? mpfr_exp
                                                              : name[0] == 'l' ? mpfr_log
                                                              : name[0] == 's' ? mpfr_sin
                                                                               : mpfr_cos;
    const int ternary =
        power ? mpfr_pow(v->exact, v->x, v->y, MPFR_RNDN) : function(v->exact, v->x, MPFR_RNDN);
    const double want = round_exact(v, ternary);
    v->tried++;
    if (double_bits(got) != double_bits(want) && (got == got || want == want) && v->wrong++ < 40)
        fprintf(stderr, "%s(%a, %a): got %a, want %a\n", name, x, y, got, want);
    if (awkward || is_hard(v)) {
        v->listed++;
        printf("%s %016llx %016llx %016llx\n", name, (unsigned long long)double_bits(x),
               (unsigned long long)double_bits(y), (unsigned long long)double_bits(want));
    }
}

/* In [-1, 1), then times 2^k with least <= k < least + range. */
static double random_number(Verdict *v, int least, uint32_t range)
{
    const uint64_t high = rng_u32(&v->rng);
    const uint64_t word = high << 32 | rng_u32(&v->rng);
    return ldexp((double)word * 0x1p-63 - 1.0, least + (int)rng_below(&v->rng, range));
}

static void verify_random(Verdict *v)
{
    double x = random_number(v, -40, 50);
    verify(v, "exp", x, 0.0, false);
    x = random_number(v, -30, 60);
    verify(v, "sin", fmod(x, 0x1p31), 0.0, false);
    verify(v, "cos", fmod(x, 0x1p31), 0.0, false);
    x = fabs(random_number(v, -60, 120)) + 0x1p-1074;
    verify(v, "log", x, 0.0, false);
    verify(v, "log", 1.0 + random_number(v, -30, 29), 0.0, false);
    verify(v, "pow", x, random_number(v, -40, 45), false);
    const double near_one = 1.0 + random_number(v, -50, 49);
    verify(v, "pow", near_one, random_number(v, -3, 50), false);
}

static void verify_awkward(Verdict *v)
{
    const double ends[] = {0x1p-1074,
                           0x1.fffffffffffffp-1023,
                           0x1p-1022,
                           0x1p-60,
                           0x1.fffffffffffffp-1,
                           1.0,
                           0x1.0000000000001p0,
                           0x1.6a09e667f3bccp+0,
                           0x1.6a09e667f3bcdp+0,
                           2.0,
                           3.0,
                           10.0,
                           709.0,
                           0x1.62e42fefa39efp+9,
                           0x1.62e42fefa39f0p+9,
                           745.1,
                           746.0,
                           0x1.fffffffffffffp+1023};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        verify(v, "log", ends[i], 0.0, true);
        for (int sign = -1; sign <= 1; sign += 2) {
            verify(v, "exp", sign * ends[i], 0.0, true);
            for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++)
                verify(v, "pow", ends[i], sign * ends[k], (i + k) % 3 == 0);
            if (ends[i] < 0x1p31) {
                verify(v, "sin", sign * ends[i], 0.0, true);
                verify(v, "cos", sign * ends[i], 0.0, true);
            }
        }
    }
    for (int a = 1; a < 40; a++) /* exact powers, ties among them */
        for (int b = 1; b < 12; b++) {
            verify(v, "pow", a, b, false);
            verify(v, "pow", (double)a * a, b + 0.5, a % 8 == 3);
            verify(v, "pow", ldexp((double)a * a * a * a, -13), 0.25 * b, a % 8 == 3);
        }
    for (double k = 1.0; k < 0x1p30;
         k = 2.0 * k + 1.0 + (double)rng_below(&v->rng, 3)) { /* next to zeros */
        const double x = k * 0x1.921fb54442d18p+0;
        verify(v, "sin", x, 0.0, true);
        verify(v, "cos", -x, 0.0, true);
    }
}

int main(int argc, char **argv)
{
    const long count = argc > 1 ? atol(argv[1]) : 10000;
    Verdict v = {.rng = rng_stream(RNG_PHILOX, 64, STREAM_TEST, 0)};
    mpfr_inits2(53, v.x, v.y, v.rounded, (mpfr_ptr)0);
    mpfr_init2(v.exact, DIGITS);
    verify_awkward(&v);
    for (long i = 0; i < count; i++)
        verify_random(&v);
    fprintf(stderr, "%lu tried, %lu wrong, %lu listed\n", v.tried, v.wrong, v.listed);
    mpfr_clears(v.x, v.y, v.exact, v.rounded, (mpfr_ptr)0);
    return v.wrong != 0;
}
