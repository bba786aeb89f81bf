/* diffusion/clip_save.c - a CLIP's folder, written (see diffusion/clip.h). */

#include "base/file.h"
#include "diffusion/clip.h"
#include "weights/weights_save.h"

static Status put(const char *folder, const char *name, const Bytes *b, Arena *scratch, Error *err)
{
    const char *path = path_join(scratch, folder, name);
    if (path == NULL || b->failed)
        return error_set(err, STATUS_MEMORY, "no memory to write %s", folder);
    return file_write(path, b->data, b->size, err);
}

static Status save(const Clip *c, const char *folder, DType dtype, Arena *scratch, Error *err)
{
    Bytes config = {.arena = scratch}, picture = config;
    JsonWriter config_json = {.out = &config}, picture_json = {.out = &picture};
    const char *path = path_join(scratch, folder, "config.json");
    const char *weights = path_join(scratch, folder, "model.safetensors");
    if (path == NULL || weights == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to write %s", folder);
    clip_config_write(&config_json, &c->config);
    clip_picture_write(&picture_json, &c->picture);
    Status status = folder_make(folder, err);
    if (status == STATUS_OK)
        file_remove(path); /* an older model's does not speak for a mixture of both */
    if (status == STATUS_OK)
        status = tokenizer_save(&c->tokenizer, folder, scratch, err);
    if (status == STATUS_OK)
        status = put(folder, "preprocessor_config.json", &picture, scratch, err);
    if (status == STATUS_OK)
        status = weights_save(&c->weights, NULL, weights, dtype, scratch, err);
    return status == STATUS_OK ? put(folder, "config.json", &config, scratch, err) : status;
}

Status clip_save(const Clip *c, const char *folder, DType dtype, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    const Status status = save(c, folder, dtype, scratch, err);
    arena_release(scratch, mark);
    return status;
}
