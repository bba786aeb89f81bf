#include "cli/diversity_metric.h"

#include <stdio.h>
#include <string.h>

#include "cli/metric_side.h"

/* The sets: A, M, and those of --floor and --ceiling. */
enum { SETS = 4, SPACES = 3 };

typedef struct {
    const SetMetric *m;
    Arena *arena, *scratch;
    Result *r;
    FeatureNetwork network;
    MetricSide side[SETS]; /* word NULL: not given */
} Diversity;

typedef struct {
    FrechetDistance of[SETS]; /* to M; of M itself nothing */
} SpaceDistances;

static const char *const LETTERS[SETS] = {"A", "M", "floor", "ceiling"};

static Status open_sets(Diversity *v, Error *err)
{
    const Options *o = &v->m->command->options;
    if (o->word_count != 3)
        return error_set(err, STATUS_ARGUMENT, "metric diversity: expected two sets A M, got %d",
                         o->word_count - 1);
    const char *const words[SETS] = {o->words[1], o->words[2], v->m->floor, v->m->ceiling};
    for (int i = 0; i < SETS; i++) {
        MetricSide *side = &v->side[i];
        if (words[i] == NULL)
            continue;
        const Status status = metric_side_open(side, words[i], v->arena, err);
        if (status != STATUS_OK)
            return status;
        if (side->is_file || side->names.count < 2)
            return error_set(err, STATUS_ARGUMENT,
                             "metric diversity: %.150s: expected two pictures or more", words[i]);
        const double n = (double)side->names.count, first = (double)v->side[0].names.count;
        if (!v->m->force && (n > 1.01 * first || first > 1.01 * n))
            return error_set(
                err, STATUS_ARGUMENT,
                "metric diversity: %zu pictures in %.100s and %zu in %.100s: the distance depends on the "
                "number; --force",
                v->side[0].names.count, words[0], side->names.count, words[i]);
    }
    return STATUS_OK;
}

/* Distances to M in one feature space. */
static Status measure_space(Diversity *v, SpaceDistances *out, FeatureTap tap, Error *err)
{
    const ArenaMark mark = arena_mark(v->arena);
    Status status = feature_network_tap(&v->network, tap, err);
    for (int i = 0; i < SETS && status == STATUS_OK; i++)
        if (v->side[i].word != NULL)
            status = metric_side_sums(&v->side[i], &v->network, v->arena, v->scratch, err);
    for (int i = 0; i < SETS && status == STATUS_OK; i++)
        if (v->side[i].word != NULL && i != 1)
            status = frechet_distance(&out->of[i], &v->side[i].file.features, &v->side[1].file.features,
                                      v->scratch, err);
    for (int i = 0; i < SETS; i++) /* what the mark takes away */
        v->side[i].file.features = (FeatureStatistics){.n = 0};
    arena_release(v->arena, mark);
    return status;
}

static void say_space(Diversity *v, const char *name, const SpaceDistances *d)
{
    Result *r = v->r;
    JsonWriter *w = &r->json;
    const double value = d->of[0].distance, low = d->of[2].distance, high = d->of[3].distance;
    const bool floor = v->side[2].word != NULL, ceiling = v->side[3].word != NULL;
    json_begin_object(w, NULL);
    json_write_text(w, "space", name);
    json_write_number(w, "value", value);
    json_write_number(w, "mean_part", d->of[0].mean_part);
    json_write_number(w, "trace_a", d->of[0].trace1);
    json_write_number(w, "trace_m", d->of[0].trace2);
    result_line(r, "%-8s %12.6g", name, value);
    if (floor) {
        json_write_number(w, "floor", low);
        result_line(r, "  floor %.6g", low);
    }
    if (ceiling) {
        json_write_number(w, "ceiling", high);
        result_line(r, "  ceiling %.6g", high);
    }
    if (floor && ceiling && high > low) {
        json_write_number(w, "position", (value - low) / (high - low));
        result_line(r, "  position %.4g", (value - low) / (high - low));
    }
    json_write_text(w, "features", v->network.recipe);
    result_line(r, "\n         %s\n", v->network.recipe);
    json_end(w);
}

static Status measure_all(Diversity *v, Error *err)
{
    static const char *const names[SPACES] = {"what", "location", "style"};
    const FeatureTap taps[SPACES] = {FEATURE_HIDDEN, FEATURE_LOCATION,
                                     v->m->gram ? FEATURE_GRAM : FEATURE_STYLE};
    Status status = STATUS_OK;
    json_begin_array(&v->r->json, "rows");
    for (int k = 0; k < SPACES && status == STATUS_OK; k++) {
        SpaceDistances d = {.of = {{.distance = 0.0}}};
        status = measure_space(v, &d, taps[k], err);
        if (status == STATUS_OK)
            say_space(v, names[k], &d);
    }
    json_end(&v->r->json);
    return status;
}

Status diversity_metric(const SetMetric *m, Error *err)
{
    static const char *const recipe = "diversity 1: Frechet distances to M, least for the greatest "
                                      "diversity; three spaces, which are not to be "
                                      "averaged; position = (value - floor) / (ceiling - floor)";
    Command *c = m->command;
    Diversity v = {.m = m, .arena = &c->arena, .scratch = m->scratch, .r = &c->result};
    Status status = open_sets(&v, err);
    if (status == STATUS_OK)
        status = feature_network_open(&v.network, m->features, v.arena, err);
    v.network.half_pixel = strcmp(m->resize, "half-pixel") == 0;
    if (status == STATUS_OK)
        status = measure_all(&v, err);
    if (status != STATUS_OK)
        return status;
    result_line(v.r, "%s\n", recipe);
    json_write_text(&v.r->json, "recipe", recipe);
    json_begin_array(&v.r->json, "sets");
    for (int i = 0; i < SETS; i++)
        if (v.side[i].word != NULL)
            metric_side_report(&v.side[i], LETTERS[i], v.r);
    json_end(&v.r->json);
    json_begin_array(&v.r->json, "warnings");
    for (int i = 0; i < SETS; i++)
        if (v.side[i].word != NULL)
            metric_side_warn(&v.side[i], v.r);
    json_end(&v.r->json);
    report_memory(c);
    return STATUS_OK;
}
