#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/double_rows.h"

static double dot(const double *x, const double *y, size_t n)
{
    double s[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
        for (size_t l = 0; l < SUM_LANES; l++)
            s[l] += x[i + l] * y[i + l];
    for (size_t i = whole; i < n; i++)
        s[i - whole] += x[i] * y[i];
    return sum8_fold(s);
}

static void update(double *z, double a, const double *x, double b, const double *y, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] -= a * x[i] + b * y[i];
}

static void rotate(double *x, double *y, double c, double s, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const double old = x[i];
        x[i] = c * old - s * y[i];
        y[i] = s * old + c * y[i];
    }
}

extern const DoubleRows ISA_TABLE(double_rows_table);
const DoubleRows ISA_TABLE(double_rows_table) = {dot, update, rotate};
