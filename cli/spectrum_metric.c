#include "cli/spectrum_metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/elementary64.h"
#include "base/sum.h"
#include "cli/metric_side.h"
#include "io/sha256.h"
#include "io/svg_plot.h"
#include "metrics/dncnn_residual.h"
#include "metrics/power_slope.h"
#include "metrics/residual_spectrum.h"

static const char *const LETTERS[2] = {"A", "B"};

/* ---- the pictures of a set, over white, one after the other ---- */

typedef Status UsePicture(void *context, const Image *picture, Error *err);

static Status use_picture(MetricSide *side, size_t i, UsePicture *use, void *context, Arena *scratch,
                          Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    PictureSizes *sizes = &side->sizes;
    Image image;
    Error why = {0};
    Status status = picture_open(&image, &side->names, i, scratch, err);
    if (status == STATUS_OK)
        status = image_flatten(&image, &image, white, scratch, err);
    if (status != STATUS_OK)
        return status;
    if (sizes->count == 0) {
        sizes->width = image.width;
        sizes->height = image.height;
    }
    sizes->count++;
    sizes->different += image.width != sizes->width || image.height != sizes->height;
    status = use(context, &image, &why);
    return status == STATUS_OK ? status
                               : error_set(err, status, "%.200s: %s", side->names.path[i], why.text);
}

static Status each_picture(MetricSide *side, UsePicture *use, void *context, Arena *scratch, Error *err)
{
    Status status = STATUS_OK;
    for (size_t i = 0; i < side->names.count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(scratch);
        status = use_picture(side, i, use, context, scratch, err);
        arena_release(scratch, mark);
    }
    return status;
}

/* Opens the words behind the metric's name: at least `least`, at most two sets of pictures. */
static Status open_sides(MetricSide *side, int *sides, int least, const SetMetric *m, Error *err)
{
    const Options *o = &m->command->options;
    *sides = o->word_count - 1;
    if (*sides < least || *sides > 2)
        return error_set(err, STATUS_ARGUMENT, "metric %s: expected %s, got %d", o->words[0],
                         least == 2 ? "two sets A B" : "a set A or two sets A B", *sides);
    for (int i = 0; i < *sides; i++) {
        const Status status = metric_side_open(&side[i], o->words[1 + i], &m->command->arena, err);
        if (status != STATUS_OK)
            return status;
        if (side[i].is_file)
            return error_set(err, STATUS_ARGUMENT,
                             "metric %s: %.150s has statistics of features; a spectrum needs pictures",
                             o->words[0], side[i].word);
        side[i].file.count = (int64_t)side[i].names.count;
    }
    return STATUS_OK;
}

/* The sets and the recipe, which stand beside every number; warnings stay open for the caller's own. */
static void report(const SetMetric *m, MetricSide *side, int sides, const char *recipe)
{
    Result *r = &m->command->result;
    result_line(r, "%s\n", recipe);
    json_write_text(&r->json, "recipe", recipe);
    json_begin_array(&r->json, "sets");
    for (int i = 0; i < sides; i++) {
        side[i].file.recipe = recipe;
        metric_side_report(&side[i], LETTERS[i], r);
    }
    json_end(&r->json);
    json_begin_array(&r->json, "warnings");
    for (int i = 0; i < sides; i++)
        metric_side_warn(&side[i], r);
}

static void say(Result *r, const char *name, double value)
{
    char text[DECIMAL_LONGEST];
    decimal_write(text, value);
    result_line(r, "%s %s\n", name, text);
    json_write_text(&r->json, "name", name);
    json_write_number(&r->json, "value", value);
}

/* ---- pr ---- */

/* What takes the content out: a filter by name, or the network of --denoiser. */
typedef struct {
    ResidualFilter filter;
    DnCnn net;
    char name[40], recipe[160];
} Denoiser;

static Status open_denoiser(Denoiser *d, const SetMetric *m, Error *err)
{
    char hash[65];
    if (m->denoiser == NULL) {
        d->filter = *residual_filter_find(m->residual);
        snprintf(d->name, sizeof d->name, "PR-%s", d->filter.name);
        snprintf(d->recipe, sizeof d->recipe, "%s (%s) of levels / 256, not a DnCNN's", d->filter.name,
                 d->filter.recipe);
        return STATUS_OK;
    }
    Status status = dncnn_open(&d->net, m->denoiser, &m->command->arena, err);
    if (status == STATUS_OK)
        status = sha256_file(hash, m->denoiser, err);
    if (status != STATUS_OK)
        return status;
    snprintf(d->name, sizeof d->name, "PR[dncnn-%.8s]", hash);
    snprintf(d->recipe, sizeof d->recipe, "of a DnCNN, weights SHA-256 %s, of levels / 256", hash);
    d->filter = dncnn_residual(&d->net, "dncnn", d->recipe);
    return STATUS_OK;
}

typedef struct {
    ResidualSet set;
    const ResidualFilter *filter;
    Arena *arena, *scratch;
} Residuals;

static Status add_residual(void *context, const Image *picture, Error *err)
{
    Residuals *s = context;
    return residual_set_add(&s->set, picture, s->filter, s->arena, s->scratch, err);
}

/* Means of S (222,222) over rings around the middle, from 1 to 110 of 222 cycles a pixel. */
static void rings_of(double *y, const double *s)
{
    enum { MIDDLE = RESIDUAL_BINS / 2 };
    int count[MIDDLE + 1] = {0};
    memset(y, 0, MIDDLE * sizeof *y);
    for (int i = 0; i < RESIDUAL_BINS * RESIDUAL_BINS; i++) {
        const double u = i / RESIDUAL_BINS - MIDDLE, v = i % RESIDUAL_BINS - MIDDLE;
        const int r = (int)rint(sqrt(u * u + v * v));
        if (r > 0 && r < MIDDLE) {
            y[r - 1] += s[i];
            count[r]++;
        }
    }
    for (int r = 1; r < MIDDLE; r++)
        y[r - 1] /= count[r];
}

static Status plot_residuals(const SetMetric *m, const Residuals *s, ResidualNorm norm, double *room,
                             Error *err)
{
    enum { RINGS = RESIDUAL_BINS / 2 - 1 };
    double x[RINGS], y[2][RINGS + 1];
    PlotSeries series[2];
    for (int i = 0; i < RINGS; i++)
        x[i] = (i + 1.0) / RESIDUAL_BINS;
    for (int k = 0; k < 2; k++) {
        const Status status = residual_spectrum(room, &s[k].set, norm, true, err);
        if (status != STATUS_OK)
            return status;
        rings_of(y[k], room);
        series[k] =
            (PlotSeries){.label = m->command->options.words[1 + k], .x = x, .y = y[k], .count = RINGS};
    }
    const PlotOptions options = {.title = "Power of what is left",
                                 .x_label = "cycles a pixel",
                                 .y_label = norm == RESIDUAL_NORM_NONE ? "power" : "power / mean power",
                                 .log_y = true};
    return svg_plot_write(m->plot, series, 2, &options, m->scratch, err);
}

static ResidualNorm norm_named(const char *word)
{
    return strcmp(word, "none") == 0      ? RESIDUAL_NORM_NONE
           : strcmp(word, "quarter") == 0 ? RESIDUAL_NORM_QUARTER
                                          : RESIDUAL_NORM_MEAN;
}

static void warn_dropped(Result *r, const MetricSide *side, const ResidualSet *set)
{
    if (set->dropped > 0)
        metric_warn(r, "%.150s: %d of %d pictures have no residual (one colour), left out", side->word,
                    set->dropped, set->dropped + set->count);
}

static void say_residuals(const SetMetric *m, MetricSide *side, const Residuals *s, const Denoiser *d,
                          bool grey, double value)
{
    static const char *const DIVIDED[] = {[RESIDUAL_NORM_MEAN] = "each divided by its mean",
                                          [RESIDUAL_NORM_NONE] = "as they are",
                                          [RESIDUAL_NORM_QUARTER] = "each divided by 4 times its mean"};
    Result *r = &m->command->result;
    char recipe[500];
    snprintf(recipe, sizeof recipe,
             "pr 1: residual %s; |F|^2 brought to 222 x 222 bins, mean over pictures, %s, %s; Frobenius "
             "norm of the "
             "difference",
             d->recipe, grey ? "mean over channels" : "three channels", DIVIDED[norm_named(m->norm)]);
    say(r, d->name, value);
    report(m, side, 2, recipe);
    for (int i = 0; i < 2; i++)
        warn_dropped(r, &side[i], &s[i].set);
    json_end(&r->json);
}

Status residual_metric(const SetMetric *m, Error *err)
{
    Command *c = m->command;
    MetricSide side[2];
    Residuals s[2];
    Denoiser denoiser;
    int sides;
    double value = 0.0, *power[2] = {NULL, NULL};
    const ResidualNorm norm = norm_named(m->norm);
    const bool grey = strcmp(m->channels, "mean") == 0;
    const size_t numbers = grey ? RESIDUAL_BINS * RESIDUAL_BINS : RESIDUAL_NUMBERS;
    Status status = open_sides(side, &sides, 2, m, err);
    if (status == STATUS_OK)
        status = open_denoiser(&denoiser, m, err);
    for (int i = 0; i < 2 && status == STATUS_OK; i++) {
        s[i] = (Residuals){.filter = &denoiser.filter, .arena = &c->arena, .scratch = m->scratch};
        status = each_picture(&side[i], add_residual, &s[i], m->scratch, err);
        power[i] = arena_raw(&c->arena, RESIDUAL_NUMBERS, sizeof *power[i]);
        if (status == STATUS_OK && power[i] == NULL)
            status = error_set(err, STATUS_MEMORY, "metric pr: no memory for a spectrum");
        if (status == STATUS_OK)
            status = residual_spectrum(power[i], &s[i].set, norm, grey, err);
    }
    if (status == STATUS_OK)
        value = residual_distance(power[0], power[1], numbers);
    if (status == STATUS_OK && m->plot != NULL)
        status = plot_residuals(m, s, norm, power[0], err);
    if (status != STATUS_OK)
        return status;
    say_residuals(m, side, s, &denoiser, grey, value);
    if (m->plot != NULL)
        result_file(&c->result, m->plot);
    report_memory(c);
    return STATUS_OK;
}

/* ---- psd ---- */

typedef struct {
    PowerSet set;
    PowerLine line; /* of the mean spectrum */
    double *power;  /* (rings): the mean spectrum */
    double *slope;  /* (count): of each picture */
    double mean, deviation;
    Arena *arena, *scratch;
} Slopes;

static Status add_slope(void *context, const Image *picture, Error *err)
{
    Slopes *s = context;
    PowerLine line;
    const Status status = power_set_add(&line, &s->set, picture, s->arena, s->scratch, err);
    if (status == STATUS_OK)
        s->slope[s->set.count - 1] = line.slope;
    return status;
}

static Status measure_slopes(Slopes *s, MetricSide *side, const SetMetric *m, Error *err)
{
    const size_t n = side->names.count;
    *s = (Slopes){.set = {.options = {m->low, m->high, m->log_bins, m->toolbox_labels}},
                  .arena = &m->command->arena,
                  .scratch = m->scratch};
    s->slope = arena_raw(s->arena, n, 2 * sizeof *s->slope);
    if (s->slope == NULL)
        return error_set(err, STATUS_MEMORY, "metric psd: no memory for %zu slopes", n);
    Status status = each_picture(side, add_slope, s, m->scratch, err);
    if (status != STATUS_OK)
        return status;
    s->power = arena_raw(s->arena, (size_t)s->set.rings, sizeof *s->power);
    if (s->power == NULL)
        return error_set(err, STATUS_MEMORY, "metric psd: no memory for a spectrum");
    status = power_set_line(&s->line, s->power, &s->set, err);
    s->mean = sum8_double(s->slope, n) / (double)n;
    for (size_t i = 0; i < n; i++)
        s->slope[n + i] = (s->slope[i] - s->mean) * (s->slope[i] - s->mean);
    s->deviation = sqrt(sum8_double(s->slope + n, n) / (double)n);
    return status;
}

static void say_slopes(Result *r, const Slopes *s, int i)
{
    JsonWriter *w = &r->json;
    result_line(r,
                "%s: slope %.6g +- %.2g of the mean spectrum, %.6g from -2; of single pictures %.6g, "
                "deviation %.2g\n",
                LETTERS[i], s->line.slope, s->line.error, fabs(s->line.slope + 2.0), s->mean, s->deviation);
    json_begin_object(w, NULL);
    json_write_number(w, "slope", s->line.slope);
    json_write_number(w, "error", s->line.error);
    json_write_number(w, "offset", s->line.offset);
    json_write_number(w, "psd_ref", fabs(s->line.slope + 2.0));
    json_write_number(w, "mean_of_pictures", s->mean);
    json_write_number(w, "deviation_of_pictures", s->deviation);
    json_write_int(w, "low", s->line.low);
    json_write_int(w, "high", s->line.high);
    json_write_int(w, "points", s->line.points);
    json_begin_array(w, "of_pictures");
    for (int k = 0; k < s->set.count; k++)
        json_write_number(w, NULL, s->slope[k]);
    json_end(w);
    json_end(w);
}

/* Spectra as they are, and their lines from low to high. */
static Status plot_slopes(const SetMetric *m, const Slopes *s, int sides, Error *err)
{
    static const double LN_10 = 0x1.26bb1bbb55516p+1;
    char label[2][120];
    double ends[2][2], heights[2][2];
    PlotSeries series[4];
    for (int i = 0; i < sides; i++) {
        const PowerLine *line = &s[i].line;
        snprintf(label[i], sizeof label[i], "%.80s: slope %.3f", m->command->options.words[1 + i],
                 line->slope);
        for (int k = 0; k < 2; k++) {
            ends[i][k] = k == 0 ? line->low : line->high;
            heights[i][k] = exp_f64(LN_10 * line->offset + line->slope * log_f64(ends[i][k]));
        }
        series[i] = (PlotSeries){
            .label = label[i], .y = s[i].power, .count = (size_t)s[i].set.n / 2 + 1, .colour = i + 1};
        series[sides + i] = (PlotSeries){.x = ends[i], .y = heights[i], .count = 2, .grey = true};
    }
    const PlotOptions options = {.title = "Mean power spectra",
                                 .x_label = "cycles a picture",
                                 .y_label = "power",
                                 .log_x = true,
                                 .log_y = true};
    return svg_plot_write(m->plot, series, 2 * (size_t)sides, &options, m->scratch, err);
}

Status slope_metric(const SetMetric *m, Error *err)
{
    Command *c = m->command;
    MetricSide side[2];
    Slopes s[2];
    char recipe[400];
    int sides;
    Status status = open_sides(side, &sides, 1, m, err);
    for (int i = 0; i < sides && status == STATUS_OK; i++)
        status = measure_slopes(&s[i], &side[i], m, err);
    if (status == STATUS_OK && m->plot != NULL)
        status = plot_slopes(m, s, sides, err);
    if (status != STATUS_OK)
        return status;
    if (sides == 2)
        say(&c->result, "PSD", fabs(s[0].line.slope - s[1].line.slope));
    json_begin_array(&c->result.json, "slopes");
    for (int i = 0; i < sides; i++)
        say_slopes(&c->result, &s[i], i);
    json_end(&c->result.json);
    snprintf(recipe, sizeof recipe,
             "psd 1: luminance less its mean, padded to a square, no resizing; rings of %d to %d cycles a "
             "picture, %s%s; line through log10 of the mean power of a set",
             s[0].line.low, s[0].line.high,
             m->log_bins ? "in bins of equal logarithmic width" : "each a point",
             m->toolbox_labels ? ", labelled one too high" : "");
    report(m, side, sides, recipe);
    if (sides == 2 && (s[0].line.low != s[1].line.low || s[0].line.high != s[1].line.high))
        metric_warn(&c->result,
                    "the sets' lines are of other frequencies: %d to %d and %d to %d; --low, --high",
                    s[0].line.low, s[0].line.high, s[1].line.low, s[1].line.high);
    json_end(&c->result.json);
    if (m->plot != NULL)
        result_file(&c->result, m->plot);
    report_memory(c);
    return STATUS_OK;
}
