/* io/svg_plot.h - line plots that a person can read, as SVG text.
 *
 * Several series with a legend above the plot, colours that the colour-blind tell apart, linear or logarithmic
 * axes with round ticks.  Numbers that an axis cannot show (NaN, infinities, on a logarithmic axis zero and
 * below) leave a gap in their line.  Long series are thinned to what a pixel column can show: its first, least,
 * greatest and last number.  The same numbers give the same bytes on every machine. */
#ifndef IO_SVG_PLOT_H
#define IO_SVG_PLOT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

typedef enum { PLOT_LINE, PLOT_MARKS, PLOT_LINE_AND_MARKS } PlotStyle;

typedef struct {
    const char *label;        /* in the legend, UTF-8; NULL: not in the legend */
    const double *x, *y;      /* `count` points, joined in this order; x NULL: 0, 1, 2 ... */
    const double *low, *high; /* a band from low to high behind the line; NULL: none */
    size_t count;
    PlotStyle style;
    int colour; /* 1, 2, ... 7 of the palette, so that two series can share one; 0: the next */
    bool
        faint; /* a thin pale line behind the others: single numbers, where the next series is their mean */
    bool grey; /* grey and dashed, takes no colour: a baseline, a bound */
} PlotSeries;

typedef struct {
    const char *title, *x_label, *y_label; /* NULL: none */
    bool log_x, log_y;
    double x_low, x_high, y_low, y_high; /* range of an axis; two equal numbers: from the data */
    int width, height;                   /* pixels; 0: 720 x 440 */
} PlotOptions;

/* Appends the picture.  A failure stays in out->failed. */
void svg_plot_add(Bytes *out, const PlotSeries *series, size_t count, const PlotOptions *options);

/* Writes the file, all or nothing. */
MUST_CHECK Status svg_plot_write(const char *path, const PlotSeries *series, size_t count,
                                 const PlotOptions *options, Arena *scratch, Error *err);

#endif
