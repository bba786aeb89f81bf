/* diffusion/convert_folder.c - a single file into a folder of diffusers (see diffusion/convert_model.h). */
#include <string.h>

#include "base/file.h"
#include "diffusion/convert_model.h"
#include "diffusion/sampler.h"
#include "io/archive_write.h"
#include "io/json.h"

typedef struct {
    const char *folder;
    SingleFile file;
    Arena *arena;
    Error *err;
    Status status; /* the first failure */
} Split;

static const char *below(Split *s, const char *part, const char *name)
{
    const char *folder = part[0] != '\0' ? path_join(s->arena, s->folder, part) : s->folder;
    const char *path = folder != NULL ? path_join(s->arena, folder, name) : NULL;
    if (s->status == STATUS_OK && path == NULL)
        s->status = error_set(s->err, STATUS_MEMORY, "%.150s: no memory to write it", s->folder);
    if (s->status == STATUS_OK)
        s->status = folder_make(folder, s->err);
    return path;
}

static void put(Split *s, const char *part, const char *name, const Bytes *b)
{
    const char *path = below(s, part, name);
    if (s->status == STATUS_OK && b->failed)
        s->status = error_set(s->err, STATUS_MEMORY, "%.150s: no memory to write it", s->folder);
    if (s->status == STATUS_OK)
        s->status = file_write(path, b->data, b->size, s->err);
}

static void put_weights(Split *s, int part, const char *folder, const char *name, const DType *dtype,
                        size_t *tensors)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    const TensorArchive *a = &s->file.part[part];
    ArchiveItem *items = arena_alloc(s->arena, a->count + 1, sizeof *items);
    const char *path = below(s, folder, name);
    if (s->status == STATUS_OK && items == NULL)
        s->status = error_set(s->err, STATUS_MEMORY, "%.150s: no memory to write it", s->folder);
    if (s->status != STATUS_OK)
        return;
    for (size_t i = 0; i < a->count; i++)
        items[i] = archive_item(a->tensors[i].name, a, &a->tensors[i]);
    s->status = archive_write(path, items, a->count, metadata, dtype, s->arena, s->err);
    *tensors += a->count;
}

static void put_configs(Split *s)
{
    const ModelConfig *c = &s->file.config;
    Bytes unet = {.arena = s->arena}, vae = unet, text = unet, scheduler = unet;
    JsonWriter w[3] = {{.out = &unet}, {.out = &vae}, {.out = &text}};
    const Sampler *sampler = sampler_find(c->scheduler.class_name);
    unet_config_write(&w[0], &c->unet);
    vae_config_write(&w[1], &c->vae);
    clip_text_config_write(&w[2], &c->text);
    put(s, "unet", "config.json", &unet);
    put(s, "vae", "config.json", &vae);
    put(s, "text_encoder", "config.json", &text);
    if (sampler == NULL && s->status == STATUS_OK)
        s->status =
            error_set(s->err, STATUS_ARGUMENT, "%.150s: no sampler has the scheduler class \"%.60s\"",
                      s->folder, c->scheduler.class_name);
    if (s->status != STATUS_OK)
        return;
    scheduler_config_write(&scheduler, &c->scheduler, sampler->class_name, sampler->keys);
    put(s, "scheduler", "scheduler_config.json", &scheduler);
}

static void copy_tokenizer(Split *s)
{
    static const char *const FILES[] = {"vocab.json", "merges.txt", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    for (int i = 0; i < 4 && s->status == STATUS_OK; i++) {
        Bytes b;
        const char *from = path_join(s->arena, s->file.tokenizer, FILES[i]);
        if (from == NULL)
            s->status = error_set(s->err, STATUS_MEMORY, "%.150s: no memory to write it", s->folder);
        else if (i < 2 || file_exists(from))
            s->status = file_read(&b, from, s->arena, s->err);
        else
            continue;
        if (s->status == STATUS_OK)
            put(s, "tokenizer", FILES[i], &b);
    }
}

/* What would stop a loader of the folder is found before anything is written. */
static Status check(Split *s)
{
    Weights w[SINGLE_PARTS] = {{0}};
    Unet net;
    Vae vae;
    ClipText text;
    if (s->file.left_count > 0)
        return error_set(s->err, STATUS_FORMAT,
                         "%.150s: %lu tensors have no place in this model, the first is %.150s",
                         s->file.file.name, (unsigned long)s->file.left_count, s->file.left[0]);
    for (int i = 0; i < SINGLE_PARTS; i++) {
        w[i].survey = true;
        weights_open_archive(&w[i], s->arena, &s->file.part[i]);
    }
    unet_load(&net, &s->file.config.unet, &w[SINGLE_UNET], "");
    vae_load(&vae, &s->file.config.vae, &w[SINGLE_VAE], "");
    clip_text_load(&text, &w[SINGLE_TEXT], &s->file.config.text);
    for (int i = 0; i < SINGLE_PARTS; i++) {
        const Status status = weights_finish(&w[i], s->err);
        if (status != STATUS_OK)
            return status;
        if (w[i].first_note != NULL)
            return error_set(s->err, STATUS_FORMAT, "%.150s: %.150s %.100s", s->file.part[i].name,
                             w[i].first_note->name, w[i].first_note->text);
    }
    return STATUS_OK;
}

Status convert_to_folder(ConvertResult *out, const char *path, const char *config_from, const char *folder,
                         const DType *dtype, Arena *arena, Error *err)
{
    Split s = {.folder = folder, .arena = arena, .err = err};
    ConvertResult result = {0};
    Status status = single_open(&s.file, path, config_from, arena, err);
    if (status == STATUS_OK)
        status = check(&s);
    if (status != STATUS_OK)
        return status;
    const char *index = below(&s, "", "model_index.json");
    if (s.status == STATUS_OK)
        file_remove(index); /* an older one may not speak for a mixture of both */
    put_configs(&s);
    result.layout = s.file.layout;
    result.tokenizer = s.file.tokenizer != NULL;
    if (result.tokenizer)
        copy_tokenizer(&s);
    put_weights(&s, SINGLE_TEXT, "text_encoder", "model.safetensors", dtype, &result.tensors);
    put_weights(&s, SINGLE_VAE, "vae", "diffusion_pytorch_model.safetensors", dtype, &result.tensors);
    put_weights(&s, SINGLE_UNET, "unet", "diffusion_pytorch_model.safetensors", dtype, &result.tensors);
    Bytes text = {.arena = arena};
    JsonWriter w = {.out = &text};
    const Model m = {.parts = MODEL_ALL & ~(result.tokenizer ? 0u : (unsigned)MODEL_TOKENIZER),
                     .config = s.file.config};
    model_index_write(&w, &m, m.config.scheduler.class_name);
    put(&s, "", "model_index.json", &text);
    if (s.status == STATUS_OK)
        *out = result;
    return s.status;
}
