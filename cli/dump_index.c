#include "cli/dump_index.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "io/json.h"

bool is_dump(const char *folder)
{
    char path[4200];
    return snprintf(path, sizeof path, "%s/index.json", folder) < (int)sizeof path && file_exists(path);
}

Status dump_index_read(DumpIndex *out, const char *folder, Arena *arena, Error *err)
{
    const Json *json = NULL;
    const char *path = path_join(arena, folder, "index.json");
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its stages", folder);
    const Status status = json_read(&json, path, arena, err);
    if (status != STATUS_OK)
        return status;
    const Json *tensors = json_get(json, "tensors");
    DumpIndex index = {.count = json_count(tensors)};
    index.stage = arena_alloc(arena, index.count + 1, sizeof *index.stage);
    for (size_t i = 0; index.stage != NULL && i < index.count; i++) {
        const char *name = json_text(json_get(json_at(tensors, i), "name"), NULL);
        const char *file = json_text(json_get(json_at(tensors, i), "file"), NULL);
        if (name == NULL || file == NULL || strchr(file, '/') != NULL)
            return error_set(err, STATUS_FORMAT, "%s: tensor %zu has no name or no file", path, i);
        index.stage[i] = (DumpStage){name, path_join(arena, folder, file)};
        if (index.stage[i].path == NULL)
            index.stage = NULL;
    }
    if (json_kind(tensors) != JSON_ARRAY)
        return error_set(err, STATUS_FORMAT, "%s: is not the index of a dump", path);
    if (index.stage == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its stages", folder);
    *out = index;
    return STATUS_OK;
}

const DumpStage *dump_stage(const DumpIndex *index, size_t i, const char *name)
{
    if (i < index->count && strcmp(index->stage[i].name, name) == 0)
        return &index->stage[i];
    for (size_t k = 0; k < index->count; k++)
        if (strcmp(index->stage[k].name, name) == 0)
            return &index->stage[k];
    return NULL;
}
