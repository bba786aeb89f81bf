/* cli/golden_write.c - writes and lists golden sets (see golden_set.h). */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/golden_set.h"
#include "io/safetensors.h"
#include "io/sha256.h"

enum { GOLDEN_VERSION = 1, CONTRACT_VERSION = 1 };

static const char *with_ending(Arena *arena, const char *name, const char *ending)
{
    char text[400];
    const int n = snprintf(text, sizeof text, "%.300s%s", name, ending);
    return arena_text(arena, text, (size_t)n);
}

/* ---- the tensors of a part ---- */

static size_t item_count(const GoldenFile *file)
{
    size_t n = 0;
    for (const GoldenCase *c = file->first; c != NULL; c = c->next)
        for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
            n += t->truth != NULL ? 3 : 1;
    return n;
}

static SafetensorsItem item_of(const GoldenTensor *t, const char *name, DType dtype, const void *data)
{
    SafetensorsItem item = {.name = name, .dtype = dtype, .rank = t->rank, .data = data};
    memcpy(item.dim, t->dim, sizeof t->dim);
    return item;
}

static Status write_tensors(const GoldenFile *file, const char *path, Error *err)
{
    const char *const metadata[] = {"format", "ldm99 golden set", "part", file->name, NULL};
    SafetensorsItem *item = arena_alloc(file->arena, item_count(file) + 1, sizeof *item);
    size_t n = 0;
    for (const GoldenCase *c = file->first; item != NULL && c != NULL; c = c->next)
        for (const GoldenTensor *t = c->first; t != NULL; t = t->next) {
            item[n++] = item_of(t, t->tensor, t->dtype, t->bits);
            if (t->truth == NULL)
                continue;
            item[n++] = item_of(t, with_ending(file->arena, t->tensor, ".truth"), F64, t->truth);
            item[n++] = item_of(t, with_ending(file->arena, t->tensor, ".bound"), F64, t->bound);
            if (t->bounds != t->count) { /* one for all */
                item[n - 1].rank = 1;
                item[n - 1].dim[0] = t->bounds;
            }
        }
    for (size_t i = 0; item != NULL && i < n; i++)
        if (item[i].name == NULL)
            item = NULL;
    if (item == NULL)
        return error_set(err, STATUS_MEMORY, "golden: no memory for part %s", file->name);
    return safetensors_write(path, item, n, metadata, file->arena, err);
}

/* ---- index.json ---- */

static void index_tensor(JsonWriter *w, const GoldenTensor *t)
{
    char text[400];
    json_begin_object(w, NULL);
    json_write_text(w, "name", t->name);
    json_write_text(w, "tensor", t->tensor);
    if (t->truth != NULL) {
        snprintf(text, sizeof text, "%.380s.truth", t->tensor);
        json_write_text(w, "truth", text);
        snprintf(text, sizeof text, "%.380s.bound", t->tensor);
        json_write_text(w, "bound", text);
    }
    json_end(w);
}

static void index_case(JsonWriter *w, const GoldenFile *file, const GoldenCase *c)
{
    char text[400];
    json_begin_object(w, NULL);
    json_write_text(w, "name", c->name);
    json_write_text(w, "operator", c->operation);
    if (c->like != NULL)
        json_write_text(w, "like", c->like);
    json_write_text(w, "label", golden_label_name(c->label));
    json_write_text(w, "source", c->source);
    snprintf(text, sizeof text, "%.300s.safetensors", file->name);
    json_write_text(w, "file", text);
    json_begin_object(w, "attributes");
    for (int i = 0; i < GOLDEN_ATTRIBUTES && c->attribute[i] != NULL; i++)
        json_write_number(w, c->attribute[i], c->value[i]);
    json_end(w);
    for (GoldenRole role = GOLDEN_INPUT; role <= GOLDEN_GRADIENT; role++) {
        json_begin_array(w, golden_role_name(role));
        for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
            if (t->role == role)
                index_tensor(w, t);
        json_end(w);
    }
    json_end(w);
}

static Status write_part(const GoldenPart *part, const char *folder, JsonWriter *files, JsonWriter *cases,
                         const GoldenOptions *options, Error *err)
{
    Arena arena = {.account = options->memory};
    char hash[65];
    GoldenFile file = {.arena = &arena, .name = part->name};
    part->make(&file, part->context);
    const char *name = with_ending(&arena, part->name, ".safetensors");
    const char *path = name != NULL ? path_join(&arena, folder, name) : NULL;
    Status status = file.error.status;
    if (status != STATUS_OK)
        error_set(err, status, "%s", file.error.text);
    else if (path == NULL)
        status = error_set(err, STATUS_MEMORY, "golden: no memory for part %s", part->name);
    if (status == STATUS_OK)
        status = write_tensors(&file, path, err);
    if (status == STATUS_OK)
        status = sha256_file(hash, path, err);
    if (status == STATUS_OK) {
        result_file_quietly(options->result, path);
        json_begin_object(files, NULL);
        json_write_text(files, "file", name);
        json_write_text(files, "sha256", hash);
        json_end(files);
        for (const GoldenCase *c = file.first; c != NULL; c = c->next)
            index_case(cases, &file, c);
    }
    arena_free(&arena);
    return status;
}

/* Both lists are JSON arrays of their own while the parts are made one by one. */
static Status write_index(const char *folder, const Bytes *files, const Bytes *cases, Result *result,
                          Arena *arena, Error *err)
{
    const Json *list[2] = {NULL, NULL};
    Bytes text = {.arena = arena};
    JsonWriter w = {.out = &text};
    if (files->failed || cases->failed)
        return error_set(err, STATUS_MEMORY, "golden: no memory for index.json");
    Status status = json_parse(&list[0], (const char *)files->data, files->size, "files", arena, err);
    if (status == STATUS_OK)
        status = json_parse(&list[1], (const char *)cases->data, cases->size, "cases", arena, err);
    if (status != STATUS_OK)
        return status;
    json_begin_object(&w, NULL);
    json_write_text(&w, "format", "ldm99 golden set");
    json_write_int(&w, "version", GOLDEN_VERSION);
    json_write_int(&w, "contract", CONTRACT_VERSION);
    json_write_value(&w, "files", list[0]);
    json_write_value(&w, "cases", list[1]);
    json_end(&w);
    const char *path = path_join(arena, folder, "index.json");
    if (text.failed || path == NULL)
        return error_set(err, STATUS_MEMORY, "golden: no memory for index.json");
    status = file_write(path, text.data, text.size, err);
    if (status == STATUS_OK)
        result_file(result, path);
    return status;
}

Status golden_write(const char *folder, const GoldenOptions *options, Error *err)
{
    Arena arena[3] = {
        {.account = options->memory}, {.account = options->memory}, {.account = options->memory}};
    Bytes files = {.arena = &arena[0]}, cases = {.arena = &arena[1]};
    JsonWriter w[2] = {{.out = &files}, {.out = &cases}};
    Status status = folder_make(folder, err);
    json_begin_array(&w[0], NULL);
    json_begin_array(&w[1], NULL);
    for (size_t i = 0; status == STATUS_OK && golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        if (golden_part_wanted(options, part.name))
            status = write_part(&part, folder, &w[0], &w[1], options, err);
    }
    json_end(&w[0]);
    json_end(&w[1]);
    if (status == STATUS_OK)
        status = write_index(folder, &files, &cases, options->result, &arena[2], err);
    for (int i = 0; i < 3; i++)
        arena_free(&arena[i]);
    return status;
}

static void list_case(Result *r, const GoldenCase *c)
{
    size_t computed = 0;
    for (const GoldenTensor *t = c->first; t != NULL; t = t->next)
        computed += t->role == GOLDEN_OUTPUT || t->role == GOLDEN_GRADIENT;
    result_line(r, "%-44s %-8s %zu to compute\n", c->name, golden_label_name(c->label), computed);
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "name", c->name);
    json_write_text(&r->json, "label", golden_label_name(c->label));
    json_write_uint64(&r->json, "computed", computed);
    json_end(&r->json);
}

Status golden_list(const GoldenOptions *options, Error *err)
{
    json_begin_array(&options->result->json, "cases");
    for (size_t i = 0; golden_part(i).name != NULL; i++) {
        const GoldenPart part = golden_part(i);
        Arena arena = {.account = options->memory};
        GoldenFile file = {.arena = &arena, .name = part.name, .listing = true};
        if (golden_part_wanted(options, part.name))
            part.make(&file, part.context);
        for (const GoldenCase *c = file.first; c != NULL; c = c->next)
            if (golden_wanted(options, c->name))
                list_case(options->result, c);
        if (file.error.status != STATUS_OK)
            error_set(err, file.error.status, "%s", file.error.text);
        arena_free(&arena);
        if (file.error.status != STATUS_OK)
            return file.error.status;
    }
    json_end(&options->result->json);
    return STATUS_OK;
}
