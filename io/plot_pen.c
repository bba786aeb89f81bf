#include "io/plot_pen.h"

#include <math.h>

#include "io/svg.h"

static const double FAR = 100000.0; /* pixels; farther points do not show where they are */

static double kept_near(double place)
{
    return place < -FAR ? -FAR : place > FAR ? FAR : place;
}

static bool same(PlotPoint a, PlotPoint b)
{
    return a.x == b.x && a.y == b.y;
}

static void draw_to(PlotPen *pen, PlotPoint point)
{
    bytes_add_byte(pen->out, pen->drawing ? 'L' : 'M');
    svg_point(pen->out, point.x, point.y);
    pen->drawing = true;
}

/* Writes the points of the column in their order, each once. */
static void write_column(PlotPen *pen)
{
    if (!pen->filled)
        return;
    const PlotPoint one = pen->highest_later ? pen->lowest : pen->highest;
    const PlotPoint two = pen->highest_later ? pen->highest : pen->lowest;
    draw_to(pen, pen->first);
    if (!same(one, pen->first) && !same(one, pen->last))
        draw_to(pen, one);
    if (!same(two, pen->first) && !same(two, pen->last))
        draw_to(pen, two);
    if (!same(pen->last, pen->first))
        draw_to(pen, pen->last);
    pen->filled = false;
}

void plot_pen_point(PlotPen *pen, double x, double y)
{
    if (x != x || y != y) {
        plot_pen_lift(pen);
        return;
    }
    const PlotPoint point = {kept_near(x), kept_near(y)};
    if (pen->filled && floor(point.x) != pen->column)
        write_column(pen);
    if (!pen->filled) {
        pen->first = pen->lowest = pen->highest = point;
        pen->column = floor(point.x);
        pen->filled = true;
    }
    if (point.y > pen->lowest.y) { /* down the page */
        pen->lowest = point;
        pen->highest_later = false;
    }
    if (point.y < pen->highest.y) {
        pen->highest = point;
        pen->highest_later = true;
    }
    pen->last = point;
}

void plot_pen_lift(PlotPen *pen)
{
    const bool lone =
        pen->filled && !pen->drawing && same(pen->first, pen->last) && same(pen->lowest, pen->highest);
    write_column(pen);
    if (lone) /* a point with a gap on both sides: with round ends it shows as a dot */
        bytes_add_text(pen->out, "h.01");
    pen->drawing = false;
}
