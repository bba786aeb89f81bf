/* metrics/residual_spectrum.h - how unlike two sets of pictures are in the power spectra of what a denoiser leaves: the
 * traces that upsampling and decoders leave.
 *
 *   rho  residual   of levels / 256 (metrics/residual_filter.h), three channels
 *   E    energy     |F(rho)|^2, F the unitary transform (nn/fft.h), frequency 0 first
 *   S    spectrum   E brought to 222 x 222 bins, each the mean of E over 1/222 of the (round) axis; mean over pictures;
 *                   frequency 0 at (111,111)
 *   PR   distance   Frobenius norm of S_A - S_B, after `norm` and `channels`
 *
 * Bringing E to 222 bins keeps its mean.  A picture whose residual is zero everywhere counts as dropped.
 *
 * Sources: Corvi and others 2023 [Cor23] and its released code (grip-unina/SyntheticImagesAnalysis,
 * generate_spectra.py, area.py), whose residual is that of a DnCNN and whose figures divide by 4 times the mean.
 * docs/math/spectra.md */
#ifndef METRICS_RESIDUAL_SPECTRUM_H
#define METRICS_RESIDUAL_SPECTRUM_H

#include <stdbool.h>

#include "io/image.h"
#include "metrics/residual_filter.h"

enum { RESIDUAL_BINS = 222, RESIDUAL_NUMBERS = 3 * RESIDUAL_BINS * RESIDUAL_BINS };

typedef enum {
    RESIDUAL_NORM_MEAN,   /* each S divided by its mean */
    RESIDUAL_NORM_NONE,   /* as it is */
    RESIDUAL_NORM_QUARTER /* by 4 times its mean */
} ResidualNorm;

typedef struct {
    int count, dropped;
    double *sum; /* (3,222,222), frequency 0 first; the arena of the first residual_set_add keeps it */
} ResidualSet;   /* starts as {0} */

/* y (222,222) from x (height,width), both with frequency 0 first. */
MUST_CHECK Status residual_resample(double *y, const double *x, int height, int width, Arena *scratch,
                                    Error *err);

/* Adds a picture of any size (grey is spread over three channels, alpha is left away).  Errors: STATUS_SHAPE where the
 * filter leaves less than 2 x 2 pixels, those of the filter, STATUS_NOT_FINITE. */
MUST_CHECK Status residual_set_add(ResidualSet *set, const Image *picture, const ResidualFilter *filter,
                                   Arena *arena, Arena *scratch, Error *err);

/* S (3,222,222), or with `grey` the mean over the channels (222,222), after `norm`: the mean is that of all its
 * numbers.  STATUS_ARGUMENT for a set without a picture that counts. */
MUST_CHECK Status residual_spectrum(double *out, const ResidualSet *set, ResidualNorm norm, bool grey,
                                    Error *err);

/* The Frobenius norm of a - b, n numbers: sum8 of the squares in place of a. */
double residual_distance(double *a, const double *b, size_t n);

#endif
