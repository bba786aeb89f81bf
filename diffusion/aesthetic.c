#include "diffusion/aesthetic.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/config_reader.h"
#include "nn/elementwise.h"
#include "nn/linear.h"
#include "nn/reshape.h"
#include "weights/weights_save.h"

enum { WIDTH = 65536, LOW = 1, HIGH = 10 };

static void load(Aesthetic *a, Weights *w)
{
    a->weight =
        weights_tensor(w, "", "weight", (Init){INIT_NORMAL, 1.0 / sqrt(a->width)}, 2, (int[]){1, a->width});
    a->bias = weights_tensor(w, "", "bias", (Init){INIT_ZEROS, 0.0}, 1, (int[]){1});
    if (w->create && a->bias != NULL)
        a->bias->data[0] = (LOW + HIGH) / 2.0f;
}

static const char *config_text(ConfigReader *r, const char *key, const char *otherwise)
{
    const Json *value = config_get(r, key);
    if (value != NULL && json_kind(value) != JSON_TEXT)
        config_refuse(r, key, "expected a text");
    return json_text(value, otherwise);
}

static Status read_config(Aesthetic *a, const char *path, Arena *arena, Error *err)
{
    const Json *json = NULL;
    Status status = json_read(&json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    ConfigReader r = config_reader(json, path, arena);
    config_class(&r, "AestheticHead");
    a->width = config_int(&r, "projection_dim", 512, 1, WIDTH);
    a->clip = config_text(&r, "clip", "clip-guide");
    a->clip_sha256 = config_text(&r, "clip_sha256", "");
    return config_finish(&r, err);
}

Status aesthetic_open(Aesthetic *out, const char *folder, Arena *arena, Error *err)
{
    Aesthetic a = {.width = 0};
    const char *config = path_join(arena, folder, "config.json");
    const char *weights = path_join(arena, folder, "model.safetensors");
    if (config == NULL || weights == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to open %s", folder);
    Status status = read_config(&a, config, arena, err);
    if (status != STATUS_OK)
        return status;
    weights_open(&a.weights, arena, weights);
    load(&a, &a.weights);
    status = weights_finish(&a.weights, err);
    if (status == STATUS_OK)
        *out = a;
    return status;
}

Status aesthetic_create(Aesthetic *out, int width, const char *clip, const char *clip_sha256, uint64_t seed,
                        Arena *arena, Error *err)
{
    Aesthetic a = {.width = width, .clip = clip, .clip_sha256 = clip_sha256};
    a.weights = weights_create(arena, seed);
    a.weights.trainable = true;
    load(&a, &a.weights);
    const Status status = weights_finish(&a.weights, err);
    if (status == STATUS_OK)
        *out = a;
    return status;
}

Status aesthetic_save(const Aesthetic *a, const char *folder, DType dtype, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes b = {.arena = scratch};
    JsonWriter w = {.out = &b};
    const char *config = path_join(scratch, folder, "config.json");
    const char *weights = path_join(scratch, folder, "model.safetensors");
    json_begin_object(&w, NULL);
    json_write_text(&w, "_class_name", "AestheticHead");
    json_write_text(&w, "clip", a->clip);
    json_write_text(&w, "clip_sha256", a->clip_sha256);
    json_write_int(&w, "projection_dim", a->width);
    json_end(&w);
    Status status = folder_make(folder, err);
    if (status == STATUS_OK && (config == NULL || weights == NULL || b.failed))
        status = error_set(err, STATUS_MEMORY, "no memory to write %s", folder);
    if (status == STATUS_OK)
        status = weights_save(&a->weights, NULL, weights, dtype, scratch, err);
    if (status == STATUS_OK)
        status = file_write(config, b.data, b.size, err);
    arena_release(scratch, mark);
    return status;
}

Tensor *aesthetic_raw(Tape *tape, const Aesthetic *a, Tensor *rows)
{
    char shape[64];
    if (rows == NULL)
        return NULL;
    if (rows->rank != 2 || rows->dim[1] != a->width)
        return tape_fail(tape, STATUS_SHAPE, "aesthetic: rows %s, expected (N,%d)",
                         tensor_shape_text(rows, shape), a->width);
    return reshape(tape, linear(tape, rows, a->weight, a->bias), 1, &rows->dim[0]);
}

Tensor *aesthetic_score(Tape *tape, const Aesthetic *a, Tensor *rows)
{
    return clamp(tape, aesthetic_raw(tape, a, rows), LOW, HIGH);
}

Status aesthetic_of_images(float *out, const Aesthetic *a, const Clip *c, const Image *images, int count,
                           Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    const int width = c->config.projection_dim, dim[2] = {count, width};
    Tape tape = {.arena = scratch};
    float *rows = tape_alloc(&tape, (size_t)count * (size_t)width, sizeof *rows);
    if (rows == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    Status status = clip_embed_images(rows, c, images, count, scratch, err);
    if (status == STATUS_OK) {
        const Tensor *score = aesthetic_score(&tape, a, tape_input(&tape, rows, 2, dim, false));
        if (score == NULL)
            status = error_set(err, tape.error.status, "%s", tape.error.text);
        else
            memcpy(out, score->data, (size_t)count * sizeof *out);
    }
    arena_release(scratch, mark);
    return status;
}
