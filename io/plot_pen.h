/* io/plot_pen.h - writes a line of any number of points as an SVG path of few.
 *
 * Of the points in one pixel column only the first, the lowest, the highest and the last are kept: a picture
 * cannot show more. */
#ifndef IO_PLOT_PEN_H
#define IO_PLOT_PEN_H

#include <stdbool.h>

#include "base/bytes.h"

typedef struct {
    double x, y;
} PlotPoint;

typedef struct {
    Bytes *out;
    bool drawing; /* the path has a current point: the next one is joined to it */
    bool filled;  /* the column has points */
    double column;
    PlotPoint first, lowest, highest, last;
    bool highest_later; /* than the lowest */
} PlotPen;              /* starts as {.out = bytes} */

/* The next point of the line, in pixels; a NaN lifts the pen. */
void plot_pen_point(PlotPen *pen, double x, double y);

/* Writes what is still held back and lifts the pen. */
void plot_pen_lift(PlotPen *pen);

#endif
