#include "cli/metric_side.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

Status metric_side_open(MetricSide *out, const char *word, Arena *arena, Error *err)
{
    MetricSide side = {
        .word = word, .is_file = is_statistics_file(word), .file = {.shard = 1, .shards = 1}};
    const Status status = side.is_file ? statistics_file_read(&side.file, word, false, arena, err)
                                       : picture_names(&side.names, word, arena, err);
    if (status == STATUS_OK)
        *out = side;
    return status;
}

/* ---- features ---- */

typedef struct {
    MetricSide *side;
    size_t count; /* features so far */
    int d;
    Arena *scratch;
} Sink;

static Status add_to_sums(void *context, const float *x, int n, Error *err)
{
    Sink *s = context;
    return feature_sums_add(&s->side->file.sums, x, n, s->scratch, err);
}

static Status keep(void *context, const float *x, int n, Error *err)
{
    Sink *s = context;
    (void)err;
    memcpy(s->side->x + s->count * (size_t)s->d, x, (size_t)n * (size_t)s->d * sizeof *x);
    s->count += (size_t)n;
    return STATUS_OK;
}

Status metric_side_sums(MetricSide *side, const FeatureNetwork *network, Arena *arena, Arena *scratch,
                        Error *err)
{
    StatisticsFile *f = &side->file;
    Sink sink = {.side = side, .scratch = scratch};
    Status status = feature_sums_new(&f->sums, network->d, arena, err);
    if (status == STATUS_OK)
        status = picture_features(network, &side->names, add_to_sums, &sink, &side->sizes, scratch, err);
    f->has_sums = true;
    f->recipe = network->recipe;
    f->count = (int64_t)f->sums.n;
    if (status == STATUS_OK && f->count >= 2)
        status = feature_sums_statistics(&f->features, &f->sums, arena, err);
    return status;
}

Status metric_side_features(MetricSide *side, const FeatureNetwork *network, Arena *arena, Arena *scratch,
                            Error *err)
{
    Sink sink = {.side = side, .d = network->d};
    side->x = arena_raw(arena, side->names.count, (size_t)network->d * sizeof *side->x);
    if (side->x == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for %zu features", side->word,
                         side->names.count);
    side->file.recipe = network->recipe;
    side->file.count = (int64_t)side->names.count;
    return picture_features(network, &side->names, keep, &sink, &side->sizes, scratch, err);
}

/* ---- what is said of it ---- */

void metric_side_report(const MetricSide *side, const char *letter, Result *r)
{
    const StatisticsFile *f = &side->file;
    JsonWriter *w = &r->json;
    json_begin_object(w, NULL);
    json_write_text(w, "path", side->word);
    if (f->count >= 0)
        json_write_int(w, "count", f->count);
    else
        json_write_null(w, "count");
    json_write_bool(w, "statistics", side->is_file);
    if (side->is_file) {
        result_line(r, f->count >= 0 ? "%s: %s, statistics of %lld pictures\n" : "%s: %s, statistics\n",
                    letter, side->word, (long long)f->count);
    } else {
        json_write_int(w, "width", side->sizes.width);
        json_write_int(w, "height", side->sizes.height);
        json_write_uint64(w, "other_sizes", side->sizes.different);
        json_write_uint64(w, "other_files", side->names.others);
        result_line(r, "%s: %s, %lld picture%s of %d x %d\n", letter, side->word, (long long)f->count,
                    f->count == 1 ? "" : "s", side->sizes.width, side->sizes.height);
    }
    json_end(w);
}

void metric_warn(Result *r, const char *format, ...)
{
    char text[500];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    result_line(r, "warning: %s\n", text);
    json_write_text(&r->json, NULL, text);
}

void metric_side_warn(const MetricSide *side, Result *r)
{
    const StatisticsFile *f = &side->file;
    if (side->sizes.different > 0)
        metric_warn(r, "%.150s: %zu of %zu pictures are not of %d x %d, the first's size", side->word,
                    side->sizes.different, side->sizes.count, side->sizes.width, side->sizes.height);
    if (side->names.others > 0)
        metric_warn(r, "%.150s: %zu file%s not .png, .ppm or .pgm, left out", side->word,
                    side->names.others, side->names.others == 1 ? " is" : "s are");
    if (f->recipe == NULL)
        metric_warn(r, "%.150s: does not say by which recipe its features were made", side->word);
    if (f->features.mean != NULL && f->count >= 0 && f->count <= f->features.d)
        metric_warn(
            r,
            "%.150s: %lld pictures for %d numbers: the covariance is singular, and the distance too large",
            side->word, (long long)f->count, f->features.d);
}
