#include "io/svg_plot.h"

#include <math.h>

#include "base/file.h"
#include "io/plot_series.h"
#include "io/svg.h"

/* Sizes in pixels. */
enum {
    WIDTH = 720,
    HEIGHT = 440,
    LEAST_WIDTH = 200, /* narrower pictures have no room for data */
    LEAST_HEIGHT = 150,
    MARGIN = 18,     /* around everything */
    TITLE_SIZE = 16, /* of letters */
    LABEL_SIZE = 13,
    TICK_SIZE = 12,
    TITLE_HEIGHT = 30, /* of a line of text with what is around it */
    LEGEND_HEIGHT = 21,
    LABEL_HEIGHT = 24,
    TICK_HEIGHT = 22,
    TICK_GAP = 8, /* between a tick's label and the axis */
    SWATCH = 24,  /* the piece of line in the legend */
    LEGEND_GAP = 20
};

/* The palette of Okabe and Ito 2008, "Color universal design", without its yellow, which is too pale for a line. */
static const char *const COLOURS[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#56b4e9", "#e69f00", "#000000"};
static const char *const DASHES[] = {"", "7,3", "2,3", "9,3,2,3"}; /* for series beyond the palette */
enum { COLOUR_COUNT = sizeof COLOURS / sizeof COLOURS[0], DASH_COUNT = sizeof DASHES / sizeof DASHES[0] };

typedef struct {
    Bytes *out;
    const PlotSeries *series;
    size_t count;
    const PlotOptions *options;
    double width, height; /* of the picture */
    PlotFrame frame;
} Plot;

/* The least and the greatest number that an axis can show; NaN when there is none. */
typedef struct {
    double low, high;
} Range;

static void include(Range *range, double value, bool logarithmic)
{
    if (!plot_axis_shows(logarithmic, value))
        return;
    range->low = range->low < value ? range->low : value; /* true for NaN too */
    range->high = range->high > value ? range->high : value;
}

/* Ranges of all points that both axes can show, bands included. */
static void find_ranges(Range *x, Range *y, const Plot *p)
{
    const PlotOptions *o = p->options;
    *x = *y = (Range){NAN, NAN};
    for (size_t k = 0; k < p->count; k++) {
        const PlotSeries *s = &p->series[k];
        for (size_t i = 0; i < s->count; i++) {
            if (!plot_axis_shows(o->log_x, plot_series_x(s, i)) || !plot_axis_shows(o->log_y, s->y[i]))
                continue;
            include(x, plot_series_x(s, i), o->log_x);
            include(y, s->y[i], o->log_y);
            if (s->low != NULL && s->high != NULL) {
                include(y, s->low[i], o->log_y);
                include(y, s->high[i], o->log_y);
            }
        }
    }
}

static bool has_label(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static double legend_item_width(const PlotSeries *s)
{
    return SWATCH + 6 + svg_text_width(s->label, LABEL_SIZE) + LEGEND_GAP;
}

/* Walks over the legend's items from left to right, in rows; draws them when `draw` is not NULL.  Returns the
 * number of rows. */
typedef void (*LegendDraw)(const Plot *p, size_t series, double x, double y);

static int walk_legend(const Plot *p, LegendDraw draw, double top)
{
    int rows = 0;
    double x = HUGE_VAL;
    for (size_t k = 0; k < p->count; k++) {
        if (!has_label(p->series[k].label))
            continue;
        const double width = legend_item_width(&p->series[k]);
        if (x > p->frame.left && x + width - LEGEND_GAP > p->width - MARGIN) {
            x = p->frame.left;
            rows++;
        }
        if (draw != NULL)
            draw(p, k, x, top + (rows - 0.5) * LEGEND_HEIGHT);
        x += width;
    }
    return rows;
}

static void make_axes(Plot *p)
{
    const PlotOptions *o = p->options;
    Range x, y;
    find_ranges(&x, &y, p);
    const bool given_x = o->x_low != o->x_high, given_y = o->y_low != o->y_high;
    plot_axis_make(&p->frame.x, given_x ? o->x_low : x.low, given_x ? o->x_high : x.high, o->log_x, false,
                   (int)(p->width / 95));
    plot_axis_make(&p->frame.y, given_y ? o->y_low : y.low, given_y ? o->y_high : y.high, o->log_y,
                   !given_y, (int)(p->height / 65));
}

/* The margins, from the sizes of what stands in them. */
static void make_layout(Plot *p)
{
    const PlotOptions *o = p->options;
    double widest = 0;
    for (int i = 0; i < p->frame.y.ticks; i++) {
        const double width = svg_text_width(p->frame.y.tick[i].label, TICK_SIZE);
        widest = width > widest ? width : widest;
    }
    p->frame.left = rint(MARGIN + (has_label(o->y_label) ? LABEL_HEIGHT : 0) + widest + TICK_GAP);
    p->frame.right = p->width - MARGIN - 6;
    p->frame.bottom = p->height - MARGIN - TICK_HEIGHT - (has_label(o->x_label) ? LABEL_HEIGHT : 0);
    const int rows = walk_legend(p, NULL, 0);
    p->frame.top =
        MARGIN + (has_label(o->title) ? TITLE_HEIGHT : 0) + rows * LEGEND_HEIGHT + (rows > 0 ? 8 : 0);
}

/* Text at (x, y), centred vertically. */
static void draw_text(const Plot *p, const char *text, double x, double y, int size, const char *attributes)
{
    bytes_add_text(p->out, "<text");
    svg_attribute(p->out, "x", x);
    svg_attribute(p->out, "y", y + 0.35 * size);
    bytes_add_format(p->out, " font-size=\"%d\"%s>", size, attributes);
    svg_text(p->out, text);
    bytes_add_text(p->out, "</text>\n");
}

static void draw_segment(const Plot *p, double x0, double y0, double x1, double y1)
{
    bytes_add_byte(p->out, 'M');
    svg_point(p->out, x0, y0);
    bytes_add_byte(p->out, 'L');
    svg_point(p->out, x1, y1);
}

/* The lines of the ticks with a label, or of those without. */
static void draw_grid(const Plot *p, bool labelled, const char *colour)
{
    bytes_add_text(p->out, "<path d=\"");
    for (int i = 0; i < p->frame.x.ticks; i++)
        if (has_label(p->frame.x.tick[i].label) == labelled) {
            const double x = plot_frame_x(&p->frame, p->frame.x.tick[i].value);
            draw_segment(p, x, p->frame.top, x, p->frame.bottom);
        }
    for (int i = 0; i < p->frame.y.ticks; i++)
        if (has_label(p->frame.y.tick[i].label) == labelled) {
            const double y = plot_frame_y(&p->frame, p->frame.y.tick[i].value);
            draw_segment(p, p->frame.left, y, p->frame.right, y);
        }
    bytes_add_format(p->out, "\" stroke=\"%s\" fill=\"none\"/>\n", colour);
}

static void draw_frame(const Plot *p)
{
    if (!p->frame.y.logarithmic && p->frame.y.low < 0 && p->frame.y.high > 0) {
        const double zero = plot_frame_y(&p->frame, 0);
        bytes_add_text(p->out, "<path d=\"");
        draw_segment(p, p->frame.left, zero, p->frame.right, zero);
        bytes_add_text(p->out, "\" stroke=\"#aaa\" fill=\"none\"/>\n");
    }
    bytes_add_text(p->out, "<path d=\"");
    draw_segment(p, p->frame.left, p->frame.top, p->frame.left, p->frame.bottom);
    draw_segment(p, p->frame.left, p->frame.bottom, p->frame.right, p->frame.bottom);
    bytes_add_text(p->out, "\" stroke=\"#555\" stroke-linecap=\"square\" fill=\"none\"/>\n");
    bytes_add_text(p->out, "<g fill=\"#444\">\n");
    for (int i = 0; i < p->frame.x.ticks; i++)
        if (has_label(p->frame.x.tick[i].label))
            draw_text(p, p->frame.x.tick[i].label, plot_frame_x(&p->frame, p->frame.x.tick[i].value),
                      p->frame.bottom + TICK_HEIGHT * 0.7, TICK_SIZE, " text-anchor=\"middle\"");
    for (int i = 0; i < p->frame.y.ticks; i++)
        if (has_label(p->frame.y.tick[i].label))
            draw_text(p, p->frame.y.tick[i].label, p->frame.left - TICK_GAP,
                      plot_frame_y(&p->frame, p->frame.y.tick[i].value), TICK_SIZE, " text-anchor=\"end\"");
    bytes_add_text(p->out, "</g>\n");
}

static void draw_titles(const Plot *p)
{
    const PlotOptions *o = p->options;
    if (has_label(o->title))
        draw_text(p, o->title, p->frame.left, MARGIN + 6, TITLE_SIZE, " font-weight=\"600\"");
    if (has_label(o->x_label))
        draw_text(p, o->x_label, (p->frame.left + p->frame.right) / 2, p->height - MARGIN - 6, LABEL_SIZE,
                  " text-anchor=\"middle\"");
    if (has_label(o->y_label)) {
        bytes_add_text(p->out, "<g transform=\"translate(");
        svg_point(p->out, MARGIN + 4, (p->frame.top + p->frame.bottom) / 2);
        bytes_add_text(p->out, ") rotate(-90)\">");
        draw_text(p, o->y_label, 0, 0, LABEL_SIZE, " text-anchor=\"middle\"");
        bytes_add_text(p->out, "</g>\n");
    }
}

/* Its place in the palette, 0 ..: what it asks for, or how many before it took the next one. */
static size_t colour_number(const Plot *p, size_t series)
{
    size_t number = 0;
    if (p->series[series].colour > 0)
        return (size_t)p->series[series].colour - 1;
    for (size_t k = 0; k < series; k++)
        number += !p->series[k].grey && p->series[k].colour <= 0;
    return number;
}

static const char *colour_of(const Plot *p, size_t series)
{
    return p->series[series].grey ? "#777" : COLOURS[colour_number(p, series) % COLOUR_COUNT];
}

static void add_line_style(const Plot *p, size_t series)
{
    const PlotSeries *s = &p->series[series];
    const char *dash = s->grey ? "6,4" : DASHES[colour_number(p, series) / COLOUR_COUNT % DASH_COUNT];
    bytes_add_format(p->out, "\" stroke=\"%s\" stroke-width=\"%s\"", colour_of(p, series),
                     s->faint  ? "1"
                     : s->grey ? "1.5"
                               : "2");
    if (dash[0] != '\0')
        bytes_add_format(p->out, " stroke-dasharray=\"%s\"", dash);
    bytes_add_text(p->out, s->faint ? " stroke-opacity=\"0.35\"/>\n" : "/>\n");
}

/* Dots are pieces of line without length, with round ends. */
static void add_mark_style(const Plot *p, size_t series)
{
    bytes_add_format(p->out, "\" stroke=\"%s\" stroke-width=\"6\"", colour_of(p, series));
    bytes_add_text(p->out, p->series[series].faint ? " stroke-opacity=\"0.35\"/>\n" : "/>\n");
}

static void draw_legend_item(const Plot *p, size_t series, double x, double y)
{
    const PlotSeries *s = &p->series[series];
    bytes_add_text(p->out, "<g fill=\"none\" stroke-linecap=\"round\">\n");
    if (s->style != PLOT_MARKS) {
        bytes_add_text(p->out, "<path d=\"");
        draw_segment(p, x + 1, y, x + SWATCH - 1, y);
        add_line_style(p, series);
    }
    if (s->style != PLOT_LINE) {
        bytes_add_text(p->out, "<path d=\"M");
        svg_point(p->out, x + SWATCH / 2.0, y);
        bytes_add_text(p->out, "h.01");
        add_mark_style(p, series);
    }
    bytes_add_text(p->out, "</g>\n");
    draw_text(p, s->label, x + SWATCH + 6, y, LABEL_SIZE, "");
}

static void draw_series(const Plot *p, size_t series)
{
    const PlotSeries *s = &p->series[series];
    if (s->low != NULL && s->high != NULL) {
        bytes_add_text(p->out, "<path d=\"");
        plot_series_band(p->out, &p->frame, s);
        bytes_add_format(p->out, "\" fill=\"%s\" fill-opacity=\"0.15\"/>\n", colour_of(p, series));
    }
    if (s->style != PLOT_MARKS) {
        bytes_add_text(p->out, "<path d=\"");
        plot_series_line(p->out, &p->frame, s);
        add_line_style(p, series);
    }
    if (s->style != PLOT_LINE) {
        bytes_add_text(p->out, "<path d=\"");
        plot_series_marks(p->out, &p->frame, s);
        add_mark_style(p, series);
    }
}

static void draw_all_series(const Plot *p)
{
    bytes_add_text(p->out, "<clipPath id=\"data\"><rect");
    svg_attribute(p->out, "x", p->frame.left - 3);
    svg_attribute(p->out, "y", p->frame.top - 3);
    svg_attribute(p->out, "width", p->frame.right - p->frame.left + 6);
    svg_attribute(p->out, "height", p->frame.bottom - p->frame.top + 6);
    bytes_add_text(p->out, "/></clipPath>\n<g clip-path=\"url(#data)\" fill=\"none\" "
                           "stroke-linecap=\"round\" stroke-linejoin=\"round\">\n");
    for (int front = 0; front < 2; front++) /* what is grey or faint lies behind */
        for (size_t k = 0; k < p->count; k++)
            if ((p->series[k].grey || p->series[k].faint) != front)
                draw_series(p, k);
    bytes_add_text(p->out, "</g>\n");
}

void svg_plot_add(Bytes *out, const PlotSeries *series, size_t count, const PlotOptions *options)
{
    Plot p = {.out = out, .series = series, .count = count, .options = options};
    p.width = options->width > 0 ? options->width : WIDTH;
    p.height = options->height > 0 ? options->height : HEIGHT;
    p.width = p.width < LEAST_WIDTH ? LEAST_WIDTH : p.width;
    p.height = p.height < LEAST_HEIGHT ? LEAST_HEIGHT : p.height;
    make_axes(&p);
    make_layout(&p);
    bytes_add_text(out, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    svg_attribute(out, "width", p.width);
    svg_attribute(out, "height", p.height);
    bytes_add_format(out, " viewBox=\"0 0 %d %d\" role=\"img\" fill=\"#222\" ", (int)p.width,
                     (int)p.height);
    bytes_add_text(
        out,
        "font-family=\"Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif\">\n");
    bytes_add_text(out, "<title>");
    svg_text(out, has_label(options->title) ? options->title : "Plot");
    bytes_add_text(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    draw_grid(&p, false, "#f2f2f2");
    draw_grid(&p, true, "#e0e0e0");
    draw_frame(&p);
    draw_all_series(&p);
    draw_titles(&p);
    (void)walk_legend(&p, draw_legend_item, p.frame.top - 8 - walk_legend(&p, NULL, 0) * LEGEND_HEIGHT);
    bytes_add_text(out, "</svg>\n");
}

Status svg_plot_write(const char *path, const PlotSeries *series, size_t count, const PlotOptions *options,
                      Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes text = {.arena = scratch};
    svg_plot_add(&text, series, count, options);
    const Status status = text.failed
                              ? error_set(err, STATUS_MEMORY, "%.150s: no memory for the plot", path)
                              : file_write(path, text.data, text.size, err);
    arena_release(scratch, mark);
    return status;
}
