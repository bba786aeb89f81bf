#include "io/picture.h"

#include <string.h>

#include "base/file.h"
#include "io/ppm.h"

Status picture_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena, Error *err)
{
    const unsigned char *first = data;
    if (size >= 2 && first[0] == 'P' && first[1] >= '1' && first[1] <= '7')
        return ppm_decode(out, data, size, name, arena, err);
    if (size >= 1 && first[0] == 0x89)
        return png_decode(out, data, size, name, arena, err);
    return error_set(err, STATUS_FORMAT, "%s: is not a PNG, PPM or PGM picture", name);
}

Status picture_read(Image *out, const char *path, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Bytes file = {0};
    Image image = {0};
    Status status = file_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = picture_decode(&image, file.data, file.size, path, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    image.pixels = arena_release_keeping(arena, mark, image.pixels, image_size(&image));
    *out = image;
    return STATUS_OK;
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t length = strlen(path), tail = strlen(suffix);
    return length >= tail && strcmp(path + length - tail, suffix) == 0;
}

Status picture_write(const char *path, const Image *image, const PngText *texts, int count, Arena *scratch,
                     Error *err)
{
    if (ends_in(path, ".ppm") || ends_in(path, ".pgm"))
        return ppm_write(path, image, scratch, err);
    return png_write(path, image, texts, count, scratch, err);
}
