/* diffusion/world_maps.h - what else is known of a painted scene: labels, outlines, depth.
 *
 * All maps have black where nothing is, and three channels, so that the VAE of the pictures takes them too.
 *   labels   which concept, or category, is nearest in a pixel, in the colours of label_colour.h.  A
 *            drawing has the pixels of which it covers at least half
 *   sketch   how steep the picture is, along ridges only: the Sobel gradient of R, G, B (over white) and
 *            coverage, the steepest of the four; a pixel that is not the highest across its edge is left
 *            out (non-maximum suppression, Canny 1986 [Canny86]), its neighbours on a ridge are kept faint
 *            [ours]
 *   lines    the same scene by the hand of the world's line drawings, white on black
 *   depth    nearer is brighter: a thing is DEPTH_FRONT in front, DEPTH_BACK behind, and rises by up to
 *            DEPTH_RELIEF within an eighth of the picture from its outline (chamfer distance 3-4, Borgefors
 *            1986 [Borg86]) */
#ifndef DIFFUSION_WORLD_MAPS_H
#define DIFFUSION_WORLD_MAPS_H

#include "diffusion/world_paint.h"

enum { DEPTH_FRONT = 160, DEPTH_BACK = 64, DEPTH_RELIEF = 80 };

/* Labels of concepts (concept + 1) and of categories (category + 1), 0 for the
 * background; (size, size) each. */
void world_labels(uint16_t *concepts, uint16_t *categories, const World *world, const WorldScene *scene,
                  const WorldCanvas *canvas);

/* Whose pixel it is: object k of the scene gives k + 1 where it is seen, 0 is the background; (size, size).  So
 * each object has its mask, also beside another of its concept. */
void world_masks(uint16_t *objects, const WorldScene *scene, const WorldCanvas *canvas);

/* The maps below are RGB pictures of the canvas's size; scratch memory is given back. */
MUST_CHECK Status world_sketch(Image *out, const WorldCanvas *canvas, Arena *scratch, Error *err);
MUST_CHECK Status world_depth(Image *out, const WorldScene *scene, const WorldCanvas *canvas,
                              Arena *scratch, Error *err);

/* STATUS_ARGUMENT when the world has no style of role line; a thing without line drawing is left out. */
MUST_CHECK Status world_lines(Image *out, const World *world, const WorldScene *scene,
                              const WorldCanvas *canvas, Arena *scratch, Error *err);

#endif
