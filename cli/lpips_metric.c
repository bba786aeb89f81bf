#include "cli/lpips_metric.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/folder_list.h"
#include "base/sum.h"
#include "cli/picture_names.h"
#include "diffusion/lpips_trunk.h"
#include "io/picture.h"
#include "io/sha256.h"

/* A network of pictures, and the pictures' distances. */
typedef struct {
    const SetMetric *m;
    Arena *arena, *scratch;
    bool is_vgg;
    Vgg vgg; /* one of the two */
    LpipsTrunk trunk;
    LpipsHeads heads; /* stages 0: none */
    char name[60], recipe[500];
    double *values;
    size_t count;
} Lpips;

/* ---- the network ---- */

static Status open_trunk(Lpips *l, const char *path, Error *err)
{
    Weights w = {.arena = NULL};
    weights_open(&w, l->arena, path);
    const bool squeeze = weights_has(&w, "", "features.3.squeeze.weight");
    lpips_trunk_load(&l->trunk, squeeze ? LPIPS_SQUEEZE : LPIPS_ALEX, &w, "");
    return weights_finish(&w, err);
}

static Status open_heads(Lpips *l, Error *err)
{
    const char *path = l->m->heads;
    if (path == NULL)
        return STATUS_OK;
    return l->is_vgg ? lpips_heads_open(&l->heads, &l->vgg, path, l->arena, err)
                     : lpips_trunk_heads(&l->heads, &l->trunk, path, l->arena, err);
}

static void describe(Lpips *l, bool shipped, const char *hash, const char *heads_hash)
{
    const char *kind = l->is_vgg ? "vgg" : l->trunk.kind == LPIPS_ALEX ? "alex" : "squeeze";
    char of_heads[120] = "without heads (all channels count alike)";
    if (shipped)
        snprintf(l->name, sizeof l->name, "LPIPS[ldm99-features]");
    else
        snprintf(l->name, sizeof l->name, "LPIPS[%s-%.8s]", kind, hash);
    if (heads_hash[0] != '\0')
        snprintf(of_heads, sizeof of_heads, "heads SHA-256 %s", heads_hash);
    snprintf(l->recipe, sizeof l->recipe,
             "lpips 1: %s, weights SHA-256 %s, %s; pictures over white, RGB of 8 bits at their own size, "
             "2 (p / 255) - 1",
             kind, hash, of_heads);
}

static Status open_network(Lpips *l, Error *err)
{
    const char *word = l->m->features, *file = word;
    char hash[65] = "", heads_hash[65] = "";
    Status status = STATUS_OK;
    if (word == NULL)
        status = shipped_folder(&word, "features", l->arena, err);
    l->is_vgg = status == STATUS_OK && is_folder(word);
    if (l->is_vgg) {
        status = vgg_open(&l->vgg, word, l->arena, err);
        file = path_join(l->arena, word, "model.safetensors");
    } else if (status == STATUS_OK) {
        status = open_trunk(l, word, err);
    }
    if (status == STATUS_OK && file == NULL)
        status = error_set(err, STATUS_MEMORY, "metric lpips: no memory for a file name");
    if (status == STATUS_OK)
        status = sha256_file(hash, file, err);
    if (status == STATUS_OK)
        status = open_heads(l, err);
    if (status == STATUS_OK && l->m->heads != NULL)
        status = sha256_file(heads_hash, l->m->heads, err);
    if (status == STATUS_OK)
        describe(l, l->m->features == NULL, hash, heads_hash);
    return status;
}

/* ---- distances ---- */

/* A picture (1,3,h,w) in [-1,1]. */
static Status read_planes(Tensor **out, Tape *tape, const char *path, Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    Image image;
    Status status = picture_read(&image, path, tape->arena, err);
    if (status == STATUS_OK)
        status = image_flatten(&image, &image, white, tape->arena, err);
    if (status == STATUS_OK)
        status = image_convert(&image, &image, 3, tape->arena, err);
    if (status != STATUS_OK)
        return status;
    float *planes = tape_alloc(tape, (size_t)image.width * (size_t)image.height, 3 * sizeof *planes);
    if (planes == NULL)
        return error_set(err, STATUS_MEMORY, "%.200s: no memory for its numbers", path);
    image_to_planes(planes, &image);
    *out = tape_input(tape, planes, 4, (const int[]){1, 3, image.height, image.width}, false);
    return *out != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "%.200s: no memory", path);
}

static void look(VggTaps *taps, Tape *tape, const Lpips *l, Tensor *x)
{
    *taps = (VggTaps){.stages = 0};
    if (l->is_vgg)
        vgg(tape, &l->vgg, x, NULL, taps);
    else
        lpips_trunk(taps, tape, &l->trunk, x);
}

static Status measure(Lpips *l, const char *a, const char *b, Error *err)
{
    const ArenaMark mark = arena_mark(l->scratch);
    Tape tape = {.arena = l->scratch};
    VggTaps of_x, of_y;
    Tensor *x = NULL, *y = NULL;
    Status status = read_planes(&x, &tape, a, err);
    if (status == STATUS_OK)
        status = read_planes(&y, &tape, b, err);
    if (status == STATUS_OK && (x->dim[2] != y->dim[2] || x->dim[3] != y->dim[3]))
        status = error_set(err, STATUS_SHAPE, "metric lpips: %.150s has %d x %d pixels, %.150s %d x %d", a,
                           x->dim[3], x->dim[2], b, y->dim[3], y->dim[2]);
    if (status == STATUS_OK) {
        look(&of_x, &tape, l, x);
        look(&of_y, &tape, l, y);
        const Tensor *d =
            tape.error.status == STATUS_OK
                ? lpips_between(&tape, l->heads.stages > 0 ? &l->heads : NULL, &of_x, &of_y, NULL)
                : NULL;
        if (d == NULL)
            status = error_set(err, tape.error.status, "metric lpips: %.150s: %s", a, tape.error.text);
        else if (d->data[0] - d->data[0] != 0.0f)
            status = error_set(err, STATUS_NOT_FINITE, "metric lpips: %.150s and %.150s: not finite", a, b);
        else
            l->values[l->count++] = (double)d->data[0];
    }
    arena_release(l->scratch, mark);
    return status;
}

static Status room_for(Lpips *l, size_t pairs, Error *err)
{
    l->values = arena_raw(l->arena, pairs, sizeof *l->values);
    return l->values != NULL
               ? STATUS_OK
               : error_set(err, STATUS_MEMORY, "metric lpips: no memory for %zu pairs", pairs);
}

/* All pairs of one set: how unlike its pictures are. */
static Status measure_set(Lpips *l, const char *word, Error *err)
{
    PictureNames names;
    Status status = picture_names(&names, word, l->arena, err);
    if (status == STATUS_OK && names.sheet != NULL)
        return error_set(err, STATUS_ARGUMENT, "metric lpips: %.150s: takes folders, no sheet", word);
    if (status == STATUS_OK && names.count < 2)
        return error_set(err, STATUS_ARGUMENT, "metric lpips: %.150s: one picture has no pairs", word);
    if (status == STATUS_OK)
        status = room_for(l, names.count * (names.count - 1) / 2, err);
    for (size_t i = 0; i < names.count && status == STATUS_OK; i++)
        for (size_t j = i + 1; j < names.count && status == STATUS_OK; j++)
            status = measure(l, names.path[i], names.path[j], err);
    return status;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Files of the same names; what only one has is an error. */
static Status measure_folders(Lpips *l, const char *a, const char *b, Error *err)
{
    PictureNames x, y;
    Status status = picture_names(&x, a, l->arena, err);
    if (status == STATUS_OK)
        status = picture_names(&y, b, l->arena, err);
    if (status == STATUS_OK && x.count != y.count)
        return error_set(err, STATUS_FILE, "metric lpips: %zu pictures in %.150s and %zu in %.150s",
                         x.count, a, y.count, b);
    if (status == STATUS_OK)
        status = room_for(l, x.count, err);
    for (size_t i = 0; status == STATUS_OK && i < x.count; i++)
        status = strcmp(file_name(x.path[i]), file_name(y.path[i])) == 0
                     ? measure(l, x.path[i], y.path[i], err)
                     : error_set(err, STATUS_FILE, "metric lpips: %.150s stands where %.150s does",
                                 x.path[i], y.path[i]);
    return status;
}

static void say(Lpips *l, const char *pairs)
{
    Result *r = &l->m->command->result;
    char text[DECIMAL_LONGEST];
    const double mean = sum8_double(l->values, l->count) / (double)l->count;
    decimal_write(text, mean);
    if (l->count > 1)
        result_line(r, "%s %s, the mean of %zu%s\n", l->name, text, l->count, pairs);
    else
        result_line(r, "%s %s\n", l->name, text);
    result_line(r, "%s\n", l->recipe);
    json_write_text(&r->json, "name", l->name);
    json_write_number(&r->json, "value", mean);
    json_write_uint64(&r->json, "count", l->count);
    json_write_text(&r->json, "recipe", l->recipe);
    json_begin_array(&r->json, "values");
    for (size_t i = 0; i < l->count; i++)
        json_write_number(&r->json, NULL, l->values[i]);
    json_end(&r->json);
    report_memory(l->m->command);
}

Status lpips_metric(const SetMetric *m, Error *err)
{
    const Options *o = &m->command->options;
    Lpips l = {.m = m, .arena = &m->command->arena, .scratch = m->scratch};
    const bool alone = o->word_count == 2;
    if (o->word_count > 3)
        return error_set(err, STATUS_ARGUMENT, "metric lpips: expected A or A B, got %d",
                         o->word_count - 1);
    Status status = open_network(&l, err);
    if (status != STATUS_OK)
        return status;
    const char *a = o->words[1], *b = alone ? NULL : o->words[2];
    if (alone)
        status = measure_set(&l, a, err);
    else if (is_folder(a) != is_folder(b))
        status =
            error_set(err, STATUS_ARGUMENT, "metric lpips: two pictures or two folders, not one of each");
    else if (is_folder(a))
        status = measure_folders(&l, a, b, err);
    else if ((status = room_for(&l, 1, err)) == STATUS_OK)
        status = measure(&l, a, b, err);
    if (status == STATUS_OK)
        say(&l, alone ? " pairs of a set" : "");
    return status;
}
