/* nn/norm.h - the loops that group_norm, layer_norm and batch_norm share, once an instruction set.
 *
 *   xhat = RN32((x - mean) * rstd), in binary64 and rounded once
 *   y    = xhat * gamma, then + beta, in binary32
 *   h    = RN32(dy * gamma)
 *   dx   = RN32(((h - a) - xhat * b) * rstd), in binary64 and rounded once, where a and b are the means over
 *          the normalised set of h and of h * xhat
 * `scalar` loops take one gamma and beta for the run, `vector` loops one for each number. */
#ifndef NN_NORM_H
#define NN_NORM_H

#include <stddef.h>

typedef struct {
    double mean, rstd;
} Moments;

typedef struct {
    double h, hx; /* sum8 of h, and of h * xhat with exact products */
} NormSums;

/* Mean by sum8, variance in two passes by sum8_squares, rstd = 1 / sqrt(variance + eps); all in binary64. */
Moments moments_of(const float *x, size_t n, double eps);

/* dgamma[c] += RN32(sums[n][c].hx) and dbeta[c] += RN32(sums[n][c].h) for n = 0 .. N-1 in that order; either may
 * be NULL. */
void norm_add_samples(float *dgamma, float *dbeta, const NormSums *sums, size_t N, size_t C);

typedef struct {
    void (*plain)(float *y, const float *x, size_t n, Moments m);
    void (*apply_scalar)(float *y, const float *x, size_t n, Moments m, const float *gamma,
                         const float *beta);
    void (*apply_vector)(float *y, const float *x, size_t n, Moments m, const float *gamma,
                         const float *beta);
    NormSums (*sums_scalar)(const float *dy, const float *x, size_t n, Moments m, const float *gamma);
    NormSums (*sums_vector)(const float *dy, const float *x, size_t n, Moments m, const float *gamma);
    void (*back_scalar)(float *dx, const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                        double a, double b);
    void (*back_vector)(float *dx, const float *dy, const float *x, size_t n, Moments m, const float *gamma,
                        double a, double b);
    /* For columns c < columns <= COLUMN_BLOCK: out[c] = the sums over the rows of dy and of dy * xhat, where row
     * r begins at r * stride and has moments m[r]. */
    void (*columns)(NormSums *out, const float *dy, const float *x, size_t rows, size_t stride,
                    size_t columns, const Moments *m);
} NormTable;

const NormTable *norm_table(void);

#endif
