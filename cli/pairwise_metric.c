#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/diversity_metric.h"
#include "cli/metric_side.h"
#include "io/svg_plot.h"
#include "metrics/pairwise.h"

/* Steps of the histogram, as a line. */
static Status plot(const char *path, const PairwiseDistances *p, const char *title, Arena *scratch,
                   Error *err)
{
    double x[2 * PAIRWISE_BINS], y[2 * PAIRWISE_BINS];
    const double width = (p->greatest - p->least) / PAIRWISE_BINS;
    for (int b = 0; b < PAIRWISE_BINS; b++) {
        x[2 * b] = p->least + width * b;
        x[2 * b + 1] = p->least + width * (b + 1);
        y[2 * b] = y[2 * b + 1] = (double)p->bin[b];
    }
    const PlotSeries series = {.x = x, .y = y, .count = 2 * PAIRWISE_BINS, .style = PLOT_LINE};
    const PlotOptions options = {.title = title, .x_label = "distance of two pictures", .y_label = "pairs"};
    return svg_plot_write(path, &series, 1, &options, scratch, err);
}

static void say_pairs(Result *r, const MetricSide *side, const char *which, const FeaturePair *pair,
                      int count)
{
    json_begin_array(&r->json, which);
    for (int k = 0; k < count; k++) {
        const char *a = side->names.path[pair[k].i], *b = side->names.path[pair[k].j];
        result_line(r, "%s %.2f  %s  %s\n", which, pair[k].distance, a, b);
        json_begin_object(&r->json, NULL);
        json_write_number(&r->json, "distance", pair[k].distance);
        json_write_text(&r->json, "a", a);
        json_write_text(&r->json, "b", b);
        json_end(&r->json);
    }
    json_end(&r->json);
}

static void say(Result *r, const MetricSide *side, const PairwiseDistances *p, double spread)
{
    JsonWriter *w = &r->json;
    result_line(r, "%llu pairs: mean %.6g, median %.6g, least %.6g, greatest %.6g; spread %.6g\n",
                (unsigned long long)p->pairs, p->mean, p->median, p->least, p->greatest, spread);
    json_write_uint64(w, "pairs", p->pairs);
    json_write_number(w, "mean", p->mean);
    json_write_number(w, "median", p->median);
    json_write_number(w, "least", p->least);
    json_write_number(w, "greatest", p->greatest);
    json_write_number(w, "spread", spread);
    json_begin_array(w, "histogram");
    for (int b = 0; b < PAIRWISE_BINS; b++)
        json_write_uint64(w, NULL, p->bin[b]);
    json_end(w);
    say_pairs(r, side, "nearest", p->nearest, p->shown);
    say_pairs(r, side, "farthest", p->farthest, p->shown);
}

Status pairwise_metric(const SetMetric *m, Error *err)
{
    static const char *const recipe =
        "pairwise 1: distances of all pairs of features, in binary64; spread: sum over "
        "the pairs of the mean square difference";
    Command *c = m->command;
    MetricSide side;
    FeatureNetwork network;
    PairwiseDistances p;
    if (c->options.word_count != 2)
        return error_set(err, STATUS_ARGUMENT, "metric pairwise: expected one set A, got %d",
                         c->options.word_count - 1);
    Status status = metric_side_open(&side, c->options.words[1], &c->arena, err);
    if (status == STATUS_OK && (side.is_file || side.names.count < 2))
        status = error_set(err, STATUS_ARGUMENT, "metric pairwise: %.150s: expected two pictures or more",
                           side.word);
    if (status == STATUS_OK)
        status = feature_network_open(&network, m->features, &c->arena, err);
    network.half_pixel = strcmp(m->resize, "half-pixel") == 0;
    if (status == STATUS_OK)
        status = feature_network_tap(&network, feature_tap_named(m->tap), err);
    if (status == STATUS_OK)
        status = metric_side_features(&side, &network, &c->arena, m->scratch, err);
    if (status == STATUS_OK)
        status = pairwise_distances(&p, side.x, (int)side.names.count, network.d, m->scratch, err);
    if (status == STATUS_OK && m->plot != NULL)
        status = plot(m->plot, &p, side.word, m->scratch, err);
    if (status != STATUS_OK)
        return status;
    say(&c->result, &side, &p, particle_spread(side.x, (int)side.names.count, network.d));
    result_line(&c->result, "%s\nfeatures: %s\n", recipe, network.recipe);
    json_write_text(&c->result.json, "recipe", recipe);
    json_write_text(&c->result.json, "features", network.recipe);
    if (m->plot != NULL)
        result_file(&c->result, m->plot);
    json_begin_array(&c->result.json, "sets");
    metric_side_report(&side, "A", &c->result);
    json_end(&c->result.json);
    json_begin_array(&c->result.json, "warnings");
    metric_side_warn(&side, &c->result);
    json_end(&c->result.json);
    report_memory(c);
    return STATUS_OK;
}
