/* cli/truth_elementary.c - functions in binary64, to some units of its last place (see truth.h). */
#include <math.h>

#include "base/elementary64.h"
#include "cli/truth.h"

double truth_exp(double x)
{
    if (!(x > -800.0 && x < 800.0))
        return exp_f64(x);
    const double k = rint(x * 0x1.71547652b82fep+0);                         /* 1 / ln 2 */
    const double r = (x - k * 0x1.62e42fefap-1) - k * 0x1.cf79abc9e3b3ap-40; /* ln 2 in two parts */
    double term = 1.0, sum = 0.0;
    double terms[16];
    for (int i = 1; i < 16; i++)
        terms[i] = term = term * r / i;
    for (int i = 15; i > 0; i--)
        sum += terms[i];
    return ldexp(1.0 + sum, (int)k);
}

/* x + x^2 / 2! + x^3 / 3! ..., or only the odd terms. */
static double exp_series(double x, int step)
{
    double term = x, sum = x;
    for (int i = 2; i < 40; i++) {
        term = term * x / i;
        if (step == 1 || i % 2 == 1)
            sum += term;
    }
    return sum;
}

static double expm1_wide(double x)
{
    return fabs(x) < 0.5 ? exp_series(x, 1) : truth_exp(x) - 1.0;
}

/* log(w) x / (w - 1) with w = RN(1 + x): what 1 + x loses is lost in both factors (Kahan). */
static double log1p_wide(double x)
{
    const double w = 1.0 + x;
    return w == 1.0 || !(fabs(x) < 1.0) ? (w == 1.0 ? x : log_f64(w)) : log_f64(w) * (x / (w - 1.0));
}

static double tanh_wide(double x)
{
    const double size = fabs(x);
    if (size < 0.5) {
        const double s = exp_series(x, 2); /* sinh */
        return s / sqrt(1.0 + s * s);
    }
    const double y = 1.0 - 2.0 / (truth_exp(2.0 * size) + 1.0);
    return x < 0.0 ? -y : y;
}

/* 2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): all terms of one sign. */
double truth_erf(double x)
{
    if (!(fabs(x) < 6.0))
        return x != x ? x : x < 0.0 ? -1.0 : 1.0;
    double term = x, sum = x;
    for (int n = 1; n < 200; n++) {
        term = term * 2.0 * x * x / (2 * n + 1);
        sum += term;
    }
    return 0x1.20dd750429b6dp+0 * truth_exp(-x * x) * sum;
}

double truth_evaluate(TruthKind kind, double a, double *slope)
{
    double y;
    switch (kind) {
    case TRUTH_SQRT: y = sqrt(a), *slope = 0.5 / y; break;
    case TRUTH_EXP: y = truth_exp(a), *slope = y; break;
    case TRUTH_EXPM1: y = expm1_wide(a), *slope = y + 1.0; break;
    case TRUTH_LOG: y = log_f64(a), *slope = 1.0 / a; break;
    case TRUTH_LOG1P: y = log1p_wide(a), *slope = 1.0 / (1.0 + a); break;
    case TRUTH_SIN: y = sin_f64(a), *slope = cos_f64(a); break;
    case TRUTH_COS: y = cos_f64(a), *slope = -sin_f64(a); break;
    case TRUTH_SIGMOID: y = 1.0 / (1.0 + truth_exp(-a)), *slope = y / (1.0 + truth_exp(a)); break;
    case TRUTH_TANH: y = tanh_wide(a), *slope = 1.0 - y * y; break;
    default: y = truth_erf(a), *slope = 0x1.20dd750429b6dp+0 * truth_exp(-a * a); break;
    }
    return y;
}
