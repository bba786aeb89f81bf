#include "nn/norm.h"

#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/position_sum.h"

static inline float normalised(float x, Moments m)
{
    return (float)(((double)x - m.mean) * m.rstd);
}

static void plain(float *y, const float *x, size_t n, Moments m)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = normalised(x[i], m);
}

/* step 0: one gamma and one beta for all n; step 1: one for each. */
static inline void apply(float *y, const float *x, size_t n, Moments m, const float *gamma,
                         const float *beta, size_t step)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float xhat = normalised(x[i], m);
        const float scaled = xhat * gamma[i * step];
        y[i] = scaled + beta[i * step];
    }
}

static void apply_scalar(float *y, const float *x, size_t n, Moments m, const float *gamma,
                         const float *beta)
{
    const float g = *gamma, b = *beta;
    apply(y, x, n, m, &g, &b, 0);
}

static void apply_vector(float *y, const float *x, size_t n, Moments m, const float *gamma,
                         const float *beta)
{
    apply(y, x, n, m, gamma, beta, 1);
}

static inline NormSums sums(const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                            size_t step)
{
    double s[SUM_LANES] = {0}, d[SUM_LANES] = {0};
    const size_t whole = n - n % SUM_LANES;
    for (size_t i = 0; i < whole; i += SUM_LANES)
#pragma omp simd
        for (size_t l = 0; l < SUM_LANES; l++) {
            const float h = dy[i + l] * gamma[(i + l) * step];
            s[l] += (double)h;
            d[l] += (double)h * (double)normalised(x[i + l], m);
        }
    for (size_t i = whole; i < n; i++) {
        const float h = dy[i] * gamma[i * step];
        s[i - whole] += (double)h;
        d[i - whole] += (double)h * (double)normalised(x[i], m);
    }
    return (NormSums){sum8_fold(s), sum8_fold(d)};
}

static NormSums sums_scalar(const float *dy, const float *x, size_t n, Moments m, const float *gamma)
{
    const float g = *gamma;
    return sums(dy, x, n, m, &g, 0);
}

static NormSums sums_vector(const float *dy, const float *x, size_t n, Moments m, const float *gamma)
{
    return sums(dy, x, n, m, gamma, 1);
}

static inline void back(float *dx, const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                        size_t step, double a, double b)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float h = dy[i] * gamma[i * step];
        const double xhat = (double)normalised(x[i], m);
        dx[i] = (float)((((double)h - a) - xhat * b) * m.rstd);
    }
}

static void back_scalar(float *dx, const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                        double a, double b)
{
    const float g = *gamma;
    back(dx, dy, x, n, m, &g, 0, a, b);
}

static void back_vector(float *dx, const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                        double a, double b)
{
    back(dx, dy, x, n, m, gamma, 1, a, b);
}

static void columns_loop(NormSums *out, const float *dy, const float *x, size_t rows, size_t stride,
                         size_t columns, const Moments *m)
{
    double s[SUM_LANES][COLUMN_BLOCK] = {{0}}, d[SUM_LANES][COLUMN_BLOCK] = {{0}};
    for (size_t r = 0; r < rows; r++) {
        double *sr = s[r % SUM_LANES], *dr = d[r % SUM_LANES];
        const float *dyr = dy + r * stride, *xr = x + r * stride;
#pragma omp simd
        for (size_t c = 0; c < columns; c++) {
            sr[c] += (double)dyr[c];
            dr[c] += (double)dyr[c] * (double)normalised(xr[c], m[r]);
        }
    }
    for (size_t c = 0; c < columns; c++) {
        double sc[SUM_LANES], dc[SUM_LANES];
        for (size_t l = 0; l < SUM_LANES; l++) {
            sc[l] = s[l][c];
            dc[l] = d[l][c];
        }
        out[c] = (NormSums){sum8_fold(sc), sum8_fold(dc)};
    }
}

extern const NormTable ISA_TABLE(norm_table);
const NormTable ISA_TABLE(norm_table) = {
    .plain = plain,
    .apply_scalar = apply_scalar,
    .apply_vector = apply_vector,
    .sums_scalar = sums_scalar,
    .sums_vector = sums_vector,
    .back_scalar = back_scalar,
    .back_vector = back_vector,
    .columns = columns_loop,
};
