/* nn/fft.h - the discrete Fourier transform of any length, and of planes.
 *
 *   F:  X_k = sum_j x_j w^(jk),   w = e^(-2 pi i / n)          inverse: w conjugated, nothing divided
 *
 * Numbers are binary64, complex ones as pairs (real, imaginary).  The powers of w are correctly rounded.  n whose prime
 * factors are at most FFT_PRIME is done factor by factor (Stockham's order: no bit reversal); any other by Bluestein's
 * convolution of a power of two.  One plan serves both directions: the inverse of z is conj(F(conj(z))).
 *
 * Sources: Cooley and Tukey 1965 [CooT65]; Bluestein 1970 [Blu70].  Derivation: docs/math/fourier.md. */
#ifndef NN_FFT_H
#define NN_FFT_H

#include "nn/tape.h"

enum { FFT_PRIME = 31, FFT_LONGEST = 1 << 22, FFT_FACTORS = 24 };

typedef struct FftPlan {
    int n;
    int factor[FFT_FACTORS], factors; /* their product is n; none: Bluestein */
    const double *power;              /* (n) pairs: w^k */
    const struct FftPlan *wide;       /* Bluestein: of length M, a power of two, M >= 2n - 1 */
    const double *chirp;              /* (n) pairs: e^(-pi i k^2 / n) */
    const double *filter;             /* (M) pairs: the transform of the conjugate chirp, wrapped round */
} FftPlan;

/* 1 <= n <= FFT_LONGEST.  The arena keeps the tables.  Errors: STATUS_ARGUMENT, STATUS_MEMORY. */
MUST_CHECK Status fft_plan(FftPlan *out, int n, Arena *arena, Error *err);

/* How many doubles of scratch a transform takes. */
size_t fft_scratch(const FftPlan *plan);

/* z (n) pairs, in place. */
void fft_forward(const FftPlan *plan, double *z, double *scratch);
void fft_inverse(const FftPlan *plan, double *z, double *scratch);

/* Planes (height,width): rows first, then columns, then times RN(1 / sqrt(height width)): unitary both ways. */
typedef struct {
    int height, width;
    FftPlan row, column; /* of lengths width and height */
} Fft2Plan;

MUST_CHECK Status fft2_plan(Fft2Plan *out, int height, int width, Arena *arena, Error *err);
size_t fft2_scratch(const Fft2Plan *plan);
void fft2_forward(const Fft2Plan *plan, double *z, double *scratch); /* z (height,width) pairs */
void fft2_inverse(const Fft2Plan *plan, double *z, double *scratch);

/* The unitary transform of real planes x (N,C,H,W): (N,2C,H,W), real parts before imaginary ones, each rounded once to
 * binary32.  dx is the real part of the inverse transform of dy. */
Tensor *fft2(Tape *tape, Tensor *x);

#endif
