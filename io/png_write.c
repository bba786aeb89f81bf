#include "io/png.h"

#include <string.h>

#include "base/file.h"
#include "io/deflate.h"
#include "io/png_chunk.h"
#include "io/png_filter.h"

/* Of the five filters the one whose differences, as signed bytes, have the least sum of magnitudes
 * (specification, section 12, "Filter selection"); of equals the first.  out and trial: 1 + size bytes,
 * the filter's number first. */
static void filter_best(unsigned char *out, unsigned char *trial, const unsigned char *row,
                        const unsigned char *above, size_t size, size_t step)
{
    uint64_t least = UINT64_MAX;
    for (int kind = 0; kind < PNG_FILTERS; kind++) {
        uint64_t sum = 0;
        trial[0] = (unsigned char)kind;
        png_filter(trial + 1, row, above, size, step, kind);
        for (size_t i = 1; i <= size; i++)
            sum += trial[i] < 128 ? trial[i] : 256u - trial[i];
        if (sum < least) {
            least = sum;
            memcpy(out, trial, size + 1);
        }
    }
}

/* Packs the rows twice, each row with its best filter and all rows without one, which is better for flat
 * colours, and keeps what is smaller.  `out` has room for it, and the caller gives the scratch back. */
static void pixels_add(Bytes *out, const Image *image)
{
    const size_t step = (size_t)image->channels, row = step * (size_t)image->width,
                 height = (size_t)image->height;
    Bytes packed[2] = {{.arena = out->arena}, {.arena = out->arena}};
    unsigned char *rows = arena_alloc(out->arena, height, row + 1);
    unsigned char *trial = arena_raw(out->arena, row + 1, 1), *zeros = arena_alloc(out->arena, row, 1);
    if (rows == NULL || trial == NULL || zeros == NULL) {
        out->failed = true;
        return;
    }
    for (size_t y = 0; y < height; y++)
        memcpy(rows + y * (row + 1) + 1, image->pixels + y * row, row);
    deflate_add(&packed[0], rows, height * (row + 1), DEFLATE_ZLIB);
    for (size_t y = 0; y < height; y++) {
        const unsigned char *here = image->pixels + y * row;
        filter_best(rows + y * (row + 1), trial, here, y > 0 ? here - row : zeros, row, step);
    }
    deflate_add(&packed[1], rows, height * (row + 1), DEFLATE_ZLIB);
    out->failed = out->failed || packed[0].failed || packed[1].failed;
    if (out->failed)
        return;
    const Bytes *smaller = packed[0].size < packed[1].size ? &packed[0] : &packed[1];
    png_add_chunk(out, PNG_IDAT, smaller->data, smaller->size);
}

static int is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 128)
            return 0;
    return 1;
}

/* tEXt: key, 0, text.  iTXt: key, 0, not packed, method 0, no language, no translated key, text
 * (specification, section 11.3.3). */
static void text_add(Bytes *out, const PngText *text)
{
    const int ascii = is_ascii(text->text);
    const size_t begun = png_begin_chunk(out, ascii ? PNG_TEXT : PNG_ITXT);
    bytes_add(out, text->key, strlen(text->key) + 1);
    if (!ascii)
        bytes_add(out, "\0\0\0\0", 4);
    bytes_add_text(out, text->text);
    png_end_chunk(out, begun);
}

static void header_add(Bytes *out, const Image *image)
{
    unsigned char header[13] = {0};
    be32_put(header, (uint32_t)image->width);
    be32_put(header + 4, (uint32_t)image->height);
    header[8] = 8; /* bits a sample */
    header[9] = (unsigned char)(image->channels == 1 ? 0 : image->channels == 3 ? 2 : 6);
    png_add_chunk(out, PNG_IHDR, header, sizeof header);
}

static Status texts_check(size_t *size, const PngText *texts, int count, Error *err)
{
    *size = 0;
    for (int i = 0; i < count; i++) {
        const size_t key = strlen(texts[i].key), text = strlen(texts[i].text);
        if (key < 1 || key > 79 || !is_ascii(texts[i].key))
            return error_set(err, STATUS_ARGUMENT,
                             "the key \"%.100s\" of a PNG text is not 1 to 79 ASCII characters",
                             texts[i].key);
        if (text > PNG_TEXT_MAX)
            return error_set(err, STATUS_ARGUMENT, "the PNG text \"%s\" has %zu bytes (at most %d)",
                             texts[i].key, text, (int)PNG_TEXT_MAX);
        *size += key + text + 17;
    }
    return STATUS_OK;
}

Status png_encode(Bytes *out, const Image *image, const PngText *texts, int count, Error *err)
{
    size_t text_size = 0;
    const Status status = texts_check(&text_size, texts, count, err);
    if (status != STATUS_OK)
        return status;
    const size_t start = out->size, pixels = image_size(image) + (size_t)image->height;
    const size_t room = 8 + 25 + text_size + 12 + deflate_bound(pixels) + 12;
    if (bytes_extend(out, room) != NULL) {
        out->size = start; /* nothing below takes memory for `out` any more */
        bytes_add(out, PNG_SIGNATURE, sizeof PNG_SIGNATURE);
        header_add(out, image);
        for (int i = 0; i < count; i++)
            text_add(out, &texts[i]);
        const ArenaMark mark = arena_mark(out->arena);
        pixels_add(out, image);
        arena_release(out->arena, mark);
        png_add_chunk(out, PNG_IEND, "", 0);
    }
    if (!out->failed)
        return STATUS_OK;
    out->size = start;
    return error_set(err, STATUS_MEMORY, "no memory to write a PNG picture of %d x %d pixels", image->width,
                     image->height);
}

Status png_write(const char *path, const Image *image, const PngText *texts, int count, Arena *scratch,
                 Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes file = {.arena = scratch};
    Status status = png_encode(&file, image, texts, count, err);
    if (status == STATUS_OK)
        status = file_write(path, file.data, file.size, err);
    arena_release(scratch, mark);
    return status;
}
