/* tests/verify_math64.c - compares the binary64 functions with MPFR, on random and on awkward inputs.
 *
 * `make verify-math` runs it; it needs MPFR.  docs/math/VERIFICATION.md has the results.
 *     verify_math64 [-l] [-m] [COUNT [STREAM]]
 * COUNT rounds of 11 random inputs (default 10000) from stream number STREAM (default 0): runs with different
 * streams are different experiments, side by side or one after another.  Stream 0 adds the awkward inputs: ends of
 * ranges, exact powers and ties, multiples of pi/2.  A line a function tells the counts; the exit status is 1 when a
 * result was wrong.
 *
 * MPFR rounds correctly at 53 digits, and mpfr_subnormalize rounds once for subnormal results.
 *
 * -l lists on stdout "function x y result", bits of doubles, for the random inputs whose result lies within 2^-15
 *    ulp of a rounding tie, and for some awkward ones: tests/vectors/hard/binary64.txt is made of these.
 * -m changes every result by one unit in the last place: all of them must be found. */
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/elementary64.h"
#include "base/rng.h"

enum { DIGITS = 400 }; /* of the numbers that tell how near a tie is */

typedef enum { EXP, LOG, SIN, COS, POW, FUNCTION_COUNT } FunctionName;

typedef int MpfrFunction(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode);

typedef struct {
    const char *name;
    double (*ours)(double x); /* NULL: pow */
    MpfrFunction *mpfr;
} Function;

static const Function FUNCTIONS[FUNCTION_COUNT] = {{"exp", exp_f64, mpfr_exp},
                                                   {"log", log_f64, mpfr_log},
                                                   {"sin", sin_f64, mpfr_sin},
                                                   {"cos", cos_f64, mpfr_cos},
                                                   {"pow", NULL, NULL}};

typedef struct {
    unsigned long long tried, wrong, subnormal;
    double seconds; /* in our function */
} Counts;

typedef struct {
    bool list, mutated;
    Counts counts[FUNCTION_COUNT];
    Rng rng;
} Run;

static int apply_mpfr(const Function *f, mpfr_t result, const mpfr_t x, const mpfr_t y)
{
    return f->mpfr != NULL ? f->mpfr(result, x, MPFR_RNDN) : mpfr_pow(result, x, y, MPFR_RNDN);
}

/* In the exponent range of binary64, subnormals included. */
static double truth_of(const Function *f, const mpfr_t x, const mpfr_t y)
{
    mpfr_t result;
    mpfr_init2(result, 53);
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    const int ternary = apply_mpfr(f, result, x, y);
    mpfr_subnormalize(result, ternary, MPFR_RNDN);
    const double rounded = mpfr_get_d(result, MPFR_RNDN);
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    mpfr_clear(result);
    return rounded;
}

/* Whether the result lies within 2^-15 ulp of the middle between two doubles, and is not that middle. */
static bool is_hard(const Function *f, const mpfr_t x, const mpfr_t y)
{
    mpfr_t exact, nearest;
    mpfr_inits2(DIGITS, exact, nearest, (mpfr_ptr)0);
    apply_mpfr(f, exact, x, y);
    bool hard = mpfr_regular_p(exact) && mpfr_min_prec(exact) > 54;
    if (hard) {
        mpfr_mul_2si(exact, exact, 54 - (long)mpfr_get_exp(exact),
                     MPFR_RNDN); /* doubles are even, ties odd */
        mpfr_rint(nearest, exact, MPFR_RNDN);
        const bool odd = mpfr_get_si(nearest, MPFR_RNDN) % 2 != 0;
        mpfr_sub(nearest, exact, nearest, MPFR_RNDN);
        hard = odd && fabs(mpfr_get_d(nearest, MPFR_RNDN)) < 0x1p-14;
    }
    mpfr_clears(exact, nearest, (mpfr_ptr)0);
    return hard;
}

static void verify(Run *run, FunctionName name, double x, double y, bool awkward)
{
    const Function *f = &FUNCTIONS[name];
    Counts *c = &run->counts[name];
    const clock_t start = clock();
    double got = f->ours != NULL ? f->ours(x) : pow_f64(x, y);
    c->seconds += (double)(clock() - start) / CLOCKS_PER_SEC;
    if (run->mutated)
        got = bits_double(double_bits(got) ^ 1u);

    mpfr_t mpfr_x, mpfr_y;
    mpfr_inits2(53, mpfr_x, mpfr_y, (mpfr_ptr)0);
    mpfr_set_d(mpfr_x, x, MPFR_RNDN);
    mpfr_set_d(mpfr_y, y, MPFR_RNDN);
    double want = truth_of(f, mpfr_x, mpfr_y);
    if (want != want)
        want = bits_double(0x7ff8000000000000u);
    c->tried++;
    c->subnormal += want != 0.0 && fabs(want) < 0x1p-1022;
    if (double_bits(got) != double_bits(want) && c->wrong++ < 20 && !run->mutated)
        fprintf(stderr, "%s(%a, %a): got %a, want %a\n", f->name, x, y, got, want);
    if (run->list && (awkward || is_hard(f, mpfr_x, mpfr_y)))
        printf("%s %016llx %016llx %016llx\n", f->name, (unsigned long long)double_bits(x),
               (unsigned long long)double_bits(y), (unsigned long long)double_bits(want));
    mpfr_clears(mpfr_x, mpfr_y, (mpfr_ptr)0);
}

/* In [-1, 1), then times 2^k with least <= k < least + range. */
static double random_number(Run *run, int least, uint32_t range)
{
    const uint64_t high = rng_u32(&run->rng);
    const uint64_t word = high << 32 | rng_u32(&run->rng);
    return ldexp((double)word * 0x1p-63 - 1.0, least + (int)rng_below(&run->rng, range));
}

static void verify_random(Run *run)
{
    double x = random_number(run, -40, 50);
    verify(run, EXP, x, 0.0, false);
    verify(run, EXP, -727.0 + random_number(run, 4, 1) * 1.2, 0.0,
           false); /* e^-708 ... e^-746: subnormal */
    x = random_number(run, -30, 60);
    verify(run, SIN, fmod(x, 0x1p31), 0.0, false);
    verify(run, COS, fmod(x, 0x1p31), 0.0, false);
    x = fabs(random_number(run, -60, 120)) + 0x1p-1074;
    verify(run, LOG, x, 0.0, false);
    verify(run, LOG, 1.0 + random_number(run, -30, 29), 0.0, false);
    verify(run, LOG, fabs(random_number(run, -1070, 48)) + 0x1p-1074, 0.0, false); /* subnormal */
    verify(run, POW, x, random_number(run, -40, 45), false);
    const double y = -1048.5 + 27.5 * random_number(run, 0, 1); /* 2^-1021 ... 2^-1076: subnormal */
    verify(run, POW, x, y / log2(x), false);
    const double near_one = 1.0 + random_number(run, -50, 49);
    verify(run, POW, near_one, random_number(run, -3, 50), false);
    /* exact: m^2 with at most 54 bits, so the middle between two doubles for half of the odd m */
    verify(run, POW, 0x1p26 + rng_below(&run->rng, 0x37fffffu), 2.0, false);
}

/* Exact powers, ties among them. */
static void verify_exact_powers(Run *run)
{
    for (int a = 1; a < 40; a++)
        for (int b = 1; b < 12; b++) {
            verify(run, POW, a, b, false);
            verify(run, POW, (double)a * a, b + 0.5, a % 8 == 3);
            verify(run, POW, ldexp((double)a * a * a * a, -13), 0.25 * b, a % 8 == 3);
        }
    for (int k = -1080; k <= 1030; k++)
        verify(run, POW, 2.0, k, false);
}

static void verify_awkward(Run *run)
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
        verify(run, LOG, ends[i], 0.0, true);
        for (int sign = -1; sign <= 1; sign += 2) {
            verify(run, EXP, sign * ends[i], 0.0, true);
            for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++)
                verify(run, POW, ends[i], sign * ends[k], (i + k) % 3 == 0);
            if (ends[i] < 0x1p31) {
                verify(run, SIN, sign * ends[i], 0.0, true);
                verify(run, COS, sign * ends[i], 0.0, true);
            }
        }
    }
    verify_exact_powers(run);
    for (double k = 1.0; k < 0x1p30;
         k = 2.0 * k + 1.0 + (double)rng_below(&run->rng, 3)) { /* next to zeros */
        const double x = k * 0x1.921fb54442d18p+0;
        verify(run, SIN, x, 0.0, true);
        verify(run, COS, -x, 0.0, true);
    }
}

int main(int argc, char **argv)
{
    Run run = {0};
    int next = 1;
    for (; next < argc && argv[next][0] == '-'; next++) {
        run.list = run.list || strcmp(argv[next], "-l") == 0;
        run.mutated = run.mutated || strcmp(argv[next], "-m") == 0;
    }
    const long count = next < argc ? strtol(argv[next], NULL, 10) : 10000;
    const unsigned long stream = next + 1 < argc ? strtoul(argv[next + 1], NULL, 10) : 0;
    run.rng = rng_stream(RNG_PHILOX, 64, STREAM_TEST, stream);
    if (stream == 0)
        verify_awkward(&run);
    for (long i = 0; i < count; i++)
        verify_random(&run);
    bool bad = false;
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        const Counts c = run.counts[i];
        bad = bad || (run.mutated ? c.wrong != c.tried : c.wrong != 0);
        fprintf(stderr, "%s_f64  %9llu checked, %llu wrong, %llu subnormal, %.2f microseconds a call\n",
                FUNCTIONS[i].name, c.tried, c.wrong, c.subnormal, c.seconds * 1e6 / (double)c.tried);
    }
    return bad;
}
