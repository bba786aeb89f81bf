/* metrics/nearest_drawing.h - the training pictures that are nearest to a picture of one thing: whether a denoiser
 * copies what it was shown.
 *
 * The training pictures of one thing that could be meant are all of these, on the picture's background (world_scene.h):
 * every training drawing of the base styles and of the things that the denoiser learns, as it is and mirrored where
 * that is done, 50, 52 ... 60 pixels large, moved by up to 2 pixels to each side.  Their distance is
 *
 *     sqrt(mean over pixels and colours of ((a - b) / 255)^2)                                                    */
#ifndef METRICS_NEAREST_DRAWING_H
#define METRICS_NEAREST_DRAWING_H

#include "diffusion/world_scene.h"

enum { NEAREST_SIDE = 64 }; /* pixels of a picture */

typedef struct {
    WorldScene scene; /* world_sample_of paints it */
    double distance;
} NearDrawing;

/* All drawings at all sizes, painted once. */
typedef struct {
    const World *world;
    int background, count;
    WorldScene *scene;     /* (count): in the middle */
    unsigned char *pixels; /* (count, NEAREST_SIDE, NEAREST_SIDE, 3) */
} DrawingGallery;

MUST_CHECK Status drawing_gallery(DrawingGallery *out, const World *world, int background, Arena *arena,
                                  Error *err);

/* The `wanted` nearest ones that show different drawings, nearest first; returns how many there are.  picture: RGB of
 * NEAREST_SIDE. */
int nearest_drawings(NearDrawing *out, int wanted, const DrawingGallery *gallery, const Image *picture);

/* A scene of one thing in the middle, `side` units large; the caption is of level 1 and says everything. */
WorldScene single_scene(int style, int concept, int background, int side);

#endif
