/* cli/golden_check.c - computes a golden set anew and compares it with the files (see golden_set.h). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/golden_set.h"
#include "io/safetensors.h"
#include "io/sha256.h"

typedef struct {
    const GoldenOptions *options;
    size_t same, different;
    char first[400]; /* the first tensor that differs */
} Checked;

static void different(Checked *k, const char *name, const char *what)
{
    if (k->different++ == 0)
        snprintf(k->first, sizeof k->first, "%.380s", name);
    result_line(k->options->result, "%-52s %s\n", name, what);
}

/* One stored tensor against `count` native numbers; status is about reading. */
static Status compare(Checked *k, const Safetensors *stored, const char *name, DType dtype,
                      const void *bits, size_t count, Arena *arena, Error *err)
{
    const SafetensorsEntry *entry = safetensors_find(stored, name);
    if (entry == NULL || entry->dtype != dtype || safetensors_numbers(entry) != count) {
        different(k, name, entry == NULL ? "is not in the file" : "has another shape or dtype in the file");
        return STATUS_OK;
    }
    const ArenaMark mark = arena_mark(arena);
    void *data = arena_raw(arena, (size_t)entry->size + 1, 1);
    if (data == NULL)
        return error_set(err, STATUS_MEMORY, "golden: no memory for %s", name);
    const Status status = safetensors_read_raw(data, stored, entry, err);
    if (status == STATUS_OK && memcmp(data, bits, (size_t)entry->size) != 0)
        different(k, name, "differs");
    else if (status == STATUS_OK)
        k->same++;
    arena_release(arena, mark);
    return status;
}

/* The contract's own bits have to be near the truth. */
static bool within_own_bound(const GoldenTensor *t)
{
    bool good = true;
    for (size_t i = 0; t->truth != NULL && i < t->count; i++) {
        double got;
        dtype_to_f64(&got, (const char *)t->bits + i * dtype_size(t->dtype), t->dtype, 1);
        const double share =
            golden_excess(got, t->truth[i], t->bound[t->bounds == 1 ? 0 : i], t->dtype != F32);
        good = good && share <= 1.0;
    }
    return good;
}

static Status compare_tensor(Checked *k, const Safetensors *stored, const GoldenTensor *t, Arena *arena,
                             Error *err)
{
    char name[420];
    if (!within_own_bound(t))
        different(k, t->tensor, "is outside of its own bound");
    Status status = compare(k, stored, t->tensor, t->dtype, t->bits, t->count, arena, err);
    if (t->truth == NULL)
        return status;
    snprintf(name, sizeof name, "%s.truth", t->tensor);
    if (status == STATUS_OK)
        status = compare(k, stored, name, F64, t->truth, t->count, arena, err);
    snprintf(name, sizeof name, "%s.bound", t->tensor);
    return status == STATUS_OK ? compare(k, stored, name, F64, t->bound, t->bounds, arena, err) : status;
}

static Status check_part(Checked *k, const GoldenPart *part, const char *folder, Error *err)
{
    Arena arena = {.account = k->options->memory};
    GoldenFile file = {.arena = &arena, .name = part->name};
    Safetensors stored;
    char name[400];
    snprintf(name, sizeof name, "%.300s.safetensors", part->name);
    part->make(&file, part->context);
    const char *path = path_join(&arena, folder, name);
    Status status = file.error.status;
    if (status != STATUS_OK)
        error_set(err, status, "%s", file.error.text);
    else if (path == NULL)
        status = error_set(err, STATUS_MEMORY, "golden: no memory for part %s", part->name);
    if (status == STATUS_OK)
        status = safetensors_open(&stored, path, &arena, err);
    for (const GoldenCase *c = file.first; c != NULL && status == STATUS_OK; c = c->next)
        for (const GoldenTensor *t = c->first; t != NULL && status == STATUS_OK; t = t->next)
            status = compare_tensor(k, &stored, t, &arena, err);
    arena_free(&arena);
    return status;
}

/* Every file has the SHA-256 that index.json says. */
static Status check_hashes(Checked *k, const char *folder, Error *err)
{
    Arena arena = {.account = k->options->memory};
    const Json *index = NULL;
    const char *path = path_join(&arena, folder, "index.json");
    Status status = path == NULL ? error_set(err, STATUS_MEMORY, "golden: no memory")
                                 : json_read(&index, path, &arena, err);
    const Json *files = json_get(index, "files");
    for (size_t i = 0; status == STATUS_OK && i < json_count(files); i++) {
        char hash[65];
        const char *name = json_text(json_get(json_at(files, i), "file"), "");
        if (!golden_wanted(k->options, name))
            continue;
        path = path_join(&arena, folder, name);
        status = path == NULL ? error_set(err, STATUS_MEMORY, "golden: no memory")
                              : sha256_file(hash, path, err);
        if (status == STATUS_OK && strcmp(hash, json_text(json_get(json_at(files, i), "sha256"), "")) != 0)
            different(k, name, "has another SHA-256 than index.json says");
    }
    arena_free(&arena);
    return status;
}

Status golden_check(const char *folder, const GoldenOptions *options, Error *err)
{
    Checked k = {.options = options};
    Status status = check_hashes(&k, folder, err);
    for (size_t i = 0; status == STATUS_OK && golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        if (golden_part_wanted(options, part.name))
            status = check_part(&k, &part, folder, err);
    }
    if (status != STATUS_OK)
        return status;
    json_write_uint64(&options->result->json, "same", k.same);
    json_write_uint64(&options->result->json, "different", k.different);
    if (!options->quiet)
        result_line(options->result, "golden check: %zu tensors are the same, %zu differ\n", k.same,
                    k.different);
    if (k.different > 0)
        return error_set(err, STATUS_DIFFERENT,
                         "golden: %zu tensors of %s differ from what this build computes, "
                         "the first is %s",
                         k.different, folder, k.first);
    return STATUS_OK;
}
