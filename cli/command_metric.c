/* cli/command_metric.c - how near pictures, arrays or folders of them are, with the recipe beside the number. */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/folder_list.h"
#include "base/sum.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/picture_pair.h"
#include "cli/set_metric.h"
#include "cli/tensor_difference.h"

typedef struct {
    Command command;
    Arena scratch;     /* of one pair of files */
    const char *a, *b; /* the words */
    double range;      /* --range; 0: not given */
    const PairMetric *metric;
    double *values; /* of the pairs, in order */
    size_t count, room;
    double used_range; /* of all pairs */
    SetMetric sets;
} Metric;

static Status add(Metric *m, const char *name, double value, Error *err)
{
    JsonWriter *w = &m->command.result.json;
    if (m->count == m->room) {
        const size_t room = 2 * m->room + 64;
        double *values = arena_raw(&m->command.arena, room, sizeof *values);
        if (values == NULL)
            return error_set(err, STATUS_MEMORY, "metric: no memory for %zu values", room);
        if (m->count > 0)
            memcpy(values, m->values, m->count * sizeof *values);
        m->values = values;
        m->room = room;
    }
    m->values[m->count++] = value;
    json_begin_object(w, NULL);
    json_write_text(w, "name", name);
    json_write_number(w, "value", value);
    json_end(w);
    return STATUS_OK;
}

static Status measure(Metric *m, const char *name, const NamedTensor *a, const NamedTensor *b, Error *err)
{
    char left[160], right[160];
    PicturePair pair;
    double value;
    Error why = {0};
    shape_text(left, a);
    shape_text(right, b);
    if (a->picture != b->picture || !same_shape(a, b))
        return error_set(err, STATUS_SHAPE, "metric %s: %s is %s %s in A and %s %s in B", m->metric->name,
                         name, a->picture ? "a picture" : "an array", left,
                         b->picture ? "a picture" : "an array", right);
    if (!a->picture && m->range == 0.0 && m->metric->ranged)
        return error_set(err, STATUS_ARGUMENT,
                         "metric %s: %s is an array, so --range is needed (2 for numbers in [-1,1])",
                         m->metric->name, name);
    Status status = picture_pair(&pair, a, b, m->range > 0.0 ? m->range : 1.0, &m->scratch, err);
    if (status == STATUS_OK && m->count > 0 && m->metric->ranged && pair.range != m->used_range)
        return error_set(err, STATUS_ARGUMENT, "metric %s: %s has the range %g, those before it %g",
                         m->metric->name, name, pair.range, m->used_range);
    if (status != STATUS_OK)
        return status;
    m->used_range = pair.range;
    status = m->metric->measure(&value, &pair, &m->scratch, &why);
    return status == STATUS_OK ? add(m, name, value, err)
                               : error_set(err, status, "metric: %s: %s", name, why.text);
}

/* Every tensor of two files; `name` is that of the only one. */
static Status measure_files(Metric *m, const char *name, const char *path_a, const char *path_b, Error *err)
{
    TensorFile a, b;
    Status status = tensor_file_read(&a, path_a, &m->scratch, err);
    if (status == STATUS_OK)
        status = tensor_file_read(&b, path_b, &m->scratch, err);
    if (status == STATUS_OK && a.count == 1 && b.count == 1) {
        status = measure(m, name, &a.tensors[0], &b.tensors[0], err);
    } else {
        if (status == STATUS_OK && (a.count != b.count || a.count == 0))
            status = error_set(err, STATUS_SHAPE, "metric: %s holds %zu tensors, %s %zu", path_a, a.count,
                               path_b, b.count);
        for (size_t i = 0; status == STATUS_OK && i < a.count; i++) {
            const NamedTensor *match = tensor_file_find(&b, a.tensors[i].name);
            status = match != NULL ? measure(m, a.tensors[i].name, &a.tensors[i], match, err)
                                   : error_set(err, STATUS_FORMAT, "metric: %s has no tensor %s", path_b,
                                               a.tensors[i].name);
        }
    }
    arena_free(&m->scratch);
    return status;
}

/* Files of the same name; what only one of the folders has is an error. */
static Status measure_folders(Metric *m, Error *err)
{
    const char *const *a, *const *b;
    size_t count_a, count_b;
    Arena *arena = &m->command.arena;
    Status status = folder_list(&a, &count_a, m->a, is_tensor_file, arena, err);
    if (status == STATUS_OK)
        status = folder_list(&b, &count_b, m->b, is_tensor_file, arena, err);
    if (status == STATUS_OK && count_a == 0)
        status = error_set(err, STATUS_FILE, "metric: %s holds no pictures or arrays", m->a);
    for (size_t i = 0; status == STATUS_OK && (i < count_a || i < count_b); i++) {
        const int order = i == count_a ? 1 : i == count_b ? -1 : strcmp(a[i], b[i]);
        if (order != 0)
            return error_set(err, STATUS_FILE, "metric: %s has no %s, which is in %s",
                             order < 0 ? m->b : m->a, order < 0 ? a[i] : b[i], order < 0 ? m->a : m->b);
        const char *path_a = path_join(arena, m->a, a[i]), *path_b = path_join(arena, m->b, b[i]);
        if (path_a == NULL || path_b == NULL)
            return error_set(err, STATUS_MEMORY, "metric: no memory for a file name");
        status = measure_files(m, a[i], path_a, path_b, err);
    }
    return status;
}

static void print(Metric *m)
{
    char mean_text[DECIMAL_LONGEST + 8] = "infinite", range[60] = "", of[60] = "";
    const double mean = sum8_double(m->values, m->count) / (double)m->count;
    Result *r = &m->command.result;
    if (mean - mean == 0.0) {
        decimal_write(mean_text, mean);
        snprintf(mean_text + strlen(mean_text), 8, "%s%s", m->metric->unit[0] != '\0' ? " " : "",
                 m->metric->unit);
    }
    if (m->count > 1)
        snprintf(of, sizeof of, ", the mean of %zu", m->count);
    if (m->metric->ranged)
        snprintf(range, sizeof range, "; range %g", m->used_range);
    result_line(r, "%s %s%s\n%s%s\n", m->metric->name, mean_text, of, m->metric->recipe, range);
    json_write_number(&r->json, "value", mean);
    json_write_uint64(&r->json, "count", m->count);
    json_write_text(&r->json, "recipe", m->metric->recipe);
    if (m->metric->ranged)
        json_write_number(&r->json, "range", m->used_range);
}

static bool is_set_metric(const char *word)
{
    for (int i = 0; SET_METRICS[i] != NULL; i++)
        if (strcmp(word, SET_METRICS[i]) == 0)
            return true;
    return false;
}

/* All metrics, for the sentence about a word that is none. */
static Status unknown_metric(const char *word, Error *err)
{
    const char *names[16] = {NULL};
    int count = 0;
    for (int i = 0; count < 8 && pair_metric(i) != NULL; i++)
        names[count++] = pair_metric(i)->name;
    for (int i = 0; SET_METRICS[i] != NULL; i++)
        names[count++] = SET_METRICS[i];
    const char *near = nearest_word(word, names);
    return error_set(err, STATUS_ARGUMENT,
                     "metric: \"%.40s\" is not known, expected mse, psnr, ssim, fid, kid, prc, pairwise, "
                     "diversity, pr, psd, lpips, clip-score, recall or merge%s%s",
                     word, near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

static Status run(Metric *m, Error *err)
{
    const Options *o = &m->command.options;
    JsonWriter *w = &m->command.result.json;
    m->metric = pair_metric_find(o->words[0]);
    if (is_set_metric(o->words[0]))
        return m->range == 0.0 ? set_metric_run(&m->sets, err)
                               : error_set(err, STATUS_ARGUMENT,
                                           "metric %s: --range belongs to psnr and ssim", o->words[0]);
    if (m->metric == NULL)
        return unknown_metric(o->words[0], err);
    if (o->word_count != 3)
        return error_set(err, STATUS_ARGUMENT, "metric %s: expected two words A B, got %d", m->metric->name,
                         o->word_count - 1);
    if (m->sets.stats != NULL || m->sets.shard != NULL)
        return error_set(err, STATUS_ARGUMENT, "metric %s: --stats and --shard belong to fid",
                         m->metric->name);
    if (m->sets.heads != NULL || m->sets.denoiser != NULL)
        return error_set(err, STATUS_ARGUMENT, "metric %s: --heads belongs to lpips, --denoiser to pr",
                         m->metric->name);
    m->a = o->words[1];
    m->b = o->words[2];
    json_write_text(w, "metric", m->metric->name);
    json_write_text(w, "a", m->a);
    json_write_text(w, "b", m->b);
    json_begin_array(w, "rows");
    const Status status = is_folder(m->a) && is_folder(m->b) ? measure_folders(m, err)
                                                             : measure_files(m, m->a, m->a, m->b, err);
    json_end(w);
    if (status == STATUS_OK)
        print(m);
    return status;
}

int command_metric(int argc, char **argv)
{
    Metric m = {.range = 0.0, .sets = SET_METRIC_DEFAULTS};
    SetMetric *s = &m.sets;
    s->command = &m.command;
    s->scratch = &m.scratch;
    const Option own[] = {
        {OPTION_NUMBER, "range", 0, "data-range", &m.range, 0, 1e30, NULL,
         "psnr, ssim: of the numbers of arrays: 2 for [-1,1]; pictures have 255"},
        {OPTION_TEXT, "stats", 0, NULL, &s->stats, 0, 0, "FILE",
         "fid: also write A's statistics (.npz); merge: what to write"},
        {OPTION_TEXT, "shard", 0, NULL, &s->shard, 0, 0, "i/n",
         "fid A --stats: only part i of n of A's pictures"},
        {OPTION_TEXT, "features", 0, NULL, &s->features, 0, 0, "NETWORK",
         "a VGG's folder or a file of Inception's weights; lpips: of alexnet's or squeezenet's; "
         "clip-score: a "
         "CLIP's folder; the shipped one when left out"},
        {OPTION_CHOICE, "tap", 0, NULL, &s->tap, 0, 0,
         "hidden location style gram 64 192 768 2048 logits_unbiased logits",
         "fid, kid, prc, pairwise: which features of the network"},
        {OPTION_TEXT, "floor", 0, NULL, &s->floor, 0, 0, "SET", "diversity: another set as diverse as B"},
        {OPTION_TEXT, "ceiling", 0, NULL, &s->ceiling, 0, 0, "SET",
         "diversity: a set of the least diversity"},
        {OPTION_FLAG, "gram", 0, NULL, &s->gram, 0, 0, NULL, "diversity: styles by the mean of products"},
        {OPTION_FLAG, "force", 0, NULL, &s->force, 0, 0, NULL, "diversity: sets of other sizes too"},
        {OPTION_TEXT, "plot", 0, NULL, &s->plot, 0, 0, "FILE",
         "fid: against the number of pictures; prc: balls of several sizes; pairwise: the histogram; pr, "
         "psd: the spectra (.svg)"},
        {OPTION_CHOICE, "resize", 0, NULL, &s->resize, 0, 0, "tf1 half-pixel",
         "of Inception: as torch-fidelity, or as pytorch-fid"},
        {OPTION_CHOICE, "residual", 0, NULL, &s->residual, 0, 0, "gauss median3 haar",
         "pr: what is left when this is taken out"},
        {OPTION_TEXT, "denoiser", 0, NULL, &s->denoiser, 0, 0, "FILE",
         "pr: weights of a DnCNN, whose residual is the published one"},
        {OPTION_TEXT, "heads", 0, NULL, &s->heads, 0, 0, "FILE",
         "lpips: the published linear heads of the network"},
        {OPTION_NUMBER, "area", 0, NULL, &s->area, 1e-9, 1, NULL,
         "recall: a thing is there when it has this share of the pixels"},
        {OPTION_CHOICE, "norm", 0, NULL, &s->norm, 0, 0, "mean none quarter",
         "pr: spectra are divided by their mean, by nothing, by 4 times their mean"},
        {OPTION_CHOICE, "channels", 0, NULL, &s->channels, 0, 0, "mean rgb", "pr: their mean, or each"},
        {OPTION_INT, "low", 0, NULL, &s->low, 1, 2048, NULL, "psd: the line begins at this frequency"},
        {OPTION_INT, "high", 0, NULL, &s->high, 0, 2048, NULL,
         "psd: and ends at this one; 0: the less of 256 and half the size"},
        {OPTION_FLAG, "log-bins", 0, NULL, &s->log_bins, 0, 0, NULL,
         "psd: points are bins of equal logarithmic width"},
        {OPTION_FLAG, "redies-compat", 0, NULL, &s->toolbox_labels, 0, 0, NULL,
         "psd: frequencies one too high, as a public toolbox has them"},
        {OPTION_INT, "subsets", 0, NULL, &s->subsets, 1, 1000000, NULL, "kid: how many subsets"},
        {OPTION_INT, "subset-size", 0, NULL, &s->subset_size, 2, 1000000, NULL,
         "kid: pictures of each set in one"},
        {OPTION_FLAG, "full", 0, NULL, &s->full, 0, 0, NULL, "kid: one estimate in place of subsets"},
        {OPTION_WHOLE, "seed", 0, NULL, &s->seed, 0, 4294967295.0, NULL, "kid: of the subsets"},
        {OPTION_INT, "neighbour", 'k', "neighbor", &s->neighbour, 1, 64, NULL,
         "prc: to which a ball reaches"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {
        .command = "metric",
        .usage = "mse|psnr|ssim|fid|kid|prc|diversity|pairwise|pr|psd|lpips|clip-score|recall|merge A [B]",
        .words_low = 2,
        .words_high = OPTIONS_WORDS,
        .about =
            "How near A is to B, with the recipe beside the number.\n"
            "mse, psnr, ssim: pictures, arrays (.npy, .npz, .safetensors: the last two axes are height and "
            "width),\nor folders with such files of the same names, of which it is the mean.\n"
            "fid, kid, prc: sets of pictures: folders, text files with a path a line, for fid also .npz of "
            "--stats.\n"
            "diversity A B: how far A is from B, a set of the greatest diversity, in what, where and how "
            "things "
            "are drawn.\npairwise A: the distances of all its pairs.\n"
            "pr A B: residual power spectra; psd A [B]: slopes of power spectra.\n"
            "lpips A [B]: distances of pictures, or of all pairs of a set; clip-score A: of pictures and "
            "their captions.\n"
            "fid A --stats FILE [--shard i/n]: statistics alone; merge FILE... --stats FILE: those of "
            "shards as "
            "one."};
    m.scratch.account = &m.command.memory;
    if (command_begin(&m.command, &about, own, argc, argv)) {
        const Status status = run(&m, &m.command.error);
        (void)status; /* command_end reports the error */
    }
    arena_free(&m.scratch);
    return command_end(&m.command);
}
