#include "diffusion/world_maps.h"

#include <math.h>

#include "base/bits.h"
#include "diffusion/world_resample.h"

void world_labels(uint16_t *concepts, uint16_t *categories, const World *world, const WorldScene *scene,
                  const WorldCanvas *canvas)
{
    const size_t pixels = (size_t)canvas->size * (size_t)canvas->size;
    for (size_t i = 0; i < pixels; i++) {
        const int nearest = world_nearest(scene, canvas->cover[i]);
        const int concept = nearest < 0 ? -1 : scene->object[nearest].concept;
        concepts[i] = (uint16_t)(concept + 1);
        categories[i] = (uint16_t)(concept < 0 ? 0 : world->concept[concept].category + 1);
    }
}

void world_masks(uint16_t *objects, const WorldScene *scene, const WorldCanvas *canvas)
{
    const size_t pixels = (size_t)canvas->size * (size_t)canvas->size;
    for (size_t i = 0; i < pixels; i++)
        objects[i] = (uint16_t)(world_nearest(scene, canvas->cover[i]) + 1);
}

static void grey(Image *out, size_t i, int level)
{
    out->pixels[3 * i] = out->pixels[3 * i + 1] = out->pixels[3 * i + 2] = (unsigned char)level;
}

/* ---- Sketch ---- */

enum { PLANES = 4 }; /* R, G, B over white, and coverage */

typedef struct {
    int dx, dy;    /* Sobel gradient of the steepest plane: up to 4 * 255 each */
    int steepness; /* dx^2 + dy^2 */
} Slope;

/* (PLANES, size, size) in 0..255. */
static void split_planes(unsigned char *plane, const WorldCanvas *canvas)
{
    const size_t pixels = (size_t)canvas->size * (size_t)canvas->size;
    for (size_t i = 0; i < pixels; i++) {
        const float *from = canvas->pixel + 4 * i;
        const float white = (float)WORLD_FULL - from[3];
        for (size_t c = 0; c < PLANES; c++) {
            const float sum = c < 3 ? from[c] + white : from[c];
            const float level = sum / 255.0f;
            plane[c * pixels + i] = (unsigned char)float_to_int(rintf(level));
        }
    }
}

/* Sobel's operator; beyond the border the plane continues as at the border. */
static Slope sobel(const unsigned char *plane, int size, int x, int y)
{
    const int left = x > 0 ? x - 1 : 0, right = x + 1 < size ? x + 1 : x;
    const unsigned char *up = plane + (size_t)(y > 0 ? y - 1 : 0) * (size_t)size;
    const unsigned char *here = plane + (size_t)y * (size_t)size;
    const unsigned char *down = plane + (size_t)(y + 1 < size ? y + 1 : y) * (size_t)size;
    Slope s;
    s.dx = up[right] - up[left] + 2 * (here[right] - here[left]) + down[right] - down[left];
    s.dy = down[left] - up[left] + 2 * (down[x] - up[x]) + down[right] - up[right];
    s.steepness = s.dx * s.dx + s.dy * s.dy;
    return s;
}

static void find_slopes(Slope *slope, const unsigned char *plane, int size)
{
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            Slope steepest = {0};
            for (int c = 0; c < PLANES; c++) {
                const Slope s = sobel(plane + (size_t)c * (size_t)size * (size_t)size, size, x, y);
                steepest = s.steepness > steepest.steepness ? s : steepest;
            }
            slope[(size_t)y * (size_t)size + (size_t)x] = steepest;
        }
    }
}

static int steepness_at(const Slope *slope, int size, int x, int y)
{
    if (x < 0 || y < 0 || x >= size || y >= size)
        return 0;
    return slope[(size_t)y * (size_t)size + (size_t)x].steepness;
}

/* The pixel is at least as steep as its two neighbours across the edge (steeper than the first).  The
 * direction is that of the gradient, rounded to 45 degrees; tan 22.5 degrees is 2/5 here. */
static bool on_ridge(const Slope *slope, int size, int x, int y)
{
    const Slope s = slope[(size_t)y * (size_t)size + (size_t)x];
    const int across = s.dx < 0 ? -s.dx : s.dx, along = s.dy < 0 ? -s.dy : s.dy;
    int stepx = 1, stepy = (s.dx < 0) == (s.dy < 0) ? 1 : -1;
    if (5 * along < 2 * across)
        stepy = 0;
    else if (5 * across < 2 * along)
        stepx = 0;
    return s.steepness > steepness_at(slope, size, x - stepx, y - stepy) &&
           s.steepness >= steepness_at(slope, size, x + stepx, y + stepy);
}

Status world_sketch(Image *out, const WorldCanvas *canvas, Arena *scratch, Error *err)
{
    const int size = canvas->size;
    const size_t pixels = (size_t)size * (size_t)size;
    const ArenaMark mark = arena_mark(scratch);
    unsigned char *plane = arena_raw(scratch, pixels, PLANES);
    Slope *slope = arena_raw(scratch, pixels, sizeof *slope);
    if (plane == NULL || slope == NULL) {
        arena_release(scratch, mark);
        return error_set(err, STATUS_MEMORY, "no memory for a sketch of %d x %d pixels", size, size);
    }
    split_planes(plane, canvas);
    find_slopes(slope, plane, size);
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            const size_t i = (size_t)y * (size_t)size + (size_t)x;
            const float steep = sqrtf((float)slope[i].steepness);
            int level = float_to_int(steep * 0.5f);
            level = level > 255 ? 255 : level;
            grey(out, i, on_ridge(slope, size, x, y) ? level : level / 4);
        }
    }
    arena_release(scratch, mark);
    return STATUS_OK;
}

/* ---- Line drawings ---- */

static int line_style(const World *world)
{
    for (int s = 0; s < world->styles; s++) {
        if (world->style[s].role == STYLE_LINE)
            return s;
    }
    return -1;
}

/* Object k's strokes, brightest kept, but for pixels that a nearer object of the scene covers. */
static void add_lines(Image *out, const WorldScene *scene, const WorldCanvas *scene_canvas,
                      const WorldCanvas *line, int k)
{
    const size_t pixels = (size_t)line->size * (size_t)line->size;
    for (size_t i = 0; i < pixels; i++) {
        const int nearest = world_nearest(scene, scene_canvas->cover[i]);
        if (nearest >= 0 && scene->object[nearest].order > scene->object[k].order)
            continue;
        const float level = line->pixel[4 * i + 3] / 255.0f;
        const int stroke = float_to_int(rintf(level));
        if (stroke > out->pixels[3 * i])
            grey(out, i, stroke);
    }
}

Status world_lines(Image *out, const World *world, const WorldScene *scene, const WorldCanvas *canvas,
                   Arena *scratch, Error *err)
{
    const int style = line_style(world);
    if (style < 0)
        return error_set(err, STATUS_ARGUMENT, "this world has no line drawings");
    const ArenaMark mark = arena_mark(scratch);
    WorldCanvas line;
    const Status status = world_canvas(&line, world, canvas->size, scratch, err);
    image_fill(out, (const unsigned char[3]){0, 0, 0});
    for (int k = 0; status == STATUS_OK && k < scene->count; k++) {
        if (world_pair(world, style, scene->object[k].concept) == PAIR_NONE)
            continue;
        WorldBox box;
        world_canvas_empty(&line);
        world_paint_object(&line, &box, world, style, &scene->object[k], k);
        add_lines(out, scene, canvas, &line, k);
    }
    arena_release(scratch, mark);
    return status;
}

/* ---- Depth ---- */

/* Chamfer distance, in thirds of a pixel, of each pixel of object k from the nearest that is not of it; 0
 * outside.  Beyond the border nothing is known, so it counts as inside. */
static void distance_inside(int *distance, const WorldCanvas *canvas, int k)
{
    static const int STEP[4][3] = {{-1, 0, 3}, {0, -1, 3}, {-1, -1, 4}, {1, -1, 4}}; /* dx, dy, length */
    const int size = canvas->size, last = size * size - 1, far = 3 * size;
    for (int pass = 0; pass < 2; pass++) { /* downwards, then upwards with the steps reversed */
        const int sign = pass == 0 ? 1 : -1;
        for (int n = 0; n <= last; n++) {
            const int i = pass == 0 ? n : last - n, x = i % size, y = i / size;
            int nearest = pass == 0 ? far : distance[i];
            for (int j = 0; j < 4; j++) {
                const int u = x + sign * STEP[j][0], v = y + sign * STEP[j][1];
                const int there = u < 0 || v < 0 || u >= size || v >= size ? far : distance[v * size + u];
                nearest = there + STEP[j][2] < nearest ? there + STEP[j][2] : nearest;
            }
            distance[i] = (canvas->cover[i] >> k & 1) != 0 ? nearest : 0;
        }
    }
}

Status world_depth(Image *out, const WorldScene *scene, const WorldCanvas *canvas, Arena *scratch,
                   Error *err)
{
    const int size = canvas->size, pixels = size * size, reach = 3 * size / 8;
    const ArenaMark mark = arena_mark(scratch);
    int *distance = arena_raw(scratch, (size_t)pixels, sizeof *distance);
    if (distance == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a depth map of %d x %d pixels", size, size);
    image_fill(out, (const unsigned char[3]){0, 0, 0});
    for (int k = 0; k < scene->count; k++) {
        const int ground =
            scene->kind == WORLD_LAYERED && scene->object[k].order == 0 ? DEPTH_BACK : DEPTH_FRONT;
        distance_inside(distance, canvas, k);
        for (int i = 0; i < pixels; i++) {
            if (world_nearest(scene, canvas->cover[i]) != k)
                continue;
            const int within = distance[i] < reach ? distance[i] : reach;
            grey(out, (size_t)i, ground + DEPTH_RELIEF * within / reach);
        }
    }
    arena_release(scratch, mark);
    return STATUS_OK;
}
