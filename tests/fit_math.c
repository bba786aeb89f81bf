/* tests/fit_math.c - where the polynomials of the elementary functions come from.
 *
 * `make verify-math` runs it; it needs MPFR.
 *
 * Each polynomial interpolates its function in the Chebyshev nodes of its interval, in 320 bits; the coefficients
 * are then rounded to double.  The program computes them anew, compares them with those in base/, and prints the
 * largest error, over 2000 points, of the function that is made with them.  The exit status is 1 when a
 * coefficient differs. */
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/elementary_inline.h"

enum { DIGITS = 320, MOST = 25 };

typedef struct {
    const char *name;
    const double *ours;
    int count;
    void (*fitted)(mpfr_t y, const mpfr_t x); /* what the polynomial stands for */
    void (*low)(mpfr_t end);                  /* the interval */
    void (*high)(mpfr_t end);
    void (*whole)(mpfr_t y, const mpfr_t p, const mpfr_t x); /* the function made with polynomial p; */
    void (*truth)(mpfr_t y, const mpfr_t x);                 /* and what it should be */
} Fit;

/* ---- exp: q(r) = (exp(r) - 1 - r) / r^2 on |r| <= 0.3467 ---- */

static void exp_tail(mpfr_t y, const mpfr_t r)
{
    if (mpfr_zero_p(r) || mpfr_get_exp(r) < -60) { /* 1/2 + r/6 */
        mpfr_div_ui(y, r, 6, MPFR_RNDN);
        mpfr_add_d(y, y, 0.5, MPFR_RNDN);
        return;
    }
    mpfr_expm1(y, r, MPFR_RNDN);
    mpfr_sub(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
}

static void exp_low(mpfr_t end)
{
    mpfr_set_str(end, "-0.3467", 10, MPFR_RNDN);
}

static void exp_high(mpfr_t end)
{
    mpfr_set_str(end, "0.3467", 10, MPFR_RNDN);
}

static void exp_whole(mpfr_t y, const mpfr_t p, const mpfr_t r)
{
    mpfr_mul(y, p, r, MPFR_RNDN);
    mpfr_mul(y, y, r, MPFR_RNDN);
    mpfr_add(y, y, r, MPFR_RNDN);
}

static void exp_truth(mpfr_t y, const mpfr_t r)
{
    mpfr_expm1(y, r, MPFR_RNDN);
}

/* ---- log: P(w) = 2 (atanh(s) / s - 1) / w, w = s^2, from 0 to 0.17158^2 or (1/3 + 10^-6)^2 ---- */

static void log_fitted(mpfr_t y, const mpfr_t w)
{
    mpfr_t s;
    mpfr_init2(s, DIGITS);
    mpfr_sqrt(s, w, MPFR_RNDN);
    mpfr_atanh(y, s, MPFR_RNDN);
    mpfr_div(y, y, s, MPFR_RNDN);
    mpfr_sub_ui(y, y, 1, MPFR_RNDN);
    mpfr_mul_2ui(y, y, 1, MPFR_RNDN);
    mpfr_div(y, y, w, MPFR_RNDN);
    mpfr_clear(s);
}

static void zero(mpfr_t end)
{
    mpfr_set_zero(end, 1);
}

static void log_middle_high(mpfr_t end)
{
    mpfr_set_str(end, "0.17158", 10, MPFR_RNDN);
    mpfr_sqr(end, end, MPFR_RNDN);
}

static void log_1_to_2_high(mpfr_t end)
{
    mpfr_set_str(end, "1e-6", 10, MPFR_RNDN);
    mpfr_t third;
    mpfr_init2(third, DIGITS);
    mpfr_set_ui(third, 1, MPFR_RNDN);
    mpfr_div_ui(third, third, 3, MPFR_RNDN);
    mpfr_add(end, end, third, MPFR_RNDN);
    mpfr_sqr(end, end, MPFR_RNDN);
    mpfr_clear(third);
}

static void log_whole(mpfr_t y, const mpfr_t p, const mpfr_t w) /* 2 s + s w P */
{
    mpfr_mul(y, p, w, MPFR_RNDN);
    mpfr_add_ui(y, y, 2, MPFR_RNDN);
}

static void log_truth(mpfr_t y, const mpfr_t w) /* both divided by s */
{
    log_fitted(y, w);
    mpfr_mul(y, y, w, MPFR_RNDN);
    mpfr_add_ui(y, y, 2, MPFR_RNDN);
}

/* ---- sin: (sin(r) / r - 1) / w, w = r^2, from 0 to (pi/2 (1 + 2^-20))^2 ---- */

static void sin_truth(mpfr_t y, const mpfr_t w) /* divided by r */
{
    mpfr_t r;
    mpfr_init2(r, DIGITS);
    mpfr_sqrt(r, w, MPFR_RNDN);
    mpfr_sin(y, r, MPFR_RNDN);
    mpfr_div(y, y, r, MPFR_RNDN);
    mpfr_clear(r);
}

static void sin_fitted(mpfr_t y, const mpfr_t w)
{
    sin_truth(y, w);
    mpfr_sub_ui(y, y, 1, MPFR_RNDN);
    mpfr_div(y, y, w, MPFR_RNDN);
}

static void sin_high(mpfr_t end)
{
    mpfr_const_pi(end, MPFR_RNDN);
    mpfr_mul_d(end, end, 0.5 * (1.0 + 0x1p-20), MPFR_RNDN);
    mpfr_sqr(end, end, MPFR_RNDN);
}

static void sin_whole(mpfr_t y, const mpfr_t p, const mpfr_t w)
{
    mpfr_mul(y, p, w, MPFR_RNDN);
    mpfr_add_ui(y, y, 1, MPFR_RNDN);
}

/* ---- erf: A(w) = erf(x) / x - 1, w = x^2, from 0 to 1.5^2; B(t) = erf(t + 2.71875), up to x = 3.94 ---- */

static void erf_low_truth(mpfr_t y, const mpfr_t w) /* divided by x */
{
    mpfr_t x;
    mpfr_init2(x, DIGITS);
    mpfr_sqrt(x, w, MPFR_RNDN);
    mpfr_erf(y, x, MPFR_RNDN);
    mpfr_div(y, y, x, MPFR_RNDN);
    mpfr_clear(x);
}

static void erf_low_fitted(mpfr_t y, const mpfr_t w)
{
    erf_low_truth(y, w);
    mpfr_sub_ui(y, y, 1, MPFR_RNDN);
}

static void erf_low_high(mpfr_t end)
{
    mpfr_set_d(end, 2.25, MPFR_RNDN);
}

static void erf_low_whole(mpfr_t y, const mpfr_t p, const mpfr_t w)
{
    (void)w;
    mpfr_add_ui(y, p, 1, MPFR_RNDN);
}

static void erf_high_fitted(mpfr_t y, const mpfr_t t)
{
    mpfr_add_d(y, t, 2.71875, MPFR_RNDN);
    mpfr_erf(y, y, MPFR_RNDN);
}

static void erf_high_low(mpfr_t end)
{
    mpfr_set_d(end, 1.5 - 2.71875, MPFR_RNDN);
}

static void erf_high_high(mpfr_t end)
{
    mpfr_set_str(end, "3.94", 10, MPFR_RNDN);
    mpfr_sub_d(end, end, 2.71875, MPFR_RNDN);
}

static void erf_high_whole(mpfr_t y, const mpfr_t p, const mpfr_t t)
{
    (void)t;
    mpfr_set(y, p, MPFR_RNDN);
}

static const Fit FITS[] = {
    {"EXP_TAIL", EXP_TAIL, 11, exp_tail, exp_low, exp_high, exp_whole, exp_truth},
    {"LOG_MIDDLE", LOG_MIDDLE, 8, log_fitted, zero, log_middle_high, log_whole, log_truth},
    {"LOG_1_TO_2", LOG_1_TO_2, 12, log_fitted, zero, log_1_to_2_high, log_whole, log_truth},
    {"SIN_TAIL", SIN_TAIL, 8, sin_fitted, zero, sin_high, sin_whole, sin_truth},
    {"ERF_LOW", ERF_LOW, 14, erf_low_fitted, zero, erf_low_high, erf_low_whole, erf_low_truth},
    {"ERF_HIGH", ERF_HIGH, 25, erf_high_fitted, erf_high_low, erf_high_high, erf_high_whole,
     erf_high_fitted},
};

/* ---- the fitting ---- */

/* Newton's divided differences through the points, multiplied out: c[0] + c[1] x + ... */
static void interpolate(mpfr_t *c, mpfr_t *x, mpfr_t *y, int n)
{
    mpfr_t part;
    mpfr_init2(part, DIGITS);
    for (int level = 1; level < n; level++)
        for (int i = n - 1; i >= level; i--) {
            mpfr_sub(y[i], y[i], y[i - 1], MPFR_RNDN);
            mpfr_sub(part, x[i], x[i - level], MPFR_RNDN);
            mpfr_div(y[i], y[i], part, MPFR_RNDN);
        }
    for (int i = 0; i < n; i++)
        mpfr_set_zero(c[i], 1);
    for (int i = n - 1; i >= 0; i--) { /* c = c (X - x[i]) + y[i] */
        for (int k = n - 1; k >= 0; k--) {
            mpfr_mul(c[k], c[k], x[i], MPFR_RNDN);
            mpfr_neg(c[k], c[k], MPFR_RNDN);
            if (k > 0)
                mpfr_add(c[k], c[k], c[k - 1], MPFR_RNDN);
        }
        mpfr_add(c[0], c[0], y[i], MPFR_RNDN);
    }
    mpfr_clear(part);
}

/* The middle of the interval plus `part` (in [-1, 1]) times half its length. */
static void place(mpfr_t x, const Fit *fit, const mpfr_t part)
{
    mpfr_t high, low;
    mpfr_inits2(DIGITS, high, low, (mpfr_ptr)0);
    fit->low(low);
    fit->high(high);
    mpfr_sub(x, high, low, MPFR_RNDN);
    mpfr_mul(x, x, part, MPFR_RNDN);
    mpfr_add(x, x, low, MPFR_RNDN);
    mpfr_add(x, x, high, MPFR_RNDN);
    mpfr_div_2ui(x, x, 1, MPFR_RNDN);
    mpfr_clears(high, low, (mpfr_ptr)0);
}

static bool coefficients_agree(const Fit *fit)
{
    mpfr_t x[MOST], y[MOST], c[MOST], node;
    mpfr_init2(node, DIGITS);
    for (int i = 0; i < fit->count; i++) {
        mpfr_inits2(DIGITS, x[i], y[i], c[i], (mpfr_ptr)0);
        mpfr_const_pi(node, MPFR_RNDN); /* cos(pi (2 i + 1) / (2 count)) */
        mpfr_mul_ui(node, node, (unsigned long)(2 * i + 1), MPFR_RNDN);
        mpfr_div_ui(node, node, (unsigned long)(2 * fit->count), MPFR_RNDN);
        mpfr_cos(node, node, MPFR_RNDN);
        place(x[i], fit, node);
        fit->fitted(y[i], x[i]);
    }
    interpolate(c, x, y, fit->count);
    bool agree = true;
    for (int i = 0; i < fit->count; i++) {
        const double computed = mpfr_get_d(c[i], MPFR_RNDN);
        if (computed != fit->ours[i])
            printf("%s[%d]: computed %a, in base/ %a\n", fit->name, i, computed, fit->ours[i]);
        agree = agree && computed == fit->ours[i];
        mpfr_clears(x[i], y[i], c[i], (mpfr_ptr)0);
    }
    mpfr_clear(node);
    return agree;
}

/* log2 of the largest relative error of the function made with our coefficients. */
static double largest_error(const Fit *fit)
{
    enum { POINTS = 2000 };
    mpfr_t x, p, y, truth;
    mpfr_inits2(DIGITS, x, p, y, truth, (mpfr_ptr)0);
    double largest = 0.0;
    for (int i = 0; i < POINTS; i++) {
        mpfr_set_d(p, (2.0 * i + 1.0) / POINTS - 1.0, MPFR_RNDN);
        place(x, fit, p);
        mpfr_set_zero(p, 1);
        for (int k = fit->count - 1; k >= 0; k--) {
            mpfr_mul(p, p, x, MPFR_RNDN);
            mpfr_add_d(p, p, fit->ours[k], MPFR_RNDN);
        }
        fit->whole(y, p, x);
        fit->truth(truth, x);
        mpfr_div(y, y, truth, MPFR_RNDN);
        mpfr_sub_ui(y, y, 1, MPFR_RNDN);
        const double error = fabs(mpfr_get_d(y, MPFR_RNDN));
        largest = error > largest ? error : largest;
    }
    mpfr_clears(x, p, y, truth, (mpfr_ptr)0);
    return log2(largest);
}

int main(void)
{
    bool all = true;
    for (size_t i = 0; i < sizeof FITS / sizeof FITS[0]; i++) {
        const bool agree = coefficients_agree(&FITS[i]);
        printf("%-11s %2d coefficients %s, error 2^%.1f\n", FITS[i].name, FITS[i].count,
               agree ? "agree" : "DIFFER", largest_error(&FITS[i]));
        all = all && agree;
    }
    return !all;
}
