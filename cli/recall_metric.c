#include "cli/recall_metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/sort.h"
#include "base/sum.h"
#include "cli/metric_side.h"
#include "diffusion/picture_folder.h"
#include "diffusion/segmenter.h"
#include "io/picture.h"
#include "io/sha256.h"
#include "metrics/recall.h"

typedef struct {
    const PictureEntry *entry;
    double recall;
} Judged;

typedef struct {
    const SetMetric *m;
    Arena *arena, *scratch;
    Segmenter segmenter;
    PictureFolder folder;
    LabelRecall recall;
    Judged *judged; /* those with something required */
    size_t count, skipped, unknown;
    /* means over the prompts */
    size_t prompts;
    double least, greatest, median, above[RECALL_MARKS];
    char hash[65];
} Recall;

static Status open_network(Recall *s, Error *err)
{
    const char *folder = s->m->features;
    Status status = STATUS_OK;
    if (folder == NULL)
        status = shipped_folder(&folder, "segmentation", s->arena, err);
    if (status == STATUS_OK)
        status = segmenter_open(&s->segmenter, folder, s->arena, err);
    if (status != STATUS_OK)
        return status;
    const char *path = path_join(s->arena, folder, "model.safetensors");
    return path != NULL ? sha256_file(s->hash, path, err)
                        : error_set(err, STATUS_MEMORY, "metric recall: no memory for a file name");
}

/* The label of a thing's name, else of its category; -1. */
static int label_of(const Segmenter *s, const PictureThing *thing)
{
    for (int pass = 0; pass < 2; pass++)
        for (int k = 1; k < s->count; k++)
            if (strcmp(s->label[k].name, pass == 0 ? thing->name : thing->category) == 0)
                return k;
    return -1;
}

static Status label_map(uint16_t **map, size_t *count, Recall *s, const char *path, Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    Image image;
    Status status = picture_read(&image, path, s->scratch, err);
    if (status == STATUS_OK)
        status = image_flatten(&image, &image, white, s->scratch, err);
    if (status == STATUS_OK)
        status = image_convert(&image, &image, 3, s->scratch, err);
    if (status != STATUS_OK)
        return status;
    *count = (size_t)image.width * (size_t)image.height;
    float *planes = arena_raw(s->scratch, *count, 3 * sizeof *planes);
    *map = arena_raw(s->scratch, *count, sizeof **map);
    if (planes == NULL || *map == NULL)
        return error_set(err, STATUS_MEMORY, "%.200s: no memory for its labels", path);
    image_to_planes(planes, &image);
    return segment(*map, &s->segmenter, planes, 1, image.height, image.width, s->scratch, err);
}

static Status judge(Recall *s, size_t i, Error *err)
{
    const PictureEntry *entry = &s->folder.entry[i];
    const ArenaMark mark = arena_mark(s->scratch);
    uint16_t *map = NULL, *required = arena_raw(s->scratch, (size_t)entry->things + 1, sizeof *required);
    int asked = 0;
    size_t pixels = 0;
    double recall = NAN;
    if (required == NULL)
        return error_set(err, STATUS_MEMORY, "metric recall: no memory for %d things", entry->things);
    for (int k = 0; k < entry->things; k++) {
        const int label = label_of(&s->segmenter, &entry->thing[k]);
        s->unknown += label < 0;
        if (label >= 0)
            required[asked++] = (uint16_t)label;
    }
    Status status = asked > 0 ? label_map(&map, &pixels, s, entry->path, err) : STATUS_OK;
    if (status == STATUS_OK && asked > 0)
        status = label_recall_add(&recall, &s->recall, map, pixels, required, asked, err);
    if (status == STATUS_OK && asked > 0)
        s->judged[s->count++] = (Judged){entry, recall};
    s->skipped += asked == 0;
    arena_release(s->scratch, mark);
    return status;
}

/* ---- by prompt ---- */

static const char *prompt_of(const Judged *x)
{
    return x->entry->caption != NULL ? x->entry->caption : "";
}

static bool before(const void *context, size_t a, size_t b)
{
    const Judged *judged = context;
    return strcmp(prompt_of(&judged[a]), prompt_of(&judged[b])) < 0;
}

static bool same_prompt(const Judged *x, const Judged *y)
{
    return x->entry->caption != NULL && y->entry->caption != NULL &&
           strcmp(x->entry->caption, y->entry->caption) == 0;
}

/* Pictures of one caption are one prompt's.  order and recall (count), room (2 count). */
static void spread(Recall *s, size_t *order, size_t *room, double *recall)
{
    sort_order(order, room, s->count, before, s->judged);
    for (size_t first = 0, end = 0; first < s->count; first = end) {
        const Judged *of_first = &s->judged[order[first]];
        RecallSpread one;
        for (end = first; end < s->count && (end == first || same_prompt(of_first, &s->judged[order[end]]));
             end++)
            recall[end - first] = s->judged[order[end]].recall;
        recall_spread(&one, recall, (int)(end - first), room);
        s->prompts++;
        s->least += one.least;
        s->greatest += one.greatest;
        s->median += one.median;
        for (int k = 0; k < RECALL_MARKS; k++)
            s->above[k] += one.above[k];
    }
    s->least /= (double)s->prompts;
    s->greatest /= (double)s->prompts;
    s->median /= (double)s->prompts;
    for (int k = 0; k < RECALL_MARKS; k++)
        s->above[k] /= (double)s->prompts;
}

/* ---- what is said ---- */

static void say_labels(const Recall *s)
{
    JsonWriter *w = &s->m->command->result.json;
    json_begin_array(w, "labels");
    for (int k = 0; k < s->recall.labels; k++)
        if (s->recall.required[k] > 0) {
            json_begin_object(w, NULL);
            json_write_text(w, "name", s->segmenter.label[k].name);
            json_write_uint64(w, "required", s->recall.required[k]);
            json_write_uint64(w, "shown", s->recall.shown[k]);
            json_end(w);
        }
    json_end(w);
}

static void warn(const Recall *s, Result *r)
{
    json_begin_array(&r->json, "warnings");
    if (s->skipped > 0)
        metric_warn(r, "%zu of %zu pictures have nothing that the network knows to show, left out",
                    s->skipped, s->folder.count);
    if (s->unknown > 0)
        metric_warn(r, "%zu things are none of the network's labels, left out", s->unknown);
    json_end(&r->json);
}

static void say(const Recall *s, double mean)
{
    Result *r = &s->m->command->result;
    JsonWriter *w = &r->json;
    char name[40], recipe[300], text[DECIMAL_LONGEST];
    if (s->m->features == NULL)
        snprintf(name, sizeof name, "recall[ldm99-segmentation]");
    else
        snprintf(name, sizeof name, "recall[fcn-%.8s]", s->hash);
    snprintf(
        recipe, sizeof recipe,
        "recall 1: share of a picture's required things with at least %g of its pixels; weights SHA-256 %s",
        s->recall.area, s->hash);
    decimal_write(text, mean);
    const double others = (double)s->recall.others / (double)s->recall.maps;
    const double by_label = label_recall_mean(&s->recall);
    result_line(r, "%s %s, the mean of %zu pictures; by thing %.6g; other things in a picture %.4g\n", name,
                text, s->count, by_label, others);
    result_line(
        r,
        "of %zu prompts: least %.6g, median %.6g, greatest %.6g; pictures of a prompt from 0.5 %.4g, from "
        "0.75 %.4g, from 0.9 %.4g\n%s\n",
        s->prompts, s->least, s->median, s->greatest, s->above[0], s->above[1], s->above[2], recipe);
    json_write_text(w, "name", name);
    json_write_number(w, "value", mean);
    json_write_uint64(w, "count", s->count);
    json_write_number(w, "by_label", by_label);
    json_write_number(w, "others", others);
    json_write_uint64(w, "prompts", s->prompts);
    json_write_number(w, "least", s->least);
    json_write_number(w, "median", s->median);
    json_write_number(w, "greatest", s->greatest);
    json_begin_array(w, "above");
    for (int k = 0; k < RECALL_MARKS; k++)
        json_write_number(w, NULL, s->above[k]);
    json_end(w);
    say_labels(s);
    json_write_text(w, "recipe", recipe);
    warn(s, r);
    report_memory(s->m->command);
}

Status recall_metric(const SetMetric *m, Error *err)
{
    const Options *o = &m->command->options;
    Recall s = {.m = m, .arena = &m->command->arena, .scratch = m->scratch};
    if (o->word_count != 2)
        return error_set(err, STATUS_ARGUMENT,
                         "metric recall: expected a folder with metadata.jsonl, got %d", o->word_count - 1);
    Status status = picture_folder_open(&s.folder, o->words[1], NULL, s.arena, err);
    if (status == STATUS_OK)
        status = open_network(&s, err);
    if (status == STATUS_OK)
        status = label_recall_begin(&s.recall, s.segmenter.count, m->area, s.arena, err);
    if (status != STATUS_OK)
        return status;
    s.judged = arena_raw(s.arena, s.folder.count, sizeof *s.judged);
    double *each = arena_raw(s.arena, s.folder.count, sizeof *each);
    size_t *order = arena_raw(s.arena, s.folder.count, sizeof *order);
    size_t *room = arena_raw(s.arena, s.folder.count, 2 * sizeof *room);
    if (s.judged == NULL || each == NULL || order == NULL || room == NULL)
        return error_set(err, STATUS_MEMORY, "metric recall: no memory for %zu pictures", s.folder.count);
    for (size_t i = 0; i < s.folder.count && status == STATUS_OK; i++)
        status = judge(&s, i, err);
    if (status == STATUS_OK && s.count == 0)
        status = error_set(
            err, STATUS_ARGUMENT,
            "metric recall: %.150s: metadata.jsonl names no thing that the network knows (\"objects\")",
            o->words[1]);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < s.count; i++)
        each[i] = s.judged[i].recall;
    const double mean = sum8_double(each, s.count) / (double)s.count;
    spread(&s, order, room, each);
    say(&s, mean);
    return STATUS_OK;
}
