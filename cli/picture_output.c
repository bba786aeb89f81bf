#include "cli/picture_output.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/picture_text.h"
#include "io/sheet.h"

Status grid_read(int *columns, const char *text, int pictures, const char *name, Error *err)
{
    char rest = 0;
    int rows = 0;
    if (sscanf(text, "%4dx%4d%c", columns, &rows, &rest) != 2 || *columns < 1 || rows < 1)
        return error_set(err, STATUS_ARGUMENT, "%s: --grid is \"%.40s\", expected COLUMNSxROWS", name,
                         text);
    if (*columns * rows < pictures)
        return error_set(err, STATUS_ARGUMENT, "%s: --grid %.40s has %d places for %d pictures", name, text,
                         *columns * rows, pictures);
    return STATUS_OK;
}

Status grid_name(const char **out, const char *pattern, Arena *arena, Error *err)
{
    struct stat about;
    Bytes name = {.arena = arena};
    const char *slash = strrchr(pattern, '/'), *file = slash != NULL ? slash + 1 : pattern;
    if (file[0] == '\0' || (stat(pattern, &about) == 0 && S_ISDIR(about.st_mode))) {
        *out = path_join(arena, pattern, "grid.png");
        return *out != NULL ? STATUS_OK : error_set(err, STATUS_MEMORY, "no memory for a file name");
    }
    const char *dot = strrchr(file, '.'), *end = dot != NULL ? dot : pattern + strlen(pattern);
    const char *number = strchr(file, '%');
    if (number != NULL && number + 1 + strspn(number + 1, "0123456789") < end &&
        number[1 + strspn(number + 1, "0123456789")] == 'd')
        end = number;
    bytes_add(&name, pattern, (size_t)(end - pattern));
    bytes_add_text(&name, end > file && end[-1] != '_' ? "_grid.png" : "grid.png");
    bytes_add_byte(&name, '\0');
    if (name.failed)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    *out = (const char *)name.data;
    return STATUS_OK;
}

Status pictures_write(const PictureRequest *r, const Txt2ImgResult *made, const char *pattern, Error *err)
{
    Command *c = r->command;
    Status status = STATUS_OK;
    json_begin_array(&c->result.json, "pictures");
    for (int i = 0; i < made->count && status == STATUS_OK; i++) {
        PngText texts[PICTURE_TEXTS];
        const char *path = NULL;
        char hash[65];
        const Image *picture = &made->pictures[i];
        status = output_name(&path, pattern, i, made->count, r->seed + (uint64_t)i, &c->arena, err);
        if (status == STATUS_OK)
            status = picture_texts(texts, r, i, picture, &c->arena, err);
        if (status == STATUS_OK)
            status = png_write(path, picture, texts, PICTURE_TEXTS, &c->arena, err);
        if (status != STATUS_OK)
            break;
        picture_hash(hash, picture);
        json_begin_object(&c->result.json, NULL);
        json_write_text(&c->result.json, "path", path);
        json_write_uint64(&c->result.json, "seed", r->seed + (uint64_t)i);
        json_write_int(&c->result.json, "width", picture->width);
        json_write_int(&c->result.json, "height", picture->height);
        json_write_text(&c->result.json, "pixels_sha256", hash);
        json_end(&c->result.json);
        result_file(&c->result, path);
    }
    json_end(&c->result.json);
    return status;
}

Status grid_write(const PictureRequest *r, const Txt2ImgResult *made, const char *pattern, int columns,
                  Error *err)
{
    Arena *arena = &r->command->arena;
    const char *path = NULL;
    PngText texts[PICTURE_TEXTS];
    Image sheet;
    SheetCell *cells = arena_alloc(arena, (size_t)made->count, sizeof *cells);
    if (cells == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the sheet");
    for (int i = 0; i < made->count; i++)
        cells[i] = (SheetCell){&made->pictures[i], NULL};
    const SheetOptions options = {.columns = columns};
    Status status = sheet_make(&sheet, cells, (size_t)made->count, &options, arena, err);
    if (status == STATUS_OK)
        status = grid_name(&path, pattern, arena, err);
    if (status == STATUS_OK)
        status = picture_texts(texts, r, 0, &made->pictures[0], arena, err);
    if (status == STATUS_OK)
        status = png_write(path, &sheet, texts, 1, arena,
                           err); /* `parameters`: it cannot be made again itself */
    if (status == STATUS_OK)
        result_file(&r->command->result, path);
    return status;
}
