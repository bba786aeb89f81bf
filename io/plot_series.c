#include "io/plot_series.h"

#include <math.h>

#include "io/plot_pen.h"
#include "io/svg.h"

double plot_series_x(const PlotSeries *series, size_t i)
{
    return series->x != NULL ? series->x[i] : (double)i;
}

double plot_frame_x(const PlotFrame *frame, double x)
{
    const double place = plot_axis_shows(frame->x.logarithmic, x) ? plot_axis_place(&frame->x, x) : NAN;
    return frame->left + (frame->right - frame->left) * place;
}

double plot_frame_y(const PlotFrame *frame, double y)
{
    const double place = plot_axis_shows(frame->y.logarithmic, y) ? plot_axis_place(&frame->y, y) : NAN;
    return frame->bottom - (frame->bottom - frame->top) * place;
}

void plot_series_line(Bytes *out, const PlotFrame *frame, const PlotSeries *series)
{
    PlotPen pen = {.out = out};
    for (size_t i = 0; i < series->count; i++)
        plot_pen_point(&pen, plot_frame_x(frame, plot_series_x(series, i)),
                       plot_frame_y(frame, series->y[i]));
    plot_pen_lift(&pen);
}

void plot_series_marks(Bytes *out, const PlotFrame *frame, const PlotSeries *series)
{
    const double margin = 4; /* a dot on the edge is seen whole or in half */
    for (size_t i = 0; i < series->count; i++) {
        const double x = plot_frame_x(frame, plot_series_x(series, i)),
                     y = plot_frame_y(frame, series->y[i]);
        const bool seen = x >= frame->left - margin && x <= frame->right + margin &&
                          y >= frame->top - margin && y <= frame->bottom + margin;
        if (!seen) /* NaN too */
            continue;
        bytes_add_byte(out, 'M');
        svg_point(out, x, y);
        bytes_add_text(out, "h.01");
    }
}

/* An edge of the band; what a logarithmic axis is too high for is at its foot. */
static double edge(const PlotFrame *frame, double y)
{
    return frame->y.logarithmic && y <= 0 ? frame->bottom : plot_frame_y(frame, y);
}

static bool has_band(const PlotFrame *frame, const PlotSeries *s, size_t i)
{
    const double x = plot_frame_x(frame, plot_series_x(s, i));
    return x == x && edge(frame, s->low[i]) == edge(frame, s->low[i]) &&
           edge(frame, s->high[i]) == edge(frame, s->high[i]);
}

void plot_series_band(Bytes *out, const PlotFrame *frame, const PlotSeries *s)
{
    for (size_t first = 0, end; first < s->count; first = end + 1) {
        for (end = first; end < s->count && has_band(frame, s, end);)
            end++;
        if (end - first < 2)
            continue;
        PlotPen pen = {.out = out};
        for (size_t i = first; i < end; i++)
            plot_pen_point(&pen, plot_frame_x(frame, plot_series_x(s, i)), edge(frame, s->high[i]));
        for (size_t i = end; i-- > first;)
            plot_pen_point(&pen, plot_frame_x(frame, plot_series_x(s, i)), edge(frame, s->low[i]));
        plot_pen_lift(&pen);
        bytes_add_byte(out, 'Z');
    }
}
