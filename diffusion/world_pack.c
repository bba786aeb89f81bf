#include "diffusion/world_pack.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/file.h"
#include "diffusion/world_resample.h"
#include "io/png.h"

enum { SEEN = 16 }; /* fainter than this alpha does not count as something to be seen (soft shadows) */

typedef struct {
    int x0, y0, x1, y1;
} Box;

static Box seen_part(const Image *picture)
{
    Box box = {picture->width, picture->height, 0, 0};
    for (int y = 0; y < picture->height; y++) {
        for (int x = 0; x < picture->width; x++) {
            if (image_at(picture, x, y)[3] < SEEN)
                continue;
            box.x0 = x < box.x0 ? x : box.x0;
            box.x1 = x + 1 > box.x1 ? x + 1 : box.x1;
            box.y0 = y < box.y0 ? y : box.y0;
            box.y1 = y + 1;
        }
    }
    return box;
}

/* Filtered premultiplied pixels (cell, cell, 4) as 8-bit straight colour. */
static void store_cell(unsigned char *to, size_t stride, int cell, const float *pixel)
{
    for (int y = 0; y < cell; y++) {
        for (int x = 0; x < cell; x++, pixel += 4) {
            unsigned char *out = to + (size_t)y * stride + (size_t)x * 4;
            const float level = pixel[3] / 255.0f;
            const int alpha = float_to_int(rintf(level));
            memset(out, 0, 4);
            for (int c = 0; alpha > 0 && c < 3; c++) {
                const float share = pixel[c] / pixel[3];
                const float colour = share * 255.0f;
                out[c] = (unsigned char)float_to_int(rintf(colour));
            }
            out[3] = (unsigned char)alpha;
        }
    }
}

Status world_fit(unsigned char *to, size_t stride, int cell, const Image *picture, const char *name,
                 Arena *scratch, Error *err)
{
    if (picture->channels != 4)
        return error_set(err, STATUS_FORMAT, "%s: has no alpha", name);
    const Box box = seen_part(picture);
    if (box.x1 == 0)
        return error_set(err, STATUS_FORMAT, "%s: nothing is to be seen in it", name);
    const int width = box.x1 - box.x0, height = box.y1 - box.y0, side = width > height ? width : height;
    const ArenaMark mark = arena_mark(scratch);
    Image part, square;
    Status status = image_crop(&part, picture, box.x0, box.y0, width, height, scratch, err);
    if (status == STATUS_OK)
        status = image_new(&square, side, side, 4, scratch, err);
    if (status == STATUS_OK) {
        const size_t floats = (size_t)cell * (size_t)cell * 4;
        float *pixel = arena_raw(scratch, floats + world_resample_scratch(side, cell), sizeof *pixel);
        if (pixel == NULL) {
            status = error_set(err, STATUS_MEMORY, "%s: no memory to bring it to %d pixels", name, cell);
        } else {
            image_paste(&square, &part, (side - width) / 2, (side - height) / 2);
            world_resample(pixel, square.pixels, (size_t)side * 4, side, cell, false, pixel + floats);
            store_cell(to, stride, cell, pixel);
        }
    }
    arena_release(scratch, mark);
    return status;
}

static Status pack_one(Image *sheet, const WorldStyle *style, const WorldConcept *concept, int place,
                       const char *renders, int cell, Arena *scratch, Error *err)
{
    char name[300]; /* two fields of at most WORLD_FIELD characters */
    snprintf(name, sizeof name, "%s/%s.png", style->name, concept->slug);
    const char *path = path_join(scratch, renders, name);
    if (path == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for a name", name);
    Image picture;
    const Status status = png_read(&picture, path, scratch, err);
    if (status != STATUS_OK)
        return status;
    unsigned char *to = image_at(sheet, place % WORLD_COLUMNS * cell, place / WORLD_COLUMNS * cell);
    return world_fit(to, (size_t)sheet->width * 4, cell, &picture, path, scratch, err);
}

Status world_pack(Image *out, const World *world, int style, const char *renders, int cell, Arena *arena,
                  Error *err)
{
    if (cell < 8 || cell > WORLD_CELL_MAX)
        return error_set(err, STATUS_ARGUMENT, "cells of %d pixels: must be 8 to %d", cell,
                         (int)WORLD_CELL_MAX);
    const int rows = (world->concepts + WORLD_COLUMNS - 1) / WORLD_COLUMNS;
    Image sheet;
    Status status = image_new(&sheet, WORLD_COLUMNS * cell, rows * cell, 4, arena, err);
    for (int c = 0; status == STATUS_OK && c < world->concepts; c++) {
        if (world_pair(world, style, c) == PAIR_NONE)
            continue;
        const ArenaMark mark = arena_mark(arena);
        status = pack_one(&sheet, &world->style[style], &world->concept[c], c, renders, cell, arena, err);
        arena_release(arena, mark);
    }
    if (status == STATUS_OK)
        *out = sheet;
    return status;
}
