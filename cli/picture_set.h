/* cli/picture_set.h - pictures of a list of scenes, three times: the model's, real ones, and those through the model's
 * autoencoder. */
#ifndef CLI_PICTURE_SET_H
#define CLI_PICTURE_SET_H

#include "cli/prompt_pictures.h"
#include "diffusion/world_scene.h"

enum { PICTURE_SET_SIDE = 64 }; /* pixels of the real pictures */

typedef struct {
    int count;
    WorldScene *scene;
    const char **prompt; /* captions of level 1 that say everything */
    Image *made, *real, *coded;
} PictureSet;

/* Room for `count` scenes and their pictures, which the arena keeps. */
MUST_CHECK Status picture_set_room(PictureSet *set, int count, Arena *arena, Error *err);

/* WORLD_DEFAULTS with pictures of one kind and captions of level 1 that say everything. */
WorldOptions picture_set_options(WorldKind kind);

/* The first `count` scenes of the options and the seed that are singles or have two or three things. */
MUST_CHECK Status picture_set_choose(WorldScene *out, int count, const World *world,
                                     const WorldOptions *options, uint64_t seed, Error *err);

/* Captions and pictures of set->scene; the model's are the next ones of p. */
MUST_CHECK Status picture_set_make(PictureSet *set, const World *world, PromptPictures *p, Arena *arena,
                                   Error *err);

#endif
