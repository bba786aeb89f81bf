/* metrics/residual_filter.h - what is left of a picture when a denoiser has taken out what it shows.
 *
 *   gauss     x - g * x, g the normal density of deviation 1 at -4 ... 4 pixels, divided by its sum
 *   median3   x - the median of the 3 x 3 pixels around
 *   haar      details of one level of Haar's wavelets (2 x 2 pixels), limited to +-3/256, averaged over the four places
 *             where such a block can lie: what a soft threshold of 3/256 takes away
 *
 * Numbers are levels / 256 (one level is 1/256).  Only pixels whose neighbours are all inside count: `margin` of them
 * are lost on each side.  A network is another ResidualFilter, of the caller.  docs/math/spectra.md */
#ifndef METRICS_RESIDUAL_FILTER_H
#define METRICS_RESIDUAL_FILTER_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const char *name, *recipe;
    int margin;
    /* residual (3, height - 2 margin, width - 2 margin) of x (3,height,width), of which the inner part is at least
     * 2 x 2.  Scratch is given back by the caller. */
    Status (*run)(double *residual, const double *x, int height, int width, void *context, Arena *scratch,
                  Error *err);
    void *context;
} ResidualFilter;

extern const ResidualFilter RESIDUAL_GAUSS, RESIDUAL_MEDIAN3, RESIDUAL_HAAR;

/* The filter of that name, NULL when there is none. */
const ResidualFilter *residual_filter_find(const char *name);

#endif
