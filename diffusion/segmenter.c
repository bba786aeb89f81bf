#include "diffusion/segmenter.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/label_colour.h"
#include "weights/weights_save.h"

/* ---- labels ---- */

enum {
    OTHERS = 256
}; /* the numbers of categories in maps of things begin here: a world has fewer concepts */

static Status make_labels(Segmenter *s, int count, Arena *arena, Error *err)
{
    s->count = count;
    s->categories = 0;
    s->label = arena_alloc(arena, (size_t)count, sizeof *s->label);
    s->category = arena_alloc(arena, (size_t)count, sizeof *s->category);
    return s->label != NULL && s->category != NULL
               ? STATUS_OK
               : error_set(err, STATUS_MEMORY, "no memory for %d labels", count);
}

static void set_label(Segmenter *s, int k, const char *name, const char *category, int number)
{
    int place = 0;
    while (place < s->categories && strcmp(s->category[place], category) != 0)
        place++;
    if (place == s->categories && category[0] != '\0')
        s->category[s->categories++] = category;
    s->label[k] = (SegmentLabel){name, category, category[0] != '\0' ? place + 1 : 0, number};
}

Status segmenter_labels_of(Segmenter *out, const World *world, Arena *arena, Error *err)
{
    int count = 1 + world->categories;
    for (int c = 0; c < world->concepts; c++)
    count += world->concept[c].role == CONCEPT_CORE;
    const Status status = make_labels(out, count, arena, err);
    if (status != STATUS_OK)
        return status;
    set_label(out, 0, "background", "", 0);
    for (int k = 0; k < world->categories; k++)
        set_label(out, 1 + k, world->category[k], world->category[k], OTHERS + 1 + k);
    for (int c = world->concepts - 1; c >= 0; c--)
        if (world->concept[c].role == CONCEPT_CORE)
            set_label(out, --count, world->concept[c].name, world->category[world->concept[c].category],
                      c + 1);
    return STATUS_OK;
}

static int find_label(const Segmenter *s, const char *name)
{
    for (int k = 0; k < s->count; k++)
        if (strcmp(s->label[k].name, name) == 0)
            return k;
    return -1;
}

Status segmenter_world_labels(uint16_t *of, const Segmenter *s, const World *world, Error *err)
{
    of[0] = 0;
    for (int c = 0; c < world->concepts; c++) {
        const WorldConcept *concept = &world->concept[c];
        int label = find_label(s, concept->name);
        if (label < 0)
            label = find_label(s, world->category[concept->category]);
        if (label < 0)
            return error_set(err, STATUS_ARGUMENT, "the segmenter knows neither \"%s\" nor \"%s\"",
                             concept->name, world->category[concept->category]);
        of[c + 1] = (uint16_t)label;
    }
    return STATUS_OK;
}

static Status read_labels(Segmenter *s, const char *path, int count, Arena *arena, Error *err)
{
    const Json *json = NULL;
    Status status = json_read(&json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const Json *list = json_get(json, "labels");
    if (json_kind(list) != JSON_ARRAY || json_count(list) != (size_t)count)
        return error_set(err, STATUS_FORMAT,
                         "%s: expected \"labels\" with %d of them, as the network has outputs", path,
                         count);
    status = make_labels(s, count, arena, err);
    for (int k = 0; k < count && status == STATUS_OK; k++) {
        const Json *name = json_get(json_at(list, (size_t)k), "name");
        const Json *category = json_get(json_at(list, (size_t)k), "category");
        const int number = json_int(json_get(json_at(list, (size_t)k), "number"), -1);
        if (json_kind(name) != JSON_TEXT || json_kind(category) != JSON_TEXT || number < 0 ||
            number >= LABEL_COLOURS)
            status = error_set(
                err, STATUS_FORMAT,
                "%s: label %d has not two texts \"name\" and \"category\" and a \"number\" below %d", path,
                k, LABEL_COLOURS);
        else
            set_label(s, k, json_text(name, ""), json_text(category, ""), number);
    }
    return status;
}

static Status write_labels(const Segmenter *s, const char *path, Arena *scratch, Error *err)
{
    Bytes text = {.arena = scratch};
    JsonWriter w = {.out = &text};
    json_begin_object(&w, NULL);
    json_begin_array(&w, "labels");
    for (int k = 0; k < s->count; k++) {
        json_begin_object(&w, NULL);
        json_write_text(&w, "name", s->label[k].name);
        json_write_text(&w, "category", s->label[k].category);
        json_write_int(&w, "number", s->label[k].number);
        json_end(&w);
    }
    json_end(&w);
    json_end(&w);
    bytes_add_byte(&text, '\n');
    return text.failed ? error_set(err, STATUS_MEMORY, "%s: no memory for the labels", path)
                       : file_write(path, text.data, text.size, err);
}

/* ---- the folder ---- */

typedef struct {
    const char *config, *weights, *labels;
} Paths;

static Status paths_in(Paths *out, const char *folder, Arena *arena, Error *err)
{
    *out = (Paths){.config = path_join(arena, folder, "config.json"),
                   .weights = path_join(arena, folder, "model.safetensors"),
                   .labels = path_join(arena, folder, "labels.json")};
    return out->config != NULL && out->weights != NULL && out->labels != NULL
               ? STATUS_OK
               : error_set(err, STATUS_MEMORY, "%s: no memory for file names", folder);
}

Status segmenter_open(Segmenter *out, const char *folder, Arena *arena, Error *err)
{
    Segmenter s = {.count = 0};
    const Json *json = NULL;
    FcnConfig config;
    Paths path;
    Status status = paths_in(&path, folder, arena, err);
    if (status == STATUS_OK)
        status = json_read(&json, path.config, arena, err);
    if (status == STATUS_OK)
        status = fcn_config_read(&config, json, path.config, arena, err);
    if (status == STATUS_OK)
        status = read_labels(&s, path.labels, config.labels, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&s.weights, arena, path.weights);
    fcn_load(&s.net, &config, &s.weights, "");
    status = weights_finish(&s.weights, err);
    if (status == STATUS_OK)
        *out = s;
    return status;
}

Status segmenter_save(const Segmenter *s, const char *folder, DType dtype, Arena *scratch, Error *err)
{
    Bytes config = {.arena = scratch};
    JsonWriter json = {.out = &config};
    Paths path;
    Status status = paths_in(&path, folder, scratch, err);
    if (status == STATUS_OK)
        status = folder_make(folder, err);
    if (status == STATUS_OK)
        file_remove(path.labels); /* an older one would speak for a mixture of both */
    fcn_config_write(&json, &s->net.config);
    bytes_add_byte(&config, '\n');
    if (status == STATUS_OK && config.failed)
        status = error_set(err, STATUS_MEMORY, "%s: no memory for the configuration", folder);
    if (status == STATUS_OK)
        status = file_write(path.config, config.data, config.size, err);
    if (status == STATUS_OK)
        status = weights_save(&s->weights, NULL, path.weights, dtype, scratch, err);
    return status == STATUS_OK ? write_labels(s, path.labels, scratch, err) : status;
}

/* ---- the network ---- */

/* label (pixels) of logits (K,pixels); false when one is no number. */
static bool largest(uint16_t *label, const float *logits, int K, size_t pixels)
{
    bool finite = true;
    for (size_t p = 0; p < pixels; p++) {
        float most = logits[p];
        label[p] = 0;
        for (int k = 0; k < K; k++) {
            const float score = logits[(size_t)k * pixels + p];
            finite = finite && isfinite(score);
            if (most < score) {
                most = score;
                label[p] = (uint16_t)k;
            }
        }
    }
    return finite;
}

Status segment(uint16_t *label, const Segmenter *s, const float *planes, int N, int H, int W,
               Arena *scratch, Error *err)
{
    const size_t pixels = (size_t)H * (size_t)W;
    const int dim[4] = {1, 3, H, W};
    for (int n = 0; n < N; n++) {
        const ArenaMark mark = arena_mark(scratch);
        Tape tape = {.arena = scratch};
        float *x = arena_raw(scratch, 3 * pixels, sizeof *x);
        if (x == NULL)
            return error_set(err, STATUS_MEMORY, "no memory to segment a picture of %d x %d pixels", W, H);
        memcpy(x, planes + (size_t)n * 3 * pixels, 3 * pixels * sizeof *x);
        const Tensor *logits = fcn(&tape, &s->net, tape_input(&tape, x, 4, dim, false));
        if (logits == NULL)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        if (!largest(label + (size_t)n * pixels, logits->data, s->count, pixels))
            return error_set(err, STATUS_NOT_FINITE, "the segmentation of picture %d is not finite", n);
        arena_release(scratch, mark);
    }
    return STATUS_OK;
}

void segment_categories(uint16_t *category, const Segmenter *s, const uint16_t *label, size_t count)
{
    for (size_t i = 0; i < count; i++)
        category[i] = (uint16_t)s->label[label[i]].category_label;
}

void segment_numbers(uint16_t *number, const Segmenter *s, const uint16_t *label, size_t count)
{
    for (size_t i = 0; i < count; i++)
        number[i] = (uint16_t)s->label[label[i]].number;
}
