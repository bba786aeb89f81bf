/* diffusion/world_sample.h - the picture world as a data set without end.
 *
 * Sample (seed, index) is the same picture, caption and maps on every machine, whoever draws it and in
 * whatever order; a trainer numbers its samples and keeps nothing.
 *
 *     WorldOptions options = WORLD_DEFAULTS;
 *     for (uint64_t i = first; i < first + batch; i++) {
 *         const ArenaMark mark = arena_mark(&arena);
 *         WorldSample sample;
 *         status = world_sample(&world, &options, seed, i, &sample, &arena, &err);
 *         ... sample.planes (3, size, size), sample.caption
 *         arena_release(&arena, mark);
 *     }                                                                                                  */
#ifndef DIFFUSION_WORLD_SAMPLE_H
#define DIFFUSION_WORLD_SAMPLE_H

#include "base/bytes.h"
#include "diffusion/world_paint.h"

typedef struct {
    WorldScene scene;
    WorldBox box[WORLD_OBJECTS]; /* pixels, of scene.object[k] */
    const char *caption;         /* of the scene's level */
    Image image;                 /* RGB, (size, size) */
    float *planes;               /* (3, size, size) in [-1, 1]: the picture for a network */

    /* What options.maps asks for; else NULL and pictures without pixels. */
    uint16_t *concepts, *categories;           /* (size, size): labels (world_maps.h) */
    uint16_t *objects;                         /* (size, size): masks, object k of the scene is k + 1 */
    Image concept_map, category_map, mask_map; /* the labels in colour */
    Image sketch, depth, lines;
} WorldSample;

/* Everything lies in the arena.  Errors: options out of range, index of 2^48 or above, no memory. */
MUST_CHECK Status world_sample(const World *world, const WorldOptions *options, uint64_t seed,
                               uint64_t index, WorldSample *out, Arena *arena, Error *err);

/* The same for a scene that is there already (a fixed list of prompts, a scene put together by hand). */
MUST_CHECK Status world_sample_of(WorldSample *out, const World *world, const WorldScene *scene, int size,
                                  unsigned maps, Arena *arena, Error *err);

/* The maps by number, and what files call them: concepts, categories, sketch, depth, lines, masks. */
enum { WORLD_SAMPLE_MAPS = 6 };
extern const char *const WORLD_SAMPLE_MAP_NAMES[WORLD_SAMPLE_MAPS];

/* NULL: it was not asked for. */
const Image *world_sample_map(const WorldSample *sample, int map);

/* Appends the scene as one line of JSON without a newline:
 *   {"kind": "scene", "style": "noto", "background": "pink", "size": 64, "level": 1, "objects":
 *    [{"concept": "rose", "name": "rose", "category": "plant", "place": "top left",
 *      "box": [x0, y0, x1, y1], "mirror": false, "order": 0}, ...]}
 * box in pixels of the picture.  `out` keeps a failure. */
void world_record(Bytes *out, const World *world, const WorldSample *sample);

#endif
