#include "io/png.h"

#include <string.h>

#include "base/file.h"
#include "io/inflate.h"
#include "io/png_chunk.h"
#include "io/png_filter.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 }; /* colour types of the file */

/* All that stands in the file before and around the pixels. */
typedef struct {
    const char *name;
    int width, height, depth, colour, passes;
    int samples; /* of a pixel in the file */
    bool
        clear; /* a tRNS chunk was seen: grey and RGB have one transparent colour, palettes an alpha a colour */
    unsigned clear_colour[3];
    int palette_size;
    unsigned char palette[256][4];
    size_t packed_size; /* of all IDAT chunks */
    int packed_chunks;
    const unsigned char *packed; /* the first of them */
} Png;

/* ---- Chunks --------------------------------------------------------------------------------------------- */

static bool depth_fits(int colour, int depth)
{
    switch (colour) {
    case GREY: return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PALETTE: return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case RGB:
    case GREY_ALPHA:
    case RGB_ALPHA: return depth == 8 || depth == 16;
    default: return false;
    }
}

static Status header_read(Png *png, const PngChunk *chunk, Error *err)
{
    static const int SAMPLES[7] = {1, 0, 3, 1, 2, 0, 4};
    const unsigned char *p = chunk->data;
    if (chunk->type != PNG_IHDR || chunk->size != 13)
        return error_set(err, STATUS_FORMAT,
                         "%s: does not start with a header of 13 bytes (chunk %s, %zu bytes)", png->name,
                         chunk->letters, chunk->size);
    const uint32_t width = be32_get(p), height = be32_get(p + 4);
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX ||
        (uint64_t)width * height > IMAGE_PIXELS_MAX)
        return error_set(err, STATUS_FORMAT,
                         "%s: a PNG picture of %lu x %lu pixels (sides 1 to %d, at most %d pixels)",
                         png->name, (unsigned long)width, (unsigned long)height, (int)IMAGE_SIDE_MAX,
                         (int)IMAGE_PIXELS_MAX);
    if (!depth_fits(p[9], p[8]))
        return error_set(err, STATUS_FORMAT, "%s: no PNG picture has colour type %d with %d bits",
                         png->name, p[9], p[8]);
    if (p[10] != 0 || p[11] != 0 || p[12] > 1)
        return error_set(err, STATUS_FORMAT,
                         "%s: unknown PNG methods (compression %d, filter %d, interlace %d)", png->name,
                         p[10], p[11], p[12]);
    png->width = (int)width;
    png->height = (int)height;
    png->depth = p[8];
    png->colour = p[9];
    png->passes = p[12] == 0 ? 1 : 7;
    png->samples = SAMPLES[p[9]];
    return STATUS_OK;
}

static Status palette_read(Png *png, const PngChunk *chunk, Error *err)
{
    const int size = (int)(chunk->size / 3);
    if (png->colour != PALETTE) /* only a hint for screens with few colours */
        return STATUS_OK;
    if (chunk->size % 3 != 0 || size < 1 || size > 1 << png->depth || png->palette_size > 0 ||
        png->packed != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: a palette of %zu bytes in a PNG picture of %d bits, or out of place",
                         png->name, chunk->size, png->depth);
    for (int i = 0; i < size; i++) {
        memcpy(png->palette[i], chunk->data + 3 * i, 3);
        png->palette[i][3] = 255;
    }
    png->palette_size = size;
    return STATUS_OK;
}

static Status transparency_read(Png *png, const PngChunk *chunk, Error *err)
{
    if (png->colour == GREY_ALPHA || png->colour == RGB_ALPHA) /* the pixels' own alpha counts */
        return STATUS_OK;
    const size_t most = png->colour == PALETTE ? (size_t)png->palette_size : 2 * (size_t)png->samples;
    if (chunk->size > most || (png->colour != PALETTE && chunk->size < most) || png->packed != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: a transparency of %zu bytes where %zu fit, or out of place", png->name,
                         chunk->size, most);
    png->clear = true;
    for (size_t i = 0; i < chunk->size; i++)
        if (png->colour == PALETTE)
            png->palette[i][3] = chunk->data[i];
        else
            png->clear_colour[i / 2] = png->clear_colour[i / 2] << 8 | chunk->data[i];
    return STATUS_OK;
}

/* Notes where the packed pixels are; their chunks must follow each other. */
static Status pixels_note(Png *png, const PngChunk *chunk, bool after_other, Error *err)
{
    if (png->colour == PALETTE && png->palette_size == 0)
        return error_set(err, STATUS_FORMAT, "%s: pixels before their palette", png->name);
    if (png->packed != NULL && after_other)
        return error_set(err, STATUS_FORMAT, "%s: another chunk between the pixels", png->name);
    if (png->packed == NULL)
        png->packed = chunk->data;
    png->packed_size += chunk->size;
    png->packed_chunks++;
    return STATUS_OK;
}

static Status chunks_read(Png *png, PngReader *reader, Error *err)
{
    PngChunk chunk = {0};
    Status status = png_next(&chunk, reader, err);
    if (status == STATUS_OK)
        status = header_read(png, &chunk, err);
    while (status == STATUS_OK && chunk.type != PNG_IEND) {
        const uint32_t before = chunk.type;
        status = png_next(&chunk, reader, err);
        if (status != STATUS_OK)
            break;
        if (chunk.type == PNG_PLTE)
            status = palette_read(png, &chunk, err);
        else if (chunk.type == PNG_TRNS)
            status = transparency_read(png, &chunk, err);
        else if (chunk.type == PNG_IDAT)
            status = pixels_note(png, &chunk, before != PNG_IDAT, err);
        else if (chunk.type != PNG_IEND && !png_ancillary(&chunk))
            status = error_set(err, STATUS_FORMAT, "%s: unknown or repeated critical chunk %s", png->name,
                               chunk.letters);
    }
    if (status == STATUS_OK && png->packed == NULL)
        status = error_set(err, STATUS_FORMAT, "%s: a PNG file without pixels", png->name);
    return status;
}

/* ---- Pixels --------------------------------------------------------------------------------------------- */

/* Pass i of Adam7 has the pixels (x0 + k dx, y0 + l dy) (specification, section 8, "Interlace methods");
 * without interlace there is one pass, with all pixels. */
typedef struct {
    int x0, y0, dx, dy;
} Pass;

static const Pass ADAM7[7] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                              {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
static const Pass WHOLE = {0, 0, 1, 1};

/* The pass, and how many pixels it has: 0 columns for a pass that is not in the file. */
static Pass pass_of(const Png *png, int i, int *columns, int *rows)
{
    const Pass pass = png->passes == 1 ? WHOLE : ADAM7[i];
    *columns = (png->width - pass.x0 + pass.dx - 1) / pass.dx;
    *rows = (png->height - pass.y0 + pass.dy - 1) / pass.dy;
    if (*rows <= 0)
        *columns = 0;
    return pass;
}

static size_t row_size(const Png *png, int columns)
{
    return ((size_t)columns * (size_t)png->samples * (size_t)png->depth + 7) / 8;
}

/* Bytes of all rows of all passes, each with its filter byte. */
static uint64_t filtered_size(const Png *png)
{
    uint64_t total = 0;
    for (int i = 0; i < png->passes; i++) {
        int columns, rows;
        pass_of(png, i, &columns, &rows);
        if (columns > 0)
            total += (uint64_t)rows * (1 + row_size(png, columns));
    }
    return total;
}

/* Sample number i of a row, as it is in the file; samples of less than a byte begin at the highest bit. */
static unsigned sample(const unsigned char *row, size_t i, int depth)
{
    if (depth == 8)
        return row[i];
    if (depth == 16)
        return (unsigned)row[2 * i] << 8 | row[2 * i + 1];
    const size_t bit = i * (size_t)depth;
    return (unsigned)row[bit / 8] >> (8 - depth - (int)(bit % 8)) & ((1u << depth) - 1);
}

/* To 8 bits: v * 255 / (2^depth - 1), to the nearest.  No half occurs. */
static unsigned char eight_bits(unsigned v, int depth)
{
    static const unsigned char FACTOR[9] = {0, 255, 85, 0, 17, 0, 0, 0, 1};
    return (unsigned char)(depth == 16 ? (v + 128) / 257 : v * FACTOR[depth]);
}

/* Pixel x of a row into 3 or 4 bytes; false for a colour that the palette does not have. */
static bool pixel_expand(unsigned char *out, const Png *png, const unsigned char *row, size_t x,
                         int channels)
{
    unsigned v[4];
    for (int c = 0; c < png->samples; c++)
        v[c] = sample(row, x * (size_t)png->samples + (size_t)c, png->depth);
    if (png->colour == PALETTE) {
        if ((int)v[0] >= png->palette_size)
            return false;
        memcpy(out, png->palette[v[0]], (size_t)channels);
        return true;
    }
    const bool grey = png->samples < 3, alpha = png->samples == 2 || png->samples == 4;
    for (int c = 0; c < 3; c++)
        out[c] = eight_bits(v[grey ? 0 : c], png->depth);
    if (channels == 4) {
        const unsigned *clear = png->clear_colour;
        const bool matches = v[0] == clear[0] && (grey || (v[1] == clear[1] && v[2] == clear[2]));
        out[3] = alpha ? eight_bits(v[png->samples - 1], png->depth) : matches ? 0 : 255;
    }
    return true;
}

/* Undoes the filters of a pass in place and puts its pixels where they belong; *at moves behind the
 * pass. */
static Status pass_expand(Image *image, const Png *png, int index, unsigned char **at,
                          const unsigned char *zeros, Error *err)
{
    int columns, rows;
    const Pass pass = pass_of(png, index, &columns, &rows);
    const size_t size = row_size(png, columns), bits = (size_t)png->samples * (size_t)png->depth;
    const unsigned char *above = zeros;
    for (int r = 0; r < rows && columns > 0; r++, *at += size + 1) {
        unsigned char *row = *at + 1;
        const int y = pass.y0 + r * pass.dy, kind = **at;
        if (kind >= PNG_FILTERS)
            return error_set(err, STATUS_FORMAT, "%s: row %d has the unknown PNG filter %d", png->name, y,
                             kind);
        png_unfilter(row, above, size, bits < 8 ? 1 : bits / 8, kind);
        above = row;
        const bool plain = png->depth == 8 && png->samples == image->channels && pass.dx == 1;
        if (plain)
            memcpy(image_at(image, 0, y), row, size);
        for (int k = 0; k < columns && !plain; k++)
            if (!pixel_expand(image_at(image, pass.x0 + k * pass.dx, y), png, row, (size_t)k,
                              image->channels))
                return error_set(err, STATUS_FORMAT,
                                 "%s: row %d has a colour that the palette of %d does not have", png->name,
                                 y, png->palette_size);
    }
    return STATUS_OK;
}

/* The packed pixels in one piece: where they are, or joined in new memory.  NULL without memory. */
static const unsigned char *packed_join(const Png *png, Arena *arena)
{
    if (png->packed_chunks == 1)
        return png->packed;
    unsigned char *joined = arena_raw(arena, png->packed_size, 1), *to = joined;
    const unsigned char *from = png->packed;
    for (int i = 0; i < png->packed_chunks && joined != NULL; i++) {
        const size_t size = be32_get(from - 8);
        memcpy(to, from, size);
        to += size;
        from += size + 12;
    }
    return joined;
}

static Status pixels_read(Image *out, const Png *png, Arena *arena, Error *err)
{
    const uint64_t wanted = filtered_size(png);
    if (wanted > (uint64_t)INFLATE_RATIO * png->packed_size)
        return error_set(err, STATUS_FORMAT, "%s: %zu packed bytes cannot hold %d x %d pixels", png->name,
                         png->packed_size, png->width, png->height);
    const unsigned char *packed = packed_join(png, arena);
    unsigned char *rows = wanted < SIZE_MAX ? arena_raw(arena, (size_t)wanted, 1) : NULL, *at = rows;
    const unsigned char *zeros = arena_alloc(arena, row_size(png, png->width), 1);
    if (packed == NULL || rows == NULL || zeros == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %d x %d pixels", png->name, png->width,
                         png->height);
    size_t unpacked = 0;
    Status status = inflate_into(rows, (size_t)wanted, &unpacked, packed, png->packed_size, NULL,
                                 INFLATE_ZLIB, png->name, err);
    if (status == STATUS_OK && unpacked < wanted)
        status = error_set(err, STATUS_FORMAT, "%s: the pixels end after %zu of %zu bytes", png->name,
                           unpacked, (size_t)wanted);
    const bool alpha = png->clear || png->colour == GREY_ALPHA || png->colour == RGB_ALPHA;
    if (status == STATUS_OK)
        status = image_new(out, png->width, png->height, alpha ? 4 : 3, arena, err);
    for (int i = 0; i < png->passes && status == STATUS_OK; i++)
        status = pass_expand(out, png, i, &at, zeros, err);
    return status;
}

Status png_decode(Image *out, const void *data, size_t size, const char *name, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Png png = {.name = name};
    PngReader reader = {0};
    Image image = {0};
    Status status = png_open(&reader, data, size, name, err);
    if (status == STATUS_OK)
        status = chunks_read(&png, &reader, err);
    if (status == STATUS_OK)
        status = pixels_read(&image, &png, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    image.pixels = arena_release_keeping(arena, mark, image.pixels, image_size(&image));
    *out = image;
    return STATUS_OK;
}

Status png_read(Image *out, const char *path, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Bytes file = {0};
    Image image = {0};
    Status status = file_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = png_decode(&image, file.data, file.size, path, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    image.pixels = arena_release_keeping(arena, mark, image.pixels, image_size(&image));
    *out = image;
    return STATUS_OK;
}
