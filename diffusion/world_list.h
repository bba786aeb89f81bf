/* diffusion/world_list.h - what is in a world, as text for people. */
#ifndef DIFFUSION_WORLD_LIST_H
#define DIFFUSION_WORLD_LIST_H

#include "base/bytes.h"
#include "diffusion/world.h"

/* Each appends lines to `out`, which keeps a failure. */

/* A line a style: name, role, number of drawings for training and for tests,
 * licence, artwork and author. */
void world_list_styles(Bytes *out, const World *world);

/* A line a category with its concepts: core ones as they are, others that the denoiser learns in brackets, those
 * that it does not meet in square ones, held-out ones with a star. */
void world_list_concepts(Bytes *out, const World *world);

/* A line a drawing for tests: style, slug. */
void world_list_tests(Bytes *out, const World *world);

/* A line a core concept: which other core concepts it never stands beside in training. */
void world_list_company(Bytes *out, const World *world);

/* Everything as one JSON object:
 *   {"styles": [{"name", "role", "artwork", "author", "licence", "source"}],
 *    "concepts": [{"slug", "name", "article", "category", "role", "tags": [], "mirror", "train": [styles],
 *                  "test": [styles], "apart": [slugs]}]} */
void world_list_json(Bytes *out, const World *world);

#endif
