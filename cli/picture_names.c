#include "cli/picture_names.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "io/picture.h"

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

/* ---- sheets ---- */

/* The number that *text begins with, which goes on behind it: 1 to 99999, else 0. */
static int read_side(const char **text)
{
    int value = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        value = value < 100000 ? 10 * value + (**text - '0') : value;
    return value < 100000 ? value : 0;
}

/* FILE.png@W or FILE.png@WxH: the characters of the file's name, else 0. */
static size_t sheet_word(const char *word, int *width, int *height)
{
    const char *at = strrchr(word, '@'), *rest = at != NULL ? at + 1 : "";
    *width = *height = read_side(&rest);
    if (*rest == 'x' && *width > 0) {
        rest++;
        *height = read_side(&rest);
    }
    if (at == NULL || *rest != '\0' || *width < 1 || *height < 1 || at - word < 4)
        return 0;
    return strncmp(at - 4, ".png", 4) == 0 || strncmp(at - 4, ".ppm", 4) == 0 ||
                   strncmp(at - 4, ".pgm", 4) == 0
               ? (size_t)(at - word)
               : 0;
}

static Status names_of_sheet(PictureNames *out, const char *word, size_t length, int width, int height,
                             Arena *arena, Error *err)
{
    enum { NUMBER = 24 };
    const char *file = arena_text(arena, word, length);
    Image *sheet = arena_alloc(arena, 1, sizeof *sheet);
    if (file == NULL || sheet == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for its name", word);
    const Status status = picture_read(sheet, file, arena, err);
    if (status != STATUS_OK)
        return status;
    if (sheet->width % width != 0 || sheet->height % height != 0)
        return error_set(err, STATUS_SHAPE, "%.150s: %d x %d pixels are not full of tiles of %d x %d", file,
                         sheet->width, sheet->height, width, height);
    const size_t count = (size_t)(sheet->width / width) * (size_t)(sheet->height / height);
    const char **path = arena_raw(arena, count, sizeof *path);
    char *text = arena_raw(arena, count, length + NUMBER);
    if (path == NULL || text == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for its names", word);
    for (size_t i = 0; i < count; i++, text += length + NUMBER) {
        snprintf(text, length + NUMBER, "%s#%zu", file, i);
        path[i] = text;
    }
    *out = (PictureNames){
        .path = path, .count = count, .sheet = sheet, .tile_width = width, .tile_height = height};
    return STATUS_OK;
}

Status picture_open(Image *out, const PictureNames *names, size_t i, Arena *arena, Error *err)
{
    if (names->sheet == NULL)
        return picture_read(out, names->path[i], arena, err);
    const int columns = names->sheet->width / names->tile_width;
    int number = 0;
    for (const char *digit = strrchr(names->path[i], '#') + 1; *digit != '\0'; digit++)
        number = 10 * number + (*digit - '0');
    return image_crop(out, names->sheet, number % columns * names->tile_width,
                      number / columns * names->tile_height, names->tile_width, names->tile_height, arena,
                      err);
}

Status picture_names(PictureNames *out, const char *word, Arena *arena, Error *err)
{
    PictureNames names;
    int width, height;
    const bool folder = is_folder(word);
    const size_t sheet = folder ? 0 : sheet_word(word, &width, &height);
    const Status status = folder      ? names_of_folder(&names, word, arena, err)
                          : sheet > 0 ? names_of_sheet(&names, word, sheet, width, height, arena, err)
                                      : names_of_list(&names, word, arena, err);
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
    PictureNames part = *names;
    part.path += begin;
    part.count = end - begin;
    return part;
}
