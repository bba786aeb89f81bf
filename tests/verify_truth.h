/* tests/verify_truth.h - what the elementary functions of floats should give: libm in binary64, and MPFR.
 *
 * MPFR gives an enclosure low <= f(x) <= high with any number of digits.  Rounding to a float is monotone; so
 * where both ends round to the same float, that float is the correctly rounded result.  Where they do not, the
 * digits are doubled (Ziv 1991 [Ziv91]). */
#ifndef TESTS_VERIFY_TRUTH_H
#define TESTS_VERIFY_TRUTH_H

#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/elementary.h"
#include "tests/libm_gates.h"

/* Each sets low and high, both of the same precision. */

typedef int MpfrFunction(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode);

static void enclose(MpfrFunction *f, mpfr_t low, mpfr_t high, const mpfr_t x)
{
    f(low, x, MPFR_RNDD);
    f(high, x, MPFR_RNDU);
}

static void enclose_exp(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_exp, low, high, x);
}

static void enclose_expm1(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_expm1, low, high, x);
}

static void enclose_log(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_log, low, high, x);
}

static void enclose_log1p(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_log1p, low, high, x);
}

static void enclose_sin(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_sin, low, high, x);
}

static void enclose_cos(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_cos, low, high, x);
}

static void enclose_tanh(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_tanh, low, high, x);
}

static void enclose_erf(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose(mpfr_erf, low, high, x);
}

/* 1 / (1 + exp(-x)) falls where exp(-x) rises: the upper end of one makes the lower end of the other. */
static void enclose_sigmoid(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    mpfr_t minus;
    mpfr_init2(minus, mpfr_get_prec(x));
    mpfr_neg(minus, x, MPFR_RNDN);
    enclose(mpfr_exp, high, low, minus);
    mpfr_add_ui(low, low, 1, MPFR_RNDU);
    mpfr_ui_div(low, 1, low, MPFR_RNDD);
    mpfr_add_ui(high, high, 1, MPFR_RNDD);
    mpfr_ui_div(high, 1, high, MPFR_RNDU);
    mpfr_clear(minus);
}

static void enclose_silu(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    enclose_sigmoid(low, high, x);
    if (mpfr_signbit(x))
        mpfr_swap(low, high);
    mpfr_mul(low, low, x, MPFR_RNDD);
    mpfr_mul(high, high, x, MPFR_RNDU);
}

/* max(x, 0) + log(1 + exp(-|x|)): rises with the exponential. */
static void enclose_softplus(mpfr_t low, mpfr_t high, const mpfr_t x)
{
    mpfr_t part;
    mpfr_init2(part, mpfr_get_prec(x));
    mpfr_abs(part, x, MPFR_RNDN);
    mpfr_neg(part, part, MPFR_RNDN);
    enclose(mpfr_exp, low, high, part);
    mpfr_log1p(low, low, MPFR_RNDD);
    mpfr_log1p(high, high, MPFR_RNDU);
    if (mpfr_sgn(x) > 0) {
        mpfr_add(low, low, x, MPFR_RNDD);
        mpfr_add(high, high, x, MPFR_RNDU);
    }
    mpfr_clear(part);
}

typedef struct {
    const char *name;
    float (*scalar)(float x);
    void (*array)(float *y, const float *x, size_t n);
    double (*libm)(double x);
    void (*enclose)(mpfr_t low, mpfr_t high, const mpfr_t x);
    int symmetry; /* f(-x) = symmetry f(x): 1 even, -1 odd, 0 neither */
} Function;

static const Function FUNCTIONS[] = {
    {"exp", exp_f32, exp_array, exp, enclose_exp, 0},
    {"expm1", expm1_f32, expm1_array, expm1, enclose_expm1, 0},
    {"log", log_f32, log_array, log, enclose_log, 0},
    {"log1p", log1p_f32, log1p_array, log1p, enclose_log1p, 0},
    {"sin", sin_f32, sin_array, sin, enclose_sin, -1},
    {"cos", cos_f32, cos_array, cos, enclose_cos, 1},
    {"tanh", tanh_f32, tanh_array, tanh, enclose_tanh, -1},
    {"erf", erf_f32, erf_array, erf, enclose_erf, -1},
    {"sigmoid", sigmoid_f32, sigmoid_array, sigmoid_libm, enclose_sigmoid, 0},
    {"silu", silu_f32, silu_array, silu_libm, enclose_silu, 0},
    {"softplus", softplus_f32, softplus_array, softplus_libm, enclose_softplus, 0},
};
enum { FUNCTION_COUNT = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

typedef struct {
    float rounded;     /* NaN when 4096 digits did not decide */
    double libm_error; /* of `near`, relative, with its sign; 0 where that says nothing */
} Truth;

/* f(x), x finite, with 128 digits, 256, ...; near: what libm gave. */
static Truth truth_of(const Function *f, float x, double near)
{
    Truth truth = {bits_float(0x7fc00000u), 0.0};
    for (int digits = 128; digits <= 4096; digits *= 2) {
        mpfr_t argument, low, high;
        mpfr_inits2(digits, argument, low, high, (mpfr_ptr)0);
        mpfr_set_flt(argument, x, MPFR_RNDN);
        f->enclose(low, high, argument);
        const float a = mpfr_get_flt(low, MPFR_RNDN), b = mpfr_get_flt(high, MPFR_RNDN);
        const bool decided = float_bits(a) == float_bits(b);
        if (decided) {
            truth.rounded = a;
            if (near - near == 0.0 && fabs(near) > 0x1p-1000) {
                mpfr_d_sub(low, near, low, MPFR_RNDN);
                truth.libm_error = mpfr_get_d(low, MPFR_RNDN) / fabs(near);
            }
        }
        mpfr_clears(argument, low, high, (mpfr_ptr)0);
        if (decided)
            break;
    }
    return truth;
}

#endif
