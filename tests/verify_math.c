/* tests/verify_math.c - tries an elementary function on all 2^32 floats, and lists the hard ones.
 *
 * Built by hand, since it needs MPFR:
 *     make build/gcc/tests/verify_math LDLIBS='-lm -lmpfr -lgmp'
 *     build/gcc/tests/verify_math exp > tests/vectors/hard/exp.txt       (one function; 1 to 5 minutes)
 *     build/gcc/tests/verify_math exp 0 1000000                          (only inputs with bits 0 <= u < 0x1000000)
 *
 * Each result is compared with the rounded value of libm's double function, whose error is far below 2^-45.
 * Where a rounding tie lies within 2^-45 of that value, libm cannot decide: MPFR does, and the input goes to the
 * list on stdout as "input result", both as the bits of a float.  A function whose own error is below 2^-46 is
 * right everywhere if it is right on its list; so tests/test_elementary.c needs the lists alone.  One input
 * in a million is given to MPFR in any case, to check libm.  A line on stderr tells the counts; the exit status
 * is 1 when a result was wrong. */
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/elementary.h"

enum { BLOCK = 4096, DIGITS = 320 }; /* inputs tried at a time; bits of MPFR's numbers */

/* ---- the functions made of others, in double and with MPFR ---- */

static double sigmoid_libm(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double silu_libm(double x)
{
    return x < -1000.0 ? -0.0 : x / (1.0 + exp(-x));
}

static double softplus_libm(double x)
{
    return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static int sigmoid_mpfr(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode)
{
    mpfr_neg(y, x, mode);
    mpfr_exp(y, y, mode);
    mpfr_add_ui(y, y, 1, mode);
    return mpfr_ui_div(y, 1, y, mode);
}

static int silu_mpfr(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode)
{
    sigmoid_mpfr(y, x, mode);
    return mpfr_mul(y, y, x, mode);
}

static int softplus_mpfr(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode)
{
    mpfr_t size;
    mpfr_init2(size, DIGITS);
    mpfr_abs(size, x, mode); /* max(x, 0) + log(1 + exp(-|x|)) */
    mpfr_neg(size, size, mode);
    mpfr_exp(y, size, mode);
    mpfr_log1p(y, y, mode);
    if (mpfr_sgn(x) > 0)
        mpfr_add(y, y, x, mode);
    mpfr_clear(size);
    return 0;
}

typedef struct {
    const char *name;
    void (*ours)(float *y, const float *x, size_t n);
    double (*libm)(double x);
    int (*mpfr)(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode);
    bool even_or_odd; /* negative inputs are only compared with the positive ones */
} Function;

static const Function FUNCTIONS[] = {
    {"exp", exp_array, exp, mpfr_exp, false},
    {"expm1", expm1_array, expm1, mpfr_expm1, false},
    {"log", log_array, log, mpfr_log, false},
    {"log1p", log1p_array, log1p, mpfr_log1p, false},
    {"sin", sin_array, sin, mpfr_sin, true},
    {"cos", cos_array, cos, mpfr_cos, true},
    {"tanh", tanh_array, tanh, mpfr_tanh, true},
    {"erf", erf_array, erf, mpfr_erf, true},
    {"sigmoid", sigmoid_array, sigmoid_libm, sigmoid_mpfr, false},
    {"silu", silu_array, silu_libm, silu_mpfr, false},
    {"softplus", softplus_array, softplus_libm, softplus_mpfr, false},
};

typedef struct {
    unsigned long long tried, wrong, listed, doubtful; /* doubtful: libm's own error is not small enough */
    mpfr_t x, y;
} Verdict;

static void wrong(Verdict *v, const char *name, float x, float got, float want)
{
    if (v->wrong++ < 40)
        fprintf(stderr, "%s(%08x): got %08x, want %08x\n", name, float_bits(x), float_bits(got),
                float_bits(want));
}

static bool same(float a, float b)
{
    return float_bits(a) == float_bits(b) || (a != a && float_bits(b) == 0x7fc00000u);
}

/* Where silu(x), next to x/2, is subnormal, it is next to a tie for half of all x: not worth a list. */
static bool listed(const Function *f, float x)
{
    return f->libm != silu_libm || fabsf(x) >= 0x1p-124f;
}

/* One result against libm or MPFR. */
static void verify(Verdict *v, const Function *f, float x, float got)
{
    const double near = f->libm((double)x);
    const float below = (float)(near * (1.0 - 0x1p-45)), above = (float)(near * (1.0 + 0x1p-45));
    const bool hard = below != above && near == near;
    const uint32_t hash = float_bits(x) * 2654435761u;
    float want = (float)near;
    v->tried++;
    if (hard || hash >> 12 == 77u) {
        mpfr_set_flt(v->x, x, MPFR_RNDN);
        f->mpfr(v->y, v->x, MPFR_RNDN);
        const double exact = mpfr_get_d(v->y, MPFR_RNDN);
        const bool number = near - near == 0.0 && x != 0.0f;
        v->doubtful += number && fabs(near - exact) > fabs(exact) * 0x1p-48 + 0x1p-1060;
        if (number)
            want = mpfr_get_flt(v->y, MPFR_RNDN);
        if (hard && listed(f, x)) {
            printf("%08x %08x\n", float_bits(x), float_bits(want));
            v->listed++;
        }
    }
    if (!same(want, got))
        wrong(v, f->name, x, got, want);
}

/* f(-x) against -f(x), or f(x) for cos. */
static void verify_negative(Verdict *v, const Function *f, const float *x, const float *got)
{
    static float positive[BLOCK], mirrored[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        positive[i] = -x[i];
    f->ours(mirrored, positive, BLOCK);
    for (int i = 0; i < BLOCK; i++) {
        const float want = f->ours == cos_array ? mirrored[i] : -mirrored[i];
        v->tried++;
        if (!same(want, got[i]))
            wrong(v, f->name, x[i], got[i], want);
    }
}

int main(int argc, char **argv)
{
    const Function *f = NULL;
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof FUNCTIONS[0]; i++)
        if (argc > 1 && strcmp(argv[1], FUNCTIONS[i].name) == 0)
            f = &FUNCTIONS[i];
    if (f == NULL) {
        fprintf(stderr, "usage: verify_math FUNCTION [FIRST END]   (bits of floats, hexadecimal)\n");
        return 2;
    }
    const uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 16) : 0;
    const uint64_t end = argc > 3 ? strtoull(argv[3], NULL, 16) : (uint64_t)1 << 32;
    static float x[BLOCK], y[BLOCK];
    Verdict v = {0};
    mpfr_inits2(DIGITS, v.x, v.y, (mpfr_ptr)0);
    for (uint64_t block = first; block < end; block += BLOCK) {
        for (uint32_t i = 0; i < BLOCK; i++)
            x[i] = bits_float((uint32_t)block + i);
        f->ours(y, x, BLOCK);
        if (f->even_or_odd && block >= 0x80000000u)
            verify_negative(&v, f, x, y);
        else
            for (int i = 0; i < BLOCK; i++)
                verify(&v, f, x[i], y[i]);
    }
    fprintf(stderr, "%s: %llu tried, %llu wrong, %llu listed, libm doubtful %llu times\n", f->name, v.tried,
            v.wrong, v.listed, v.doubtful);
    mpfr_clears(v.x, v.y, (mpfr_ptr)0);
    return v.wrong != 0;
}
