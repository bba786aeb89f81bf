/* io/plot_axis.h - one axis of a plot: which numbers it shows, where they are, and its ticks.
 *
 * Ticks are multiples of 1, 2 or 5 times a power of ten (on a logarithmic axis powers of ten, with 2 and 5
 * between when there is room).  A tick's label is made from integers and its value is read back from the label,
 * so that both are exact.  Minus is U+2212, thousands stand apart by U+2009, as in print. */
#ifndef IO_PLOT_AXIS_H
#define IO_PLOT_AXIS_H

#include <stdbool.h>

enum { PLOT_TICKS = 128, PLOT_LABEL = 48 };

typedef struct {
    double value;
    char label[PLOT_LABEL]; /* UTF-8; "" for the unlabelled lines of a logarithmic axis */
} PlotTick;

typedef struct {
    bool logarithmic;
    double low, high; /* the numbers at its ends, low < high */
    PlotTick tick[PLOT_TICKS];
    int ticks;
} PlotAxis;

/* An axis for numbers from low to high (in either order; anything that is not finite, or on a logarithmic axis
 * not positive, stands for "no data").  Linear: `about` ticks, rather more than fewer.  `widen` moves the ends
 * out to the next ticks, else they stay. */
void plot_axis_make(PlotAxis *out, double low, double high, bool logarithmic, bool widen, int about);

/* 0 at `low`, 1 at `high`; NaN for what the axis cannot show. */
double plot_axis_place(const PlotAxis *axis, double value);

/* False for NaN, infinities, numbers beyond 1e300, and on a logarithmic axis those that are not positive. */
bool plot_axis_shows(bool logarithmic, double value);

#endif
