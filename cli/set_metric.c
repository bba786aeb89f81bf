#include "cli/set_metric.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "cli/diversity_metric.h"
#include "cli/fid_curve.h"
#include "cli/lpips_metric.h"
#include "cli/metric_merge.h"
#include "cli/metric_side.h"
#include "cli/prc_plot.h"
#include "cli/recall_metric.h"
#include "cli/spectrum_metric.h"
#include "metrics/kernel_distance.h"
#include "metrics/precision_recall.h"

const SetMetric SET_METRIC_DEFAULTS = {.tap = "hidden",
                                       .neighbour = 3,
                                       .subsets = 100,
                                       .subset_size = 1000,
                                       .seed = 2020,
                                       .residual = "gauss",
                                       .norm = "mean",
                                       .channels = "mean",
                                       .resize = "tf1",
                                       .area = 0.001,
                                       .low = 10};
const char *const SET_METRICS[] = {"fid", "kid",   "prc",        "pairwise", "diversity", "pr",
                                   "psd", "lpips", "clip-score", "recall",   "merge",     NULL};

typedef struct {
    const SetMetric *m;
    Arena *arena, *scratch;
    Result *r;
    const char *metric;
    FeatureNetwork network; /* folder NULL: not opened, every side is a file */
    MetricSide side[2];
    int sides;
    int shard, shards;
} Run;

/* The number that *text begins with, which goes on behind it; 0 when there is none, or one above 1000000. */
static int read_count(const char **text)
{
    int value = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        value = value <= 1000000 ? 10 * value + (**text - '0') : value;
    return value <= 1000000 ? value : 0;
}

/* "i/n": 1 <= i <= n. */
static Status read_shard(Run *run, const char *text, Error *err)
{
    const char *rest = text;
    run->shard = read_count(&rest);
    const bool parted = *rest == '/';
    rest += parted;
    run->shards = read_count(&rest);
    if (!parted || *rest != '\0' || run->shard < 1 || run->shard > run->shards)
        return error_set(err, STATUS_ARGUMENT,
                         "metric fid: --shard \"%.40s\" is no part i/n with 1 <= i <= n <= 1000000", text);
    return STATUS_OK;
}

static Status check_words(Run *run, Error *err)
{
    const SetMetric *m = run->m;
    const bool fid = strcmp(run->metric, "fid") == 0;
    run->sides = m->command->options.word_count - 1;
    run->shard = run->shards = 1;
    if (!fid && m->stats != NULL)
        return error_set(err, STATUS_ARGUMENT, "metric %s: --stats belongs to fid and merge", run->metric);
    if (run->sides > 2 || (run->sides < 2 && !fid))
        return error_set(err, STATUS_ARGUMENT, "metric %s: expected two sets A B, got %d", run->metric,
                         run->sides);
    if (run->sides == 1 && m->stats == NULL)
        return error_set(err, STATUS_ARGUMENT, "metric fid: expected two sets A B, or A and --stats FILE");
    if (fid && m->plot != NULL && run->sides != 2)
        return error_set(err, STATUS_ARGUMENT, "metric fid: --plot needs two sets of pictures A B");
    if (m->shard != NULL && (!fid || run->sides == 2))
        return error_set(err, STATUS_ARGUMENT, "metric %s: --shard belongs to metric fid A --stats FILE",
                         run->metric);
    if (m->stats != NULL && !is_statistics_file(m->stats))
        return error_set(err, STATUS_ARGUMENT, "metric %s: --stats \"%.100s\" does not end in .npz",
                         run->metric, m->stats);
    return m->shard != NULL ? read_shard(run, m->shard, err) : STATUS_OK;
}

static Status open_sides(Run *run, Error *err)
{
    Status status = STATUS_OK;
    bool pictures = false;
    for (int i = 0; i < run->sides && status == STATUS_OK; i++) {
        MetricSide *side = &run->side[i];
        status = metric_side_open(side, run->m->command->options.words[1 + i], run->arena, err);
        if (status != STATUS_OK)
            return status;
        pictures = pictures || !side->is_file;
        if (side->is_file && strcmp(run->metric, "fid") != 0)
            return error_set(err, STATUS_ARGUMENT,
                             "metric %s: %.150s has mean and covariance alone; %s needs pictures",
                             run->metric, side->word, run->metric);
        if (side->is_file && run->m->plot != NULL)
            return error_set(err, STATUS_ARGUMENT,
                             "metric fid: %.150s has statistics; --plot needs pictures", side->word);
        if (side->is_file && (run->m->stats != NULL && i == 0))
            return error_set(err, STATUS_ARGUMENT,
                             "metric fid: --stats is made of pictures, %.150s is a file of them",
                             side->word);
        if (side->is_file && side->file.shards > 1)
            return error_set(err, STATUS_ARGUMENT,
                             "metric fid: %.150s is shard %d of %d; metric merge joins them", side->word,
                             side->file.shard, side->file.shards);
    }
    if (pictures)
        status = feature_network_open(&run->network, run->m->features, run->arena, err);
    run->network.half_pixel = strcmp(run->m->resize, "half-pixel") == 0;
    return pictures && status == STATUS_OK
               ? feature_network_tap(&run->network, feature_tap_named(run->m->tap), err)
               : status;
}

/* The network's name of the recipe: up to its first '/' or space. */
static void print_name(char text[80], const Run *run)
{
    const char *recipe = run->side[0].file.recipe != NULL ? run->side[0].file.recipe : NULL;
    if (run->sides == 2 && run->side[1].file.recipe == NULL)
        recipe = NULL;
    const char *word = recipe != NULL ? recipe : "unknown";
    char upper[8];
    snprintf(upper, sizeof upper, "%s", run->metric);
    for (char *c = upper; *c != '\0'; c++)
        *c = (char)(*c - 'a' + 'A');
    snprintf(text, 80, "%s[%.*s]", upper, (int)strcspn(word, "/ ") > 60 ? 60 : (int)strcspn(word, "/ "),
             word);
}

/* The sets, the network and the warnings: what every number needs beside it. */
static void report(Run *run)
{
    static const char *const letters[] = {"A", "B"};
    Result *r = run->r;
    const char *recipe = run->side[0].file.recipe;
    for (int i = 1; i < run->sides && recipe == NULL; i++)
        recipe = run->side[i].file.recipe;
    json_begin_array(&r->json, "sets");
    for (int i = 0; i < run->sides; i++)
        metric_side_report(&run->side[i], letters[i], r);
    json_end(&r->json);
    result_line(r, "features: %s\n", recipe != NULL ? recipe : "unknown");
    if (recipe != NULL)
        json_write_text(&r->json, "features", recipe);
    else
        json_write_null(&r->json, "features");
    if (run->network.folder != NULL) {
        json_begin_object(&r->json, "network");
        json_write_text(&r->json, "folder", run->network.folder);
        json_write_text(&r->json, "name", run->network.name);
        json_write_text(&r->json, "weights_sha256", run->network.weights);
        json_write_text(&r->json, "config_sha256", run->network.config);
        json_write_int(&r->json, "numbers", run->network.d);
        json_end(&r->json);
    }
    json_begin_array(&r->json, "warnings");
    for (int i = 0; i < run->sides; i++)
        metric_side_warn(&run->side[i], r);
    json_end(&r->json);
}

static void say_number(Run *run, const char *name, const char *after, double value)
{
    char text[DECIMAL_LONGEST];
    decimal_write(text, value);
    result_line(run->r, "%s %s%s\n", name, text, after);
    json_write_text(&run->r->json, "name", name);
    json_write_number(&run->r->json, "value", value);
}

static void say_recipe(Run *run, const char *recipe)
{
    result_line(run->r, "%s\n", recipe);
    json_write_text(&run->r->json, "recipe", recipe);
}

/* ---- fid ---- */

static Status check_fid(const Run *run, Error *err)
{
    for (int i = 0; i < run->sides; i++) {
        const MetricSide *side = &run->side[i];
        if (side->file.features.mean == NULL && run->sides == 2)
            return error_set(err, STATUS_ARGUMENT, "metric fid: %.150s: %lld picture, expected at least 2",
                             side->word, (long long)side->file.count);
    }
    const MetricSide *a = &run->side[0], *b = &run->side[run->sides - 1];
    if (run->sides == 2 && a->file.features.d != b->file.features.d)
        return error_set(err, STATUS_SHAPE,
                         "metric fid: features of %d numbers in %.120s and of %d in %.120s",
                         a->file.features.d, a->word, b->file.features.d, b->word);
    if (a->file.recipe != NULL && b->file.recipe != NULL && strcmp(a->file.recipe, b->file.recipe) != 0)
        return error_set(err, STATUS_ARGUMENT,
                         "metric fid: %.150s and %.150s have features by other recipes", a->word, b->word);
    return STATUS_OK;
}

static Status write_stats(Run *run, Error *err)
{
    StatisticsFile *f = &run->side[0].file;
    f->shard = run->shard;
    f->shards = run->shards;
    const Status status = statistics_file_write(run->m->stats, f, run->arena, err);
    if (status == STATUS_OK)
        result_file(run->r, run->m->stats);
    return status;
}

static Status run_fid(Run *run, Error *err)
{
    FrechetDistance f = {.distance = 0.0};
    FidCurve curve = {.points = 0};
    char name[80];
    Status status = STATUS_OK;
    JsonWriter *w = &run->r->json;
    if (run->m->shard != NULL)
        run->side[0].names = picture_names_part(&run->side[0].names, run->shard, run->shards);
    for (int i = 0; i < run->sides && status == STATUS_OK; i++)
        if (!run->side[i].is_file && run->m->plot == NULL)
            status = metric_side_sums(&run->side[i], &run->network, run->arena, run->scratch, err);
    if (status == STATUS_OK && run->m->plot != NULL)
        status = fid_curve(&curve, run->side, &run->network, run->arena, run->scratch, err);
    if (status == STATUS_OK)
        status = check_fid(run, err);
    if (status == STATUS_OK && run->sides == 2)
        status = frechet_distance(&f, &run->side[0].file.features, &run->side[1].file.features,
                                  run->scratch, err);
    if (status == STATUS_OK && f.distance - f.distance != 0.0)
        status = error_set(err, STATUS_NOT_FINITE, "metric fid: the distance is not finite");
    if (status == STATUS_OK && run->m->stats != NULL)
        status = write_stats(run, err);
    print_name(name, run);
    if (status == STATUS_OK && run->m->plot != NULL)
        status = fid_curve_plot(&curve, run->m->plot, name, run->scratch, err);
    if (status != STATUS_OK)
        return status;
    if (run->sides == 2) {
        say_number(run, name, "", f.distance);
        say_recipe(
            run,
            "fid 1: |mu_A - mu_B|^2 + tr S_A + tr S_B - 2 tr (S_A S_B)^1/2, covariances by n - 1 of sums "
            "without rounding, the root by symmetric eigenvalues, nothing added to a diagonal");
        json_write_number(w, "mean_part", f.mean_part);
        json_write_number(w, "trace_a", f.trace1);
        json_write_number(w, "trace_b", f.trace2);
        json_write_number(w, "trace_root", f.trace_root);
        if (run->m->plot != NULL) {
            fid_curve_report(&curve, name, run->r);
            result_file(run->r, run->m->plot);
        }
    } else {
        json_write_int(w, "shard", run->shard);
        json_write_int(w, "shards", run->shards);
    }
    report(run);
    return STATUS_OK;
}

/* ---- kid, prc ---- */

static Status run_kid(Run *run, Error *err)
{
    const SetMetric *m = run->m;
    const size_t n1 = run->side[0].names.count, n2 = run->side[1].names.count, low = n1 < n2 ? n1 : n2;
    KernelDistanceOptions options = KERNEL_DISTANCE_DEFAULTS;
    KernelDistance k;
    char name[80], after[60] = "", recipe[200], deviation[DECIMAL_LONGEST];
    options.subsets = m->full ? 0 : m->subsets;
    options.size = m->subset_size;
    options.seed = (unsigned)m->seed;
    if (low < 2 || (!m->full && (size_t)m->subset_size > low))
        return error_set(err, STATUS_ARGUMENT,
                         "metric kid: subsets of %d pictures of a set of %zu; --subset-size or --full",
                         m->full ? 2 : m->subset_size, low);
    Status status = STATUS_OK;
    for (int i = 0; i < 2 && status == STATUS_OK; i++)
        status = metric_side_features(&run->side[i], &run->network, run->arena, run->scratch, err);
    if (status == STATUS_OK)
        status = kernel_distance(&k, NULL, run->side[0].x, (int)n1, run->side[1].x, (int)n2, run->network.d,
                                 &options, run->scratch, err);
    if (status != STATUS_OK)
        return status;
    decimal_write(deviation, k.deviation);
    if (!m->full)
        snprintf(after, sizeof after, " +- %s", deviation);
    if (m->full)
        snprintf(recipe, sizeof recipe,
                 "kid 1: unbiased, kernel (a.b / d + 1)^3, one estimate of the first %zu of each", low);
    else
        snprintf(recipe, sizeof recipe,
                 "kid 1: unbiased, kernel (a.b / d + 1)^3, mean and deviation over %d subsets of %d of "
                 "each, drawn by "
                 "numpy's RandomState(%lld)",
                 m->subsets, m->subset_size, (long long)m->seed);
    print_name(name, run);
    say_number(run, name, after, k.mean);
    say_recipe(run, recipe);
    if (!m->full)
        json_write_number(&run->r->json, "deviation", k.deviation);
    report(run);
    return STATUS_OK;
}

static Status run_prc(Run *run, Error *err)
{
    const size_t n1 = run->side[0].names.count, n2 = run->side[1].names.count, low = n1 < n2 ? n1 : n2;
    const int k = run->m->neighbour;
    PrecisionRecall p;
    char name[80], recipe[160];
    if (low <= (size_t)k)
        return error_set(err, STATUS_ARGUMENT,
                         "metric prc: a set of %zu pictures has no neighbour %d of each; --neighbour", low,
                         k);
    Status status = STATUS_OK;
    for (int i = 0; i < 2 && status == STATUS_OK; i++)
        status = metric_side_features(&run->side[i], &run->network, run->arena, run->scratch, err);
    if (status == STATUS_OK)
        status = precision_recall(&p, run->side[0].x, (int)n1, run->side[1].x, (int)n2, run->network.d, k,
                                  run->scratch, err);
    print_name(name, run);
    if (status == STATUS_OK && run->m->plot != NULL)
        status = prc_plot(run->m->plot, name, run->side[0].x, (int)n1, run->side[1].x, (int)n2,
                          run->network.d, run->scratch, err);
    if (status != STATUS_OK)
        return status;
    if (run->m->plot != NULL)
        result_file(run->r, run->m->plot);
    result_line(run->r, "%s precision %.6g, recall %.6g, F %.6g\n", name, p.precision, p.recall, p.f_score);
    json_write_text(&run->r->json, "name", name);
    json_write_number(&run->r->json, "precision", p.precision);
    json_write_number(&run->r->json, "recall", p.recall);
    json_write_number(&run->r->json, "f_score", p.f_score);
    snprintf(
        recipe, sizeof recipe,
        "prc 1: A are made, B real pictures; balls to neighbour %d of the own set, closed, exact distances",
        k);
    say_recipe(run, recipe);
    report(run);
    return STATUS_OK;
}

/* Those that are not two sets of features. */
static const struct {
    const char *name;
    Status (*run)(const SetMetric *m, Error *err);
} OTHERS[] = {{"pairwise", pairwise_metric}, {"diversity", diversity_metric},
              {"pr", residual_metric},       {"psd", slope_metric},
              {"lpips", lpips_metric},       {"clip-score", clip_score_metric},
              {"recall", recall_metric}};

Status set_metric_run(const SetMetric *m, Error *err)
{
    Command *c = m->command;
    Run run = {
        .m = m, .arena = &c->arena, .scratch = m->scratch, .r = &c->result, .metric = c->options.words[0]};
    json_write_text(&c->result.json, "metric", run.metric);
    if (strcmp(run.metric, "merge") == 0)
        return metric_merge(c, m->stats, m->scratch, err);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        if (strcmp(run.metric, OTHERS[i].name) == 0)
            return OTHERS[i].run(m, err);
    Status status = check_words(&run, err);
    for (int i = 0; i < run.sides && i < 2 && status == STATUS_OK; i++)
        json_write_text(&c->result.json, i == 0 ? "a" : "b", c->options.words[1 + i]);
    if (status == STATUS_OK)
        status = open_sides(&run, err);
    if (status == STATUS_OK)
        status = strcmp(run.metric, "fid") == 0   ? run_fid(&run, err)
                 : strcmp(run.metric, "kid") == 0 ? run_kid(&run, err)
                                                  : run_prc(&run, err);
    if (status == STATUS_OK)
        report_memory(c);
    return status;
}
