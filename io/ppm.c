#include "io/ppm.h"

#include "base/file.h"

/* The file from `next` on. */
typedef struct {
    const unsigned char *next, *end;
    const char *name;
} Ppm;

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next number, behind white space and comments (from '#' to the end of the line); false when there is
 * none, or it is above `most`. */
static bool number_read(unsigned *out, Ppm *ppm, unsigned most)
{
    bool comment = false;
    for (; ppm->next < ppm->end; ppm->next++) {
        const unsigned char c = *ppm->next;
        if (comment ? c == '\n' || c == '\r' : c == '#')
            comment = !comment;
        else if (!comment && !is_space(c))
            break;
    }
    unsigned value = 0;
    const unsigned char *start = ppm->next;
    for (; ppm->next < ppm->end && *ppm->next >= '0' && *ppm->next <= '9'; ppm->next++) {
        value = value * 10 + (unsigned)(*ppm->next - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return ppm->next > start;
}

/* One sample of a binary picture: one byte, or two when the maximum needs them, highest first. */
static bool binary_read(unsigned *out, Ppm *ppm, unsigned most)
{
    const int size = most > 255 ? 2 : 1;
    if (ppm->end - ppm->next < size)
        return false;
    *out = size == 2 ? (unsigned)ppm->next[0] << 8 | ppm->next[1] : ppm->next[0];
    ppm->next += size;
    return *out <= most;
}

/* At least so many bytes are needed for so many samples: with it a header cannot ask for more memory than
 * is in proportion to the file. */
static uint64_t least_size(uint64_t samples, bool binary, unsigned most)
{
    return binary ? samples * (most > 255 ? 2 : 1) : 2 * samples - 1;
}

static Status pixels_read(Image *out, Ppm *ppm, bool binary, unsigned samples, unsigned most, Error *err)
{
    const size_t count = (size_t)out->width * (size_t)out->height * samples;
    unsigned char *to = out->pixels;
    for (size_t i = 0; i < count; i++) {
        unsigned v = 0;
        if (!(binary ? binary_read(&v, ppm, most) : number_read(&v, ppm, most)))
            return error_set(err, STATUS_FORMAT, "%s: sample %zu of %zu is missing, malformed or above %u",
                             ppm->name, i, count, most);
        for (unsigned copies = 3 / samples; copies > 0; copies--) /* grey: three times */
            *to++ = (unsigned char)((v * 510 + most) / (2 * most));
    }
    return STATUS_OK;
}

Status ppm_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena, Error *err)
{
    const unsigned char *first = size > 0 ? data : (const void *)"";
    Ppm ppm = {first, first + size, name};
    const int kind = size >= 3 && ppm.next[0] == 'P' && is_space(ppm.next[2]) ? ppm.next[1] : 0;
    if (kind != '2' && kind != '3' && kind != '5' && kind != '6')
        return error_set(err, STATUS_FORMAT, "%s: is not a PPM or PGM file (P2, P3, P5 or P6 wanted)",
                         name);
    const bool binary = kind >= '5';
    const unsigned samples = kind == '2' || kind == '5' ? 1 : 3;
    unsigned width = 0, height = 0, most = 0;
    ppm.next += 2;
    const bool good = number_read(&width, &ppm, IMAGE_SIDE_MAX) &&
                      number_read(&height, &ppm, IMAGE_SIDE_MAX) && number_read(&most, &ppm, 65535) &&
                      width > 0 && height > 0 && most > 0;
    if (!good || ppm.next == ppm.end || !is_space(*ppm.next))
        return error_set(err, STATUS_FORMAT,
                         "%s: a malformed PPM header (sides 1 to %d, maximum 1 to 65535)", name,
                         (int)IMAGE_SIDE_MAX);
    ppm.next++; /* one white space between the maximum and the samples */
    if ((uint64_t)(ppm.end - ppm.next) < least_size((uint64_t)width * height * samples, binary, most))
        return error_set(err, STATUS_FORMAT, "%s: %zu bytes cannot hold %u x %u pixels", name,
                         (size_t)(ppm.end - ppm.next), width, height);
    const ArenaMark mark = arena_mark(arena);
    Image image = {0};
    Status status = image_new(&image, (int)width, (int)height, 3, arena, err);
    if (status == STATUS_OK)
        status = pixels_read(&image, &ppm, binary, samples, most, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    *out = image;
    return STATUS_OK;
}

Status ppm_read(Image *out, const char *path, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Bytes file = {0};
    Image image = {0};
    Status status = file_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = ppm_decode(&image, file.data, file.size, path, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    image.pixels = arena_release_keeping(arena, mark, image.pixels, image_size(&image));
    *out = image;
    return STATUS_OK;
}

Status ppm_encode(Bytes *out, const Image *image, Error *err)
{
    if (image->channels == 4)
        return error_set(err, STATUS_ARGUMENT, "a PPM file cannot hold alpha");
    bytes_add_format(out, "P%c\n%d %d\n255\n", image->channels == 1 ? '5' : '6', image->width,
                     image->height);
    bytes_add(out, image->pixels, image_size(image));
    return out->failed ? error_set(err, STATUS_MEMORY, "no memory to write a PPM picture of %d x %d pixels",
                                   image->width, image->height)
                       : STATUS_OK;
}

Status ppm_write(const char *path, const Image *image, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes file = {.arena = scratch};
    Status status = ppm_encode(&file, image, err);
    if (status == STATUS_OK)
        status = file_write(path, file.data, file.size, err);
    arena_release(scratch, mark);
    return status;
}
