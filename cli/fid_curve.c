#include "cli/fid_curve.h"

#include <math.h>

#include "base/decimal.h"
#include "io/svg_plot.h"

typedef struct {
    FeatureSums *sums;
    Arena *scratch;
} Sink;

static Status add(void *context, const float *x, int n, Error *err)
{
    Sink *s = context;
    return feature_sums_add(s->sums, x, n, s->scratch, err);
}

/* The pictures i with i mod FID_POINTS = group, in `path`. */
static PictureNames group_of(const char **path, const PictureNames *names, size_t group)
{
    PictureNames part = *names;
    part.path = path;
    part.count = 0;
    for (size_t i = group; i < names->count; i += FID_POINTS)
        path[part.count++] = names->path[i];
    return part;
}

/* Adds the next group; statistics of all so far where there are 2 pictures, else n 0. */
static Status add_group(FeatureStatistics *out, MetricSide *side, size_t group, const char **path,
                        const FeatureNetwork *network, Arena *arena, Arena *scratch, Error *err)
{
    Sink sink = {&side->file.sums, scratch};
    PictureSizes sizes;
    const PictureNames part = group_of(path, &side->names, group);
    *out = (FeatureStatistics){.n = 0};
    Status status =
        part.count > 0 ? picture_features(network, &part, add, &sink, &sizes, scratch, err) : STATUS_OK;
    if (status == STATUS_OK && part.count > 0) {
        const bool first = side->sizes.count == 0,
                   same = sizes.width == side->sizes.width && sizes.height == side->sizes.height;
        if (first) {
            side->sizes = sizes;
        } else { /* what differs from the group's first differs from the set's, or the reverse */
            side->sizes.count += sizes.count;
            side->sizes.different += same ? sizes.different : sizes.count - sizes.different;
        }
    }
    if (status == STATUS_OK && side->file.sums.n >= 2)
        status = feature_sums_statistics(out, &side->file.sums, arena, err);
    return status;
}

static Status begin(MetricSide *side, const FeatureNetwork *network, Arena *arena, Error *err)
{
    side->file.has_sums = true;
    side->file.recipe = network->recipe;
    side->file.count = (int64_t)side->names.count;
    side->sizes = (PictureSizes){.count = 0};
    return feature_sums_new(&side->file.sums, network->d, arena, err);
}

/* Through the points of half the pictures and more: b / n is the first term alone. */
static void fit(FidCurve *c)
{
    double m = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    int first = c->points;
    while (first > 0 && 2.0 * c->n[first - 1] >= c->n[c->points - 1])
        first--;
    c->fitted = c->points - first;
    c->end = c->slope = NAN;
    if (c->fitted < 2)
        return;
    m = c->fitted;
    for (int i = first; i < c->points; i++) {
        x += 1.0 / c->n[i] / m;
        y += c->distance[i] / m;
    }
    for (int i = first; i < c->points; i++) {
        const double off = 1.0 / c->n[i] - x;
        xx += off * off;
        xy += off * (c->distance[i] - y);
    }
    c->slope = xy / xx;
    c->end = y - c->slope * x;
}

Status fid_curve(FidCurve *out, MetricSide side[2], const FeatureNetwork *network, Arena *arena,
                 Arena *scratch, Error *err)
{
    const size_t most =
        side[0].names.count > side[1].names.count ? side[0].names.count : side[1].names.count;
    const char **path = arena_raw(arena, most / FID_POINTS + 1, sizeof *path);
    FidCurve c = {.points = 0};
    Status status =
        path != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "metric fid: no memory for names");
    for (int k = 0; k < 2 && status == STATUS_OK; k++)
        status = begin(&side[k], network, arena, err);
    for (size_t g = 0; g < FID_POINTS && status == STATUS_OK; g++) {
        FrechetDistance f;
        FeatureStatistics s[2];
        const ArenaMark mark = arena_mark(arena);
        for (int k = 0; k < 2 && status == STATUS_OK; k++)
            status = add_group(&s[k], &side[k], g, path, network, arena, scratch, err);
        if (status != STATUS_OK)
            break;
        if (g == FID_POINTS - 1) {
            side[0].file.features = s[0];
            side[1].file.features = s[1];
        }
        if (s[0].n < 2 || s[1].n < 2)
            continue;
        status = frechet_distance(&f, &s[0], &s[1], scratch, err);
        c.n[c.points] = s[0].n < s[1].n ? s[0].n : s[1].n;
        c.distance[c.points] = f.distance;
        if (c.points == 0 || c.n[c.points] > c.n[c.points - 1]) /* small sets end before the tenth group */
            c.points++;
        else
            c.distance[c.points - 1] = f.distance;
        if (g < FID_POINTS - 1)
            arena_release(arena, mark);
    }
    fit(&c);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

Status fid_curve_plot(const FidCurve *c, const char *path, const char *title, Arena *scratch, Error *err)
{
    double x[FID_POINTS], line_x[2] = {0.0, 0.0}, line_y[2] = {c->end, c->end};
    for (int i = 0; i < c->points; i++) {
        x[i] = 1.0 / c->n[i];
        line_x[1] = x[i] > line_x[1] ? x[i] : line_x[1];
    }
    line_y[1] += c->slope * line_x[1];
    const PlotSeries series[2] = {
        {.label = "distance", .x = x, .y = c->distance, .count = (size_t)c->points, .style = PLOT_MARKS},
        {.label = "a + b / n", .x = line_x, .y = line_y, .count = 2, .grey = true}};
    const PlotOptions options = {
        .title = title, .x_label = "1 / pictures of a set", .y_label = "Fréchet distance"};
    return svg_plot_write(path, series, 2, &options, scratch, err);
}

void fid_curve_report(const FidCurve *c, const char *name, Result *r)
{
    JsonWriter *w = &r->json;
    char text[DECIMAL_LONGEST];
    if (c->fitted >= 2) {
        decimal_write(text, c->end);
        result_line(r, "%s of endless sets %s (a + b / n through %d points)\n", name, text, c->fitted);
        json_write_number(w, "extrapolated", c->end);
    } else {
        json_write_null(w, "extrapolated");
    }
    json_begin_array(w, "curve");
    for (int i = 0; i < c->points; i++) {
        json_begin_object(w, NULL);
        json_write_number(w, "n", c->n[i]);
        json_write_number(w, "value", c->distance[i]);
        json_end(w);
    }
    json_end(w);
}
