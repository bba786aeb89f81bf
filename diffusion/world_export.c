#include "diffusion/world_export.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/world_caption.h"
#include "io/json.h"
#include "io/output.h"
#include "io/png.h"

enum { MAPS = WORLD_SAMPLE_MAPS, NAME = 40, COUNT_MAX = 999999 };

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory to write samples");
}

static Status write_picture(const char *folder, const char *name, const Image *image, const char *caption,
                            Arena *scratch, Error *err)
{
    const PngText text = {"Description", caption};
    const char *path = path_join(scratch, folder, name);
    return path != NULL ? png_write(path, image, &text, 1, scratch, err) : no_memory(err);
}

static void add_text(Bytes *out, const char *key, const char *value)
{
    bytes_add_format(out, ", \"%s\": ", key);
    json_add_quoted(out, value, strlen(value));
}

/* One line of metadata.jsonl. */
static Status add_line(Bytes *out, const World *world, const WorldSample *sample, const WorldExport *what,
                       uint64_t number, Arena *scratch, Error *err)
{
    const int file = (int)number;
    bytes_add_format(out, "{\"file_name\": \"%06d.png\"", file);
    add_text(out, "text", sample->caption);
    for (int level = 0; level < 3; level++) {
        Bytes caption = {.arena = scratch};
        char key[NAME];
        world_caption(&caption, world, &sample->scene, level);
        bytes_add_byte(&caption, '\0');
        if (caption.failed)
            return no_memory(err);
        snprintf(key, sizeof key, "text_%d", level);
        add_text(out, key, (const char *)caption.data);
    }
    for (int map = 0; map < MAPS; map++) {
        if (world_sample_map(sample, map) != NULL)
            bytes_add_format(out, ", \"%s_file_name\": \"maps/%06d_%s.png\"", WORLD_SAMPLE_MAP_NAMES[map],
                             file, WORLD_SAMPLE_MAP_NAMES[map]);
    }
    bytes_add_format(out, ", \"seed\": %llu, \"index\": %llu, \"scene\": ", (unsigned long long)what->seed,
                     (unsigned long long)(what->first + number));
    world_record(out, world, sample);
    bytes_add_text(out, "}\n");
    return out->failed ? no_memory(err) : STATUS_OK;
}

static Status write_sample(const char *folder, const WorldSample *sample, int number, Arena *scratch,
                           Error *err)
{
    char name[NAME];
    snprintf(name, sizeof name, "%06d.png", number);
    Status status = write_picture(folder, name, &sample->image, sample->caption, scratch, err);
    for (int map = 0; map < MAPS && status == STATUS_OK; map++) {
        if (world_sample_map(sample, map) == NULL)
            continue;
        snprintf(name, sizeof name, "maps/%06d_%s.png", number, WORLD_SAMPLE_MAP_NAMES[map]);
        status = write_picture(folder, name, world_sample_map(sample, map), sample->caption, scratch, err);
    }
    return status;
}

static Status check_count(const WorldExport *what, Error *err)
{
    if (what->count >= 1 && what->count <= COUNT_MAX)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT, "%llu samples: must be 1 to %d", (unsigned long long)what->count,
                     (int)COUNT_MAX);
}

static Status make_folders(const char *folder, unsigned maps, Arena *scratch, Error *err)
{
    const Status status = folder_make(folder, err);
    if (status != STATUS_OK || maps == 0)
        return status;
    const char *path = path_join(scratch, folder, "maps");
    return path != NULL ? folder_make(path, err) : no_memory(err);
}

static Status export_one(Output *metadata, const char *folder, const World *world,
                         const WorldOptions *options, const WorldExport *what, uint64_t i, Arena *scratch,
                         Error *err)
{
    WorldSample sample;
    Status status = world_sample(world, options, what->seed, what->first + i, &sample, scratch, err);
    if (status == STATUS_OK)
        status = write_sample(folder, &sample, (int)i, scratch, err);
    if (status != STATUS_OK)
        return status;
    Bytes line = {.arena = scratch};
    status = add_line(&line, world, &sample, what, i, scratch, err);
    if (status == STATUS_OK)
        output_add(metadata, line.data, line.size);
    return status;
}

Status world_export(const char *folder, const World *world, const WorldOptions *options,
                    const WorldExport *what, Arena *scratch, Error *err)
{
    Status status = check_count(what, err);
    if (status == STATUS_OK)
        status = world_options_check(world, options, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark all = arena_mark(scratch);
    Output metadata;
    const char *path = path_join(scratch, folder, "metadata.jsonl");
    status = path != NULL ? make_folders(folder, options->maps, scratch, err) : no_memory(err);
    if (status == STATUS_OK) {
        file_remove(path); /* an older export's, which would speak for a mixture of both */
        status = output_open(&metadata, path, err);
    }
    if (status != STATUS_OK) {
        arena_release(scratch, all);
        return status;
    }
    for (uint64_t i = 0; i < what->count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(scratch);
        status = export_one(&metadata, folder, world, options, what, i, scratch, err);
        arena_release(scratch, mark);
        if (status == STATUS_OK && what->progress != NULL &&
            !what->progress(what->context, i + 1, what->count))
            status = error_set(err, STATUS_INTERRUPTED, "stopped after %llu of %llu samples",
                               (unsigned long long)(i + 1), (unsigned long long)what->count);
    }
    if (status == STATUS_OK)
        status = output_close(&metadata, err);
    else
        output_drop(&metadata);
    arena_release(scratch, all);
    return status;
}
