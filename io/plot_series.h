/* io/plot_series.h - the shapes of one series inside the axes of a plot, as SVG path data. */
#ifndef IO_PLOT_SERIES_H
#define IO_PLOT_SERIES_H

#include "base/bytes.h"
#include "io/plot_axis.h"
#include "io/svg_plot.h"

/* The rectangle of the data, in pixels, and what it shows. */
typedef struct {
    PlotAxis x, y;
    double left, right, top, bottom;
} PlotFrame;

double plot_series_x(const PlotSeries *series, size_t i); /* of point i, also when series->x is NULL */

double plot_frame_x(const PlotFrame *frame, double x); /* pixels; NaN for what the axis cannot show */
double plot_frame_y(const PlotFrame *frame, double y);

void plot_series_line(Bytes *out, const PlotFrame *frame, const PlotSeries *series);

/* Dots: pieces of line without length, which round ends make visible. */
void plot_series_marks(Bytes *out, const PlotFrame *frame, const PlotSeries *series);

/* Closed shapes between series->low and series->high, one for each run of points without a gap. */
void plot_series_band(Bytes *out, const PlotFrame *frame, const PlotSeries *series);

#endif
