/* diffusion/world_paint.h - scenes as pictures.
 *
 * Each drawing is brought to its size (world_resample.h) and laid over what is there, in the
 * order of the scene:
 *   canvas   <- P + canvas * (1 - a / WORLD_FULL)           P, a: the drawing's colour and coverage
 *   picture  <- canvas / 255 + background * (1 - a / WORLD_FULL)     a: the canvas's coverage
 * each step rounded to binary32. */
#ifndef DIFFUSION_WORLD_PAINT_H
#define DIFFUSION_WORLD_PAINT_H

#include "diffusion/world_scene.h"

/* Columns x0 <= x < x1 and rows y0 <= y < y1; all 0 when empty. */
typedef struct {
    int x0, y0, x1, y1;
} WorldBox;

typedef struct {
    int size;
    float *pixel;         /* (size, size, 4): R, G, B, a of the drawings, without the background */
    unsigned char *cover; /* (size, size): bit k: object k covers at least half of the pixel */
    float *scratch;
} WorldCanvas;

/* An empty canvas for scenes of this world; it may be emptied and used again. */
MUST_CHECK Status world_canvas(WorldCanvas *out, const World *world, int size, Arena *arena, Error *err);
void world_canvas_empty(WorldCanvas *canvas);

/* Lays one object, drawn in `style`, over the canvas and sets bit k in cover; what lies outside the canvas
 * is cut off.  box: around the pixels that it covers by half (other objects may hide them later). */
void world_paint_object(WorldCanvas *canvas, WorldBox *box, const World *world, int style,
                        const WorldObject *object, int k);

/* All objects of the scene; box (WORLD_OBJECTS) belongs to scene->object. */
void world_paint(WorldCanvas *canvas, WorldBox *box, const World *world, const WorldScene *scene);

/* Which object of a scene is the nearest of those in a cover byte; -1: none, the background. */
int world_nearest(const WorldScene *scene, unsigned cover);

#endif
