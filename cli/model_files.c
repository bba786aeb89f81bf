#include "cli/model_files.h"

#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "diffusion/model.h"
#include "io/json.h"
#include "io/sha256.h"

enum { FILES = 512 };

typedef struct {
    const char *folder;
    ModelFiles files;
    Arena *arena;
    Error *err;
    Status status; /* the first failure */
} Walk;

static const char *joined(Walk *walk, const char *a, const char *b)
{
    const char *path = path_join(walk->arena, a, b);
    if (path == NULL && walk->status == STATUS_OK)
        walk->status = error_set(walk->err, STATUS_MEMORY, "%s: no memory for its files", walk->folder);
    return path;
}

static bool there(Walk *walk, const char *name)
{
    const char *path = joined(walk, walk->folder, name);
    return path != NULL && file_exists(path);
}

/* Notes the file's hash; one that is not there only when it `must` be. */
static void add(Walk *walk, const char *name, bool must)
{
    if (walk->status != STATUS_OK || name == NULL || (!must && !there(walk, name)))
        return;
    for (size_t i = 0; i < walk->files.count; i++)
        if (strcmp(walk->files.file[i].name, name) == 0)
            return;
    const char *path = joined(walk, walk->folder, name);
    if (walk->files.count == FILES)
        walk->status = error_set(walk->err, STATUS_FORMAT, "%s: more than %d files", walk->folder, FILES);
    if (path == NULL || walk->status != STATUS_OK)
        return;
    ModelFile *file = &walk->files.file[walk->files.count++];
    file->name = name;
    walk->status = sha256_file(file->sha256, path, walk->err);
}

/* An index of shards, and the shards. */
static void add_shards(Walk *walk, const char *part, const char *index)
{
    const Json *json = NULL;
    const char *path = joined(walk, walk->folder, index);
    add(walk, index, true);
    if (walk->status == STATUS_OK)
        walk->status = json_read(&json, path, walk->arena, walk->err);
    const Json *map = json_get(json, "weight_map");
    const char *last = "";
    for (size_t i = 0; walk->status == STATUS_OK && i < json_count(map); i++) {
        const char *shard = json_text(json_at(map, i), "");
        if (strcmp(shard, last) != 0)
            add(walk, joined(walk, part, shard), true);
        last = shard;
    }
}

/* As diffusion/model.c looks for them: one file, an index with shards, or half precision. */
static void add_weights(Walk *walk, const char *part, const char *whole, const char *index,
                        const char *half)
{
    const char *name = joined(walk, part, whole), *list = joined(walk, part, index);
    if (walk->status != STATUS_OK)
        return;
    if (there(walk, name))
        add(walk, name, true);
    else if (there(walk, list))
        add_shards(walk, part, list);
    else
        add(walk, joined(walk, part, half), true);
}

Status model_files_read(ModelFiles *out, const char *folder, unsigned parts, Arena *arena, Error *err)
{
    Walk walk = {.folder = folder, .arena = arena, .err = err};
    static const char *const nets[] = {"unet", "vae"};
    static const unsigned bits[] = {MODEL_UNET, MODEL_VAE};
    walk.files.file = arena_alloc(arena, FILES, sizeof *walk.files.file);
    if (walk.files.file == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its files", folder);
    if (!is_folder(folder)) {
        const char *slash = strrchr(folder, '/');
        walk.files.file[0].name = slash != NULL ? slash + 1 : folder;
        walk.files.count = 1;
        const Status status = sha256_file(walk.files.file[0].sha256, folder, err);
        if (status == STATUS_OK)
            *out = walk.files;
        return status;
    }
    add(&walk, "model_index.json", true);
    if (parts & MODEL_TOKENIZER) {
        add(&walk, "tokenizer/vocab.json", true);
        add(&walk, "tokenizer/merges.txt", true);
        add(&walk, "tokenizer/tokenizer_config.json", false);
        add(&walk, "tokenizer/special_tokens_map.json", false);
    }
    if (parts & MODEL_TEXT) {
        add(&walk, "text_encoder/config.json", true);
        add_weights(&walk, "text_encoder", "model.safetensors", "model.safetensors.index.json",
                    "model.fp16.safetensors");
    }
    for (int i = 0; i < 2; i++)
        if (parts & bits[i]) {
            add(&walk, joined(&walk, nets[i], "config.json"), true);
            add_weights(&walk, nets[i], "diffusion_pytorch_model.safetensors",
                        "diffusion_pytorch_model.safetensors.index.json",
                        "diffusion_pytorch_model.fp16.safetensors");
        }
    if (parts & MODEL_SCHEDULER)
        add(&walk, "scheduler/scheduler_config.json", true);
    if (walk.status == STATUS_OK)
        *out = walk.files;
    return walk.status;
}
