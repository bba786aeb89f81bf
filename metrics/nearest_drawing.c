#include "metrics/nearest_drawing.h"

#include <math.h>
#include <string.h>

#include "diffusion/world_sample.h"

enum { SMALLEST = 50, LARGEST = 60, STEP = 2, MOVE = 2, PICTURE = NEAREST_SIDE * NEAREST_SIDE * 3 };

WorldScene single_scene(int style, int concept, int background, int side)
{
    WorldScene scene = {.kind = WORLD_SINGLE,
                        .style = style,
                        .background = background,
                        .count = 1,
                        .level = 1,
                        .says_style = true,
                        .says_background = true};
    scene.object[0] = (WorldObject){.concept = concept,
                                    .place = PLACE_MIDDLE,
                                    .x = (WORLD_UNITS - side) / 2,
                                    .y = (WORLD_UNITS - side) / 2,
                                    .side = side};
    return scene;
}

static bool is_trained(const World *world, int style, int concept)
{
    const WorldConceptRole role = world->concept[concept].role;
    return world->style[style].role == STYLE_BASE && (role == CONCEPT_CORE || role == CONCEPT_MORE) &&
           world_pair(world, style, concept) == PAIR_TRAIN;
}

/* Writes the scenes when there is room for them; returns how many there are. */
static int list_scenes(WorldScene *scene, const World *world, int background)
{
    int count = 0;
    for (int s = 0; s < world->styles; s++)
        for (int c = 0; c < world->concepts; c++)
            for (int side = SMALLEST; side <= LARGEST && is_trained(world, s, c); side += STEP)
                for (int mirror = 0; mirror <= (int)world->concept[c].mirror; mirror++) {
                    if (scene != NULL) {
                        scene[count] = single_scene(s, c, background, side);
                        scene[count].object[0].mirror = mirror != 0;
                    }
                    count++;
                }
    return count;
}

Status drawing_gallery(DrawingGallery *out, const World *world, int background, Arena *arena, Error *err)
{
    DrawingGallery g = {
        .world = world, .background = background, .count = list_scenes(NULL, world, background)};
    g.scene = arena_alloc(arena, (size_t)g.count, sizeof *g.scene);
    g.pixels = arena_raw(arena, (size_t)g.count, PICTURE);
    if (g.scene == NULL || g.pixels == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures of drawings", g.count);
    list_scenes(g.scene, world, background);
    for (int i = 0; i < g.count; i++) {
        const ArenaMark mark = arena_mark(arena);
        WorldSample sample;
        const Status status = world_sample_of(&sample, world, &g.scene[i], NEAREST_SIDE, 0, arena, err);
        if (status != STATUS_OK)
            return status;
        memcpy(g.pixels + (size_t)i * PICTURE, sample.image.pixels, PICTURE);
        arena_release(arena, mark);
    }
    *out = g;
    return STATUS_OK;
}

/* Squares of the differences of a row of n samples. */
static long row_squares(const unsigned char *a, const unsigned char *b, int n)
{
    long sum = 0;
    for (int i = 0; i < n; i++) {
        const int d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

/* Squares of n samples against the background's colour. */
static long ground_squares(const unsigned char *a, const unsigned char rgb[3], int n)
{
    long sum = 0;
    for (int i = 0; i < n; i++) {
        const int d = a[i] - rgb[i % 3];
        sum += d * d;
    }
    return sum;
}

/* The sum of squares between `a` and `b` moved by (dx, dy) over the background; stops when it is above `most`. */
static long moved_squares(const unsigned char *a, const unsigned char *b, const unsigned char rgb[3],
                          int dx, int dy, long most)
{
    const int row = NEAREST_SIDE * 3, inside = (NEAREST_SIDE - (dx < 0 ? -dx : dx)) * 3;
    const int left = dx > 0 ? dx * 3 : 0, from = dx < 0 ? -dx * 3 : 0;
    long sum = 0;
    for (int k = 0; k < NEAREST_SIDE && sum <= most; k++) {
        /* from the middle row outwards: things differ there */
        const int y = k % 2 == 0 ? NEAREST_SIDE / 2 + k / 2 : NEAREST_SIDE / 2 - 1 - k / 2;
        const unsigned char *line = a + y * row;
        if (y - dy < 0 || y - dy >= NEAREST_SIDE) {
            sum += ground_squares(line, rgb, row);
            continue;
        }
        sum += row_squares(line + left, b + (y - dy) * row + from, inside);
        sum += ground_squares(line, rgb, left) +
               ground_squares(line + left + inside, rgb, row - left - inside);
    }
    return sum;
}

/* Puts a drawing into its place among the nearest; one of the same style and concept takes the old one's. */
static int keep(NearDrawing *out, int count, int wanted, const NearDrawing *found)
{
    int place = 0, same = count;
    for (int i = 0; i < count; i++)
        if (out[i].scene.style == found->scene.style &&
            out[i].scene.object[0].concept == found->scene.object[0].concept)
            same = i;
    while (place < count && out[place].distance <= found->distance)
        place++;
    if (place > same || place >= wanted)
        return count;
    const int last = same < count ? same : count < wanted ? count++ : wanted - 1;
    memmove(&out[place + 1], &out[place], (size_t)(last - place) * sizeof *out);
    out[place] = *found;
    return count;
}

int nearest_drawings(NearDrawing *out, int wanted, const DrawingGallery *g, const Image *picture)
{
    const unsigned char *rgb = WORLD_BACKGROUND[g->background].rgb;
    const long worst = 255L * 255L * PICTURE;
    int count = 0;
    for (int i = 0; i < g->count; i++)
        for (int move = 0; move < (2 * MOVE + 1) * (2 * MOVE + 1); move++) {
            const int dx = move % (2 * MOVE + 1) - MOVE, dy = move / (2 * MOVE + 1) - MOVE;
            const double bar = count < wanted ? 1.0 : out[count - 1].distance;
            const long most = (long)(bar * bar * (double)worst + 1.0);
            const long squares =
                moved_squares(picture->pixels, g->pixels + (size_t)i * PICTURE, rgb, dx, dy, most);
            if (squares > most)
                continue;
            NearDrawing found = {.scene = g->scene[i], .distance = sqrt((double)squares / (double)worst)};
            found.scene.object[0].x += dx;
            found.scene.object[0].y += dy;
            count = keep(out, count, wanted, &found);
        }
    return count;
}
