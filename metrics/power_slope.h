/* metrics/power_slope.h - how the power of pictures falls with frequency: power ~ r^slope.
 *
 *   L     luminance   (299 R + 587 G + 114 B) / 1000, 0 to 255; less its mean
 *   P     power       |F(L)|^2, F the unitary transform (nn/fft.h) of a square of n x n
 *   A(r)  ring        mean of P over the frequencies (u, v) with rint(sqrt(u^2 + v^2)) = r, in cycles a picture
 *   line  slope, offset: least squares of log10 A = offset + slope log10 r, for r from `low` to `high`
 *
 * A picture that is not square is padded to its longer side with the rounded mean of its luminance, in the middle.
 * Pictures of art and of nature have slopes near -2.  The sum over a ring is sum8 in row order; spectra of pictures
 * are added in their order.
 *
 * Source: the procedure of Redies, Hasenstein, Denzler 2007 [Red07] as in public aesthetics toolboxes
 * (fourier_redies), whose frequency labels are one too high: `toolbox_labels` has them.  docs/math/spectra.md */
#ifndef METRICS_POWER_SLOPE_H
#define METRICS_POWER_SLOPE_H

#include <stdbool.h>

#include "io/image.h"

enum { POWER_SIDE_LEAST = 32, POWER_SIDE_MOST = 4096 };

typedef struct {
    int low, high; /* cycles a picture, 1 <= low, low + 2 <= high <= n/2; high 0: the less of 256 and n/2 */
    bool log_bins; /* fit ceil((high - low) / 2) bins of equal width in log r: mean r, mean A of each */
    bool toolbox_labels; /* ring r is called r + 1 */
} PowerSlopeOptions;

/* 10 to the less of 256 and n/2, each ring a point. */
extern const PowerSlopeOptions POWER_SLOPE_DEFAULTS;

typedef struct {
    double slope, offset;
    double error; /* of the slope: its standard deviation by the scatter around the line */
    int low, high;
    int points;
} PowerLine;

/* Rings of an n x n plane: r = 0 ... power_rings(n) - 1, out to the corners. */
int power_rings(int n);

/* A (rings) and how many frequencies each has, `counts` (rings) or NULL, of a plane (n,n), whose mean is kept in A(0).
 * Errors: STATUS_ARGUMENT for n out of range, STATUS_MEMORY. */
MUST_CHECK Status power_of_plane(double *power, int *counts, const double *plane, int n, Arena *scratch,
                                 Error *err);

/* The line through A.  Errors: STATUS_ARGUMENT for a range that does not fit n or a ring in it without power. */
MUST_CHECK Status power_line(PowerLine *out, const double *power, int n, const PowerSlopeOptions *options,
                             Error *err);

/* A set of pictures of one size.  Starts as {.options = ...}. */
typedef struct {
    PowerSlopeOptions options;
    int width, height; /* of the first picture */
    int n, rings, count;
    double *sum; /* (rings) of the pictures' A; the arena of the first power_set_add keeps it */
} PowerSet;

/* Adds a picture (alpha is left away) and gives the line of its own.  Errors: those above, STATUS_SHAPE for another
 * size than the first one's, STATUS_ARGUMENT for a picture of one colour. */
MUST_CHECK Status power_set_add(PowerLine *out, PowerSet *set, const Image *picture, Arena *arena,
                                Arena *scratch, Error *err);

/* The mean spectrum (rings) of the set and its line. */
MUST_CHECK Status power_set_line(PowerLine *out, double *power, const PowerSet *set, Error *err);

#endif
