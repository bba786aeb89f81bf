/* diffusion/world_prompts.h - fixed lists of prompts by which denoisers are compared.
 *
 * Each list is a sequence of different scenes drawn by fixed options and a fixed seed, so that it is the
 * same for everybody, a longer list begins with a shorter one, and every prompt comes with a real picture
 * to compare with (world_sample_of).  The first WORLD_PROMPTS of each are written out in
 * weights/world/prompts.tsv. */
#ifndef DIFFUSION_WORLD_PROMPTS_H
#define DIFFUSION_WORLD_PROMPTS_H

#include "base/bytes.h"
#include "diffusion/world_scene.h"

typedef enum {
    PROMPTS_SEEN,     /* pictures of all kinds as in training */
    PROMPTS_DRAWINGS, /* single core things in a style in which training does not show them */
    PROMPTS_COMPANY,  /* scenes of 2 to 4 with things that training never shows together */
    PROMPTS_LAYERS,   /* the same for layered scenes */
    PROMPTS_HELD,     /* single things of the held-out concepts */
    PROMPTS_DOMAIN,   /* single trained things in the held-out style, its drawings for tests */
    PROMPT_LISTS
} WorldPromptList;

extern const char *const WORLD_PROMPT_NAMES[PROMPT_LISTS]; /* "seen", "drawings" ... */

enum { WORLD_PROMPTS = 32 };

/* The first `count` scenes of a list, which say style and background at level 1.  STATUS_ARGUMENT when the
 * world has not so many different ones. */
MUST_CHECK Status world_prompts(WorldScene *out, int count, const World *world, WorldPromptList list,
                                Error *err);

/* All lists as a table: list, style, slugs (in the order of the caption, with commas), captions
 * of level 0, 1, 2. */
MUST_CHECK Status world_prompts_table(Bytes *out, const World *world, Error *err);

#endif
