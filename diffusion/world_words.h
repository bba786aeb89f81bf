/* diffusion/world_words.h - the options of the picture world as people write them. */
#ifndef DIFFUSION_WORLD_WORDS_H
#define DIFFUSION_WORLD_WORDS_H

#include "diffusion/world_scene.h"

/* Each list ends with NULL; a word's place is the value of the enum, or for maps the number of its bit. */
extern const char *const WORLD_SPLIT_WORDS[];   /* train test all */
extern const char *const WORLD_CONCEPT_WORDS[]; /* core trained held all */
extern const char *const WORLD_COMPANY_WORDS[]; /* train test any */
extern const char *const WORLD_KIND_WORDS[];    /* single scene layered */
extern const char *const WORLD_MAP_WORDS[];     /* labels sketch depth lines masks */

/* The place of a word in such a list, or -1. */
int world_word_place(const char *word, const char *const *words);

/* "sketch,depth" as the bits of those words; spaces around commas do not count, "" is no bit.
 * STATUS_ARGUMENT names a word that is not in the list and those that are; `what` begins the sentence. */
MUST_CHECK Status world_words_read(uint32_t *bits, const char *text, const char *const *words,
                                   const char *what, Error *err);

/* The same with the names of the world's styles, for WorldOptions.styles. */
MUST_CHECK Status world_styles_read(uint32_t *bits, const char *text, const World *world, Error *err);

#endif
