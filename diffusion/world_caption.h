/* diffusion/world_caption.h - scenes in words.
 *
 *   caption     = level0                                         level 0
 *               | level0 clauses                                 level 1
 *               | level0 clauses {", " category ", " tag ", " tag}
 *                                                              level 2, for each thing as it was named
 *   level0      = thing                                          single
 *               | thing place {", " thing place} [" and " thing place]   scene
 *               | thing " in front of " thing | thing " behind " thing   layered
 *   thing       = ["a " | "an "] name
 *   place       = " top left" | " top right" | " bottom left" | " bottom right"
 *   clauses     = [" in " style " style"] [" on " background]
 *
 * "a rose top left and a doughnut bottom left in noto style on pink, plant, red, love, food, sweet, round"
 *
 * The levels nest: each begins with the text of the one below (spec: prompt enrichment [ours], after the
 * three levels of the fine-tuning work: content; style; what it evokes). */
#ifndef DIFFUSION_WORLD_CAPTION_H
#define DIFFUSION_WORLD_CAPTION_H

#include "base/bytes.h"
#include "diffusion/world_scene.h"

/* Appends the caption of that level (0 to 2) to `out`, which keeps a failure; no zero byte at the end. */
void world_caption(Bytes *out, const World *world, const WorldScene *scene, int level);

#endif
