#include "diffusion/world_paint.h"

#include <math.h>
#include <string.h>

#include "diffusion/world_resample.h"

Status world_canvas(WorldCanvas *out, const World *world, int size, Arena *arena, Error *err)
{
    size_t scratch = 0;
    for (int s = 0; s < world->styles; s++) {
        const size_t needed = world_resample_scratch(world->style[s].cell, size);
        scratch = needed > scratch ? needed : scratch;
    }
    const size_t pixels = (size_t)size * (size_t)size;
    WorldCanvas canvas = {.size = size};
    canvas.pixel = arena_alloc(arena, pixels * 4, sizeof *canvas.pixel);
    canvas.cover = arena_alloc(arena, pixels, 1);
    canvas.scratch = arena_raw(arena, pixels * 4 + scratch, sizeof *canvas.scratch);
    if (canvas.pixel == NULL || canvas.cover == NULL || canvas.scratch == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a canvas of %d x %d pixels", size, size);
    *out = canvas;
    return STATUS_OK;
}

void world_canvas_empty(WorldCanvas *canvas)
{
    const size_t pixels = (size_t)canvas->size * (size_t)canvas->size;
    memset(canvas->cover, 0, pixels);
    for (size_t i = 0; i < pixels * 4; i++)
        canvas->pixel[i] = 0.0f;
}

static int units_to_pixels(int units, int size)
{
    const int high = WORLD_UNITS * size; /* keeps the division away from negative numbers */
    return (units * size + high) / WORLD_UNITS - size;
}

/* Marks the pixels [x0, x1) of row y where the drawing covers at least half, and lets the
 * box grow around them. */
static void mark_cover(WorldCanvas *canvas, WorldBox *box, const float *pixel, int y, int x0, int x1, int k)
{
    unsigned char *cover = canvas->cover + (size_t)y * (size_t)canvas->size;
    for (int x = x0; x < x1; x++, pixel += 4) {
        if (pixel[3] + pixel[3] < (float)WORLD_FULL)
            continue;
        cover[x] = (unsigned char)(cover[x] | 1u << k);
        if (box->x1 == 0)
            *box = (WorldBox){x, y, x + 1, y + 1};
        box->x0 = x < box->x0 ? x : box->x0;
        box->x1 = x + 1 > box->x1 ? x + 1 : box->x1;
        box->y1 = y + 1;
    }
}

void world_paint_object(WorldCanvas *canvas, WorldBox *box, const World *world, int style,
                        const WorldObject *object, int k)
{
    const WorldStyle *by = &world->style[style];
    const int size = canvas->size, side = object->side * size / WORLD_UNITS;
    const int left = units_to_pixels(object->x, size), top = units_to_pixels(object->y, size);
    const int x0 = left > 0 ? left : 0, x1 = left + side < size ? left + side : size;
    const int y0 = top > 0 ? top : 0, y1 = top + side < size ? top + side : size;
    *box = (WorldBox){0};
    if (side < 1 || side > size || x0 >= x1)
        return;
    float *drawing = canvas->scratch; /* (side, side, 4) */
    world_resample(drawing, world_drawing(world, style, object->concept), (size_t)by->sheet.width * 4,
                   by->cell, side, object->mirror, canvas->scratch + (size_t)size * (size_t)size * 4);
    for (int y = y0; y < y1; y++) {
        const float *row = drawing + ((size_t)(y - top) * (size_t)side + (size_t)(x0 - left)) * 4;
        mark_cover(canvas, box, row, y, x0, x1, k);
        world_over(canvas->pixel + ((size_t)y * (size_t)size + (size_t)x0) * 4, row, (size_t)(x1 - x0));
    }
}

void world_paint(WorldCanvas *canvas, WorldBox *box, const World *world, const WorldScene *scene)
{
    for (int order = 0; order < WORLD_OBJECTS; order++) {
        for (int k = 0; k < scene->count; k++) {
            if (scene->object[k].order == order)
                world_paint_object(canvas, &box[k], world, scene->style, &scene->object[k], k);
        }
    }
}

int world_nearest(const WorldScene *scene, unsigned cover)
{
    int nearest = -1;
    for (int k = 0; k < scene->count; k++) {
        if ((cover >> k & 1) != 0 && (nearest < 0 || scene->object[k].order > scene->object[nearest].order))
            nearest = k;
    }
    return nearest;
}
