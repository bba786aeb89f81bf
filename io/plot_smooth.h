/* io/plot_smooth.h - running means, for the line that is drawn over a faint one. */
#ifndef IO_PLOT_SMOOTH_H
#define IO_PLOT_SMOOTH_H

#include <stddef.h>

/* out[i] = mean of the finite numbers among y[i - reach] ... y[i + reach], summed from the first to the last;
 * NaN when there is none.  out and y do not overlap. */
void plot_smooth(double *out, const double *y, size_t count, size_t reach);

#endif
