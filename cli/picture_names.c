#include "cli/picture_names.h"

#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"

bool is_picture_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL &&
           (strcmp(dot, ".png") == 0 || strcmp(dot, ".ppm") == 0 || strcmp(dot, ".pgm") == 0);
}

static Status names_of_folder(PictureNames *out, const char *folder, Arena *arena, Error *err)
{
    const char *const *name;
    size_t count;
    const Status status = folder_list(&name, &count, folder, NULL, arena, err);
    if (status != STATUS_OK)
        return status;
    const char **path = arena_raw(arena, count, sizeof *path);
    PictureNames names = {.path = path};
    for (size_t i = 0; i < count && path != NULL; i++) {
        if (!is_picture_name(name[i])) {
            names.others++;
            continue;
        }
        path[names.count] = path_join(arena, folder, name[i]);
        if (path[names.count++] == NULL)
            path = NULL;
    }
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for its names", folder);
    *out = names;
    return STATUS_OK;
}

/* Ends each line with a zero in place. */
static Status names_of_list(PictureNames *out, const char *file, Arena *arena, Error *err)
{
    Bytes bytes = {0};
    const Status status = file_read(&bytes, file, arena, err);
    if (status != STATUS_OK)
        return status;
    if (memchr(bytes.data, '\0', bytes.size) != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%.150s: is no folder, no .npz with statistics and no list of pictures", file);
    size_t lines = 1;
    for (size_t i = 0; i < bytes.size; i++)
        lines += bytes.data[i] == '\n';
    const char **path = arena_raw(arena, lines, sizeof *path);
    char *text = arena_text(arena, (const char *)bytes.data, bytes.size);
    if (path == NULL || text == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for its names", file);
    PictureNames names = {.path = path};
    for (char *line = text; line != NULL;) {
        char *end = strchr(line, '\n'), *next = end != NULL ? end + 1 : NULL;
        end = end != NULL ? end : line + strlen(line);
        while (end > line && (end[-1] == '\r' || end[-1] == ' '))
            end--;
        *end = '\0';
        if (end > line)
            path[names.count++] = line;
        line = next;
    }
    *out = names;
    return STATUS_OK;
}

Status picture_names(PictureNames *out, const char *word, Arena *arena, Error *err)
{
    PictureNames names;
    const bool folder = is_folder(word);
    const Status status =
        folder ? names_of_folder(&names, word, arena, err) : names_of_list(&names, word, arena, err);
    if (status == STATUS_OK && names.count == 0)
        return error_set(err, STATUS_FILE, "%.150s: %s no pictures (.png, .ppm, .pgm)", word,
                         folder ? "holds" : "names");
    if (status == STATUS_OK)
        *out = names;
    return status;
}

PictureNames picture_names_part(const PictureNames *names, int i, int n)
{
    const uint64_t count = names->count, of = (uint64_t)n;
    const size_t begin = (size_t)(count / of * (uint64_t)(i - 1) + count % of * (uint64_t)(i - 1) / of);
    const size_t end = (size_t)(count / of * (uint64_t)i + count % of * (uint64_t)i / of);
    return (PictureNames){.path = names->path + begin, .count = end - begin, .others = names->others};
}
