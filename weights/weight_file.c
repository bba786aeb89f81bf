#include "weights/weight_file.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "io/json.h"
#include "io/safetensors.h"

typedef struct WeightFile {
    struct WeightFile *next;
    const char *path;
    Safetensors file;
    bool *asked; /* one flag a tensor */
} WeightFile;

static void no_memory(Weights *w, const char *path)
{
    error_set(&w->error, STATUS_MEMORY, "no memory to open %s", path);
}

static void add_file(Weights *w, const char *path)
{
    WeightFile *f = arena_alloc(w->arena, 1, sizeof *f);
    if (f == NULL) {
        no_memory(w, path);
        return;
    }
    f->path = arena_text(w->arena, path, strlen(path));
    if (safetensors_open(&f->file, path, w->arena, &w->error) != STATUS_OK)
        return;
    f->asked = arena_alloc(w->arena, f->file.count + 1, sizeof *f->asked);
    if (f->path == NULL || f->asked == NULL) {
        no_memory(w, path);
        return;
    }
    WeightFile **end = &w->files;
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
}

static bool is_open(const Weights *w, const char *path)
{
    for (const WeightFile *f = w->files; f != NULL; f = f->next)
        if (strcmp(f->path, path) == 0)
            return true;
    return false;
}

/* The index of a sharded checkpoint: {"weight_map": {tensor: file name beside the index}}. */
static void add_shards(Weights *w, const char *path, const char *index)
{
    Bytes text;
    const Json *json = NULL;
    if (file_read(&text, index, w->arena, &w->error) != STATUS_OK ||
        json_parse(&json, (const char *)text.data, text.size, index, w->arena, &w->error) != STATUS_OK)
        return;
    const Json *map = json_get(json, "weight_map");
    if (json_kind(map) != JSON_OBJECT) {
        error_set(&w->error, STATUS_FORMAT, "%s: has no object \"weight_map\"", index);
        return;
    }
    const char *slash = strrchr(path, '/');
    const int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    for (size_t i = 0; i < json_count(map) && w->error.status == STATUS_OK; i++) {
        char shard[4096];
        const char *name = json_text(json_at(map, i), NULL);
        if (name == NULL || strchr(name, '/') != NULL ||
            snprintf(shard, sizeof shard, "%.*s%s", folder, path, name) >= (int)sizeof shard) {
            error_set(&w->error, STATUS_FORMAT, "%s: the file of %s is not a name beside it", index,
                      json_key(map, i));
            return;
        }
        if (!is_open(w, shard))
            add_file(w, shard);
    }
}

void weights_open(Weights *w, Arena *arena, const char *path)
{
    char index[4096];
    w->arena = arena;
    if (w->error.status != STATUS_OK)
        return;
    if (snprintf(index, sizeof index, "%s.index.json", path) >= (int)sizeof index)
        error_set(&w->error, STATUS_ARGUMENT, "%.100s...: the name is too long", path);
    else if (!file_exists(path) && file_exists(index))
        add_shards(w, path, index);
    else
        add_file(w, path);
}

static const SafetensorsEntry *find(const Weights *w, const char *name, WeightFile **in)
{
    for (WeightFile *f = w->files; f != NULL; f = f->next) {
        const SafetensorsEntry *entry = safetensors_find(&f->file, name);
        if (entry != NULL) {
            *in = f;
            return entry;
        }
    }
    return NULL;
}

/* Equal once axes of length 1 are left out on both sides. */
static bool shape_fits(const SafetensorsEntry *entry, const Tensor *x)
{
    int i = 0, j = 0;
    for (;;) {
        while (i < entry->rank && entry->dim[i] == 1)
            i++;
        while (j < x->rank && x->dim[j] == 1)
            j++;
        if (i == entry->rank || j == x->rank)
            return i == entry->rank && j == x->rank;
        if (entry->dim[i++] != (uint64_t)x->dim[j++])
            return false;
    }
}

static const char *entry_shape_text(const SafetensorsEntry *entry, char text[64])
{
    size_t at = (size_t)snprintf(text, 64, "(");
    for (int i = 0; i < entry->rank && at < 40; i++)
        at += (size_t)snprintf(text + at, 64 - at, i > 0 ? ",%llu" : "%llu",
                               (unsigned long long)entry->dim[i]);
    snprintf(text + at, 64 - at, ")");
    return text;
}

Status weight_file_read(Weights *w, const char *name, Tensor *x)
{
    WeightFile *f = NULL;
    char wanted[64], got[64];
    const SafetensorsEntry *entry = find(w, name, &f);
    if (entry == NULL)
        return error_set(&w->error, STATUS_FORMAT, "%s: has no tensor %s, expected with shape %s",
                         w->files != NULL ? w->files->path : "(no file)", name,
                         tensor_shape_text(x, wanted));
    if (!shape_fits(entry, x))
        return error_set(&w->error, STATUS_FORMAT, "%s: %s has shape %s, expected %s", f->path, name,
                         entry_shape_text(entry, got), tensor_shape_text(x, wanted));
    f->asked[entry - f->file.entries] = true;
    return safetensors_read_f32(x->data, &f->file, entry, &w->error);
}

bool weight_file_has(const Weights *w, const char *name)
{
    WeightFile *f = NULL;
    return find(w, name, &f) != NULL;
}

void weight_file_ignore(Weights *w, const char *name)
{
    WeightFile *f = NULL;
    const SafetensorsEntry *entry = find(w, name, &f);
    if (entry != NULL)
        f->asked[entry - f->file.entries] = true;
}

void weight_file_check_all_asked(Weights *w)
{
    for (const WeightFile *f = w->files; f != NULL; f = f->next) {
        size_t unused = 0;
        const char *first = NULL;
        for (size_t i = 0; i < f->file.count; i++)
            if (!f->asked[i] && unused++ == 0)
                first = f->file.entries[i].name;
        if (unused > 0) {
            error_set(&w->error, STATUS_FORMAT,
                      "%s: %zu tensors have no place in this model, the first is %s", f->path, unused,
                      first);
            return;
        }
    }
}
