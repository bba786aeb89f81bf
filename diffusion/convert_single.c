/* diffusion/convert_single.c - a folder of diffusers into one file (see diffusion/convert_model.h). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/convert_model.h"
#include "io/archive_write.h"
#include "io/json.h"

typedef struct {
    const char *folder;
    Model model; /* its configurations */
    SingleLayout layout;
    SingleNames names;
    TensorArchive part[SINGLE_PARTS];
    Bytes config[SINGLE_PARTS]; /* texts for the metadata */
    ArchiveItem *items;
    size_t count;
    Arena *arena;
    Error *err;
} Join;

static const char *const FOLDER[SINGLE_PARTS] = {"unet", "vae", "text_encoder"};

static Status no_memory(const Join *j)
{
    return error_set(j->err, STATUS_MEMORY, "%.150s: no memory to convert it", j->folder);
}

/* folder/part/name; NULL when there is no memory. */
static const char *below(const Join *j, const char *part, const char *name)
{
    const char *folder = path_join(j->arena, j->folder, part);
    return folder != NULL ? path_join(j->arena, folder, name) : NULL;
}

static Status open_part(Join *j, int part)
{
    static const char *const ENDS[] = {".safetensors", ".safetensors.index.json", ".fp16.safetensors",
                                       ".bin"};
    const char *base = part == SINGLE_TEXT ? "model" : "diffusion_pytorch_model", *path = NULL,
               *first = NULL;
    for (int i = 0; i < 4 && path == NULL; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", base, ENDS[i]);
        const char *candidate = below(j, FOLDER[part], name);
        if (candidate == NULL)
            return no_memory(j);
        first = i == 0 ? candidate : first;
        path = file_exists(candidate) ? candidate : NULL;
    }
    if (path == NULL && part == SINGLE_TEXT) /* .bin files of transformers have another name */
        path = below(j, FOLDER[part], "pytorch_model.bin");
    return archive_open(&j->part[part], path != NULL && file_exists(path) ? path : first, j->arena, j->err);
}

static Status read_configs(Join *j)
{
    ModelConfig *c = &j->model.config;
    Status status = STATUS_OK;
    for (int part = 0; part < SINGLE_PARTS && status == STATUS_OK; part++) {
        const Json *json = NULL;
        const char *path = below(j, FOLDER[part], "config.json");
        if (path == NULL)
            return no_memory(j);
        status = json_read(&json, path, j->arena, j->err);
        JsonWriter w = {.out = &j->config[part]};
        j->config[part] = (Bytes){.arena = j->arena};
        if (status == STATUS_OK && part == SINGLE_UNET)
            status = unet_config_read(&c->unet, json, path, j->arena, j->err);
        else if (status == STATUS_OK && part == SINGLE_VAE)
            status = vae_config_read(&c->vae, json, path, j->arena, j->err);
        else if (status == STATUS_OK)
            status = clip_text_config_read(&c->text, json, path, j->arena, j->err);
        json_write_value(&w, NULL, json);
        bytes_add_byte(&j->config[part], 0);
        if (status == STATUS_OK && j->config[part].failed)
            return no_memory(j);
    }
    const char *path = below(j, "scheduler", "scheduler_config.json");
    if (status == STATUS_OK && path == NULL)
        return no_memory(j);
    return status == STATUS_OK ? scheduler_config_read(&c->scheduler, path, j->arena, j->err) : status;
}

/* One tensor under its name in the file. */
static Status add(Join *j, const char *name, const char *rest, const TensorArchive *archive,
                  const ArchiveTensor *t, bool point)
{
    char full[2 * WEIGHTS_NAME];
    const int length = snprintf(full, sizeof full, "%s%s", name, rest);
    const char *text = arena_text(j->arena, full, (size_t)length);
    if (text == NULL)
        return no_memory(j);
    ArchiveItem item = archive_item(text, archive, t);
    if (point && item.rank == 2) {
        item.rank = 4;
        item.dim[2] = item.dim[3] = 1;
    }
    j->items[j->count++] = item;
    return STATUS_OK;
}

/* q_proj, k_proj and v_proj one behind the other, when all are there. */
static Status add_joined(Join *j, const SingleName *pair)
{
    static const char *const THIRDS[] = {"q_proj", "k_proj", "v_proj"};
    const TensorArchive *text = &j->part[SINGLE_TEXT];
    const char *kind = strrchr(pair->ours, '.');
    ArchiveItem item = {.name = pair->ldm, .parts = 3, .archive = text};
    for (int i = 0; i < 3; i++) {
        char name[WEIGHTS_NAME];
        snprintf(name, sizeof name, "%.*s.%s%.20s", (int)(kind - pair->ours), pair->ours, THIRDS[i], kind);
        const ArchiveTensor *t = item.part[i] = archive_find(text, name);
        const ArchiveTensor *q = item.part[0];
        if (t == NULL || t->rank < 1 || t->dtype != q->dtype || t->rank != q->rank ||
            t->dim[0] != q->dim[0] || t->numbers != q->numbers)
            return error_set(j->err, STATUS_FORMAT, "%.150s: %.150s cannot be joined with its like",
                             text->name, name);
    }
    item.rank = item.part[0]->rank;
    memcpy(item.dim, item.part[0]->dim, sizeof item.dim);
    item.dim[0] *= 3;
    j->items[j->count++] = item;
    return STATUS_OK;
}

static bool is_third(const char *name)
{
    return strstr(name, ".self_attn.q_proj.") != NULL || strstr(name, ".self_attn.k_proj.") != NULL ||
           strstr(name, ".self_attn.v_proj.") != NULL;
}

static Status add_part(Join *j, int part)
{
    const TensorArchive *a = &j->part[part];
    const bool split = part == SINGLE_TEXT && j->layout == SINGLE_V2;
    Status status = STATUS_OK;
    for (size_t i = 0; i < a->count && status == STATUS_OK; i++) {
        const ArchiveTensor *t = &a->tensors[i];
        const char *rest = "";
        if (split && (is_third(t->name) || strstr(t->name, "position_ids") != NULL))
            continue;
        const SingleName *pair = single_name_find(&j->names, part, t->name, &rest);
        if (pair == NULL)
            return error_set(j->err, STATUS_FORMAT, "%.150s: %.150s has no name in a single file", a->name,
                             t->name);
        status = add(j, pair->ldm, rest, a, t, pair->point && strcmp(rest, ".weight") == 0);
    }
    for (size_t i = 0; split && i < j->names.count && status == STATUS_OK; i++)
        if (j->names.pair[i].in_proj)
            status = add_joined(j, &j->names.pair[i]);
    return status;
}

static Status write_file(Join *j, const char *path, const DType *dtype)
{
    const bool v = j->model.config.scheduler.prediction_type == PREDICT_V;
    const char *const metadata[] = {"format",
                                    "pt",
                                    "modelspec.prediction_type",
                                    v ? "v" : "epsilon",
                                    "ldm99.unet",
                                    (const char *)j->config[SINGLE_UNET].data,
                                    "ldm99.vae",
                                    (const char *)j->config[SINGLE_VAE].data,
                                    "ldm99.text_encoder",
                                    (const char *)j->config[SINGLE_TEXT].data,
                                    NULL};
    return archive_write(path, j->items, j->count, metadata, dtype, j->arena, j->err);
}

Status convert_to_single(ConvertResult *out, const char *folder, const char *path, int layout,
                         const DType *dtype, Arena *arena, Error *err)
{
    Join j = {.folder = folder, .arena = arena, .err = err};
    size_t room = 1;
    Status status = read_configs(&j);
    for (int i = 0; i < SINGLE_PARTS && status == STATUS_OK; i++)
        status = open_part(&j, i);
    if (status != STATUS_OK)
        return status;
    j.layout = layout >= 0                                        ? (SingleLayout)layout
               : j.model.config.text.shape.act == ACTIVATION_GELU ? SINGLE_V2
                                                                  : SINGLE_V1;
    for (int i = 0; i < SINGLE_PARTS; i++)
        room += j.part[i].count;
    j.items = arena_alloc(arena, room, sizeof *j.items);
    if (j.items == NULL)
        return no_memory(&j);
    status = single_names(&j.names, &j.model.config, j.layout, arena, err);
    for (int i = 0; i < SINGLE_PARTS && status == STATUS_OK; i++)
        status = add_part(&j, i);
    if (status == STATUS_OK)
        status = write_file(&j, path, dtype);
    if (status == STATUS_OK)
        *out = (ConvertResult){.tensors = j.count, .layout = j.layout};
    return status;
}
