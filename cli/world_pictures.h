/* cli/world_pictures.h - captions and pictures of scenes of the picture world, for sheets and measurements.  All results
 * lie in the arena. */
#ifndef CLI_WORLD_PICTURES_H
#define CLI_WORLD_PICTURES_H

#include "diffusion/model.h"
#include "diffusion/world_scene.h"
#include "io/image.h"

/* out (count): captions of level 1. */
MUST_CHECK Status scene_captions(const char **out, const World *world, const WorldScene *scenes, int count,
                                 Arena *arena, Error *err);

/* out (count): the artists' pictures, `size` pixels large. */
MUST_CHECK Status scene_pictures(Image *out, const World *world, const WorldScene *scenes, int count,
                                 int size, Arena *arena, Error *err);

/* out (count): RGB pictures after the autoencoder: the mean of the posterior, decoded. */
MUST_CHECK Status coded_pictures(Image *out, const Vae *vae, const Image *pictures, int count, Arena *arena,
                                 Error *err);

#endif
