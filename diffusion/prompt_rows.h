/* diffusion/prompt_rows.h - rows of long prompts and of prompts with weights.
 *
 * The tokens of a prompt, without start and end, are cut into chunks of L - 2 (75 for CLIP); each is encoded by itself
 * between a start and an end token, and the rows of the chunks stand one behind the other: T = chunks L.  All prompts of a
 * run, the negative one too, get as many chunks as the longest needs; what is missing are chunks of the empty prompt.
 * Source: stable-diffusion-webui, modules/sd_hijack_clip.py; it also moves a cut back to a comma, and knows BREAK, which
 * is not done here.
 *
 * Weights w of the tokens (diffusion/prompt_weights.h; start, end and padding have 1) act on a chunk's rows z:
 *   a1111    z' = RN(w z),  then RN(z' (mean(z) / mean(z'))): the mean over all numbers of the chunk stays (same file)
 *   compel   z' = e + w (z - e), e the rows of the empty prompt (damian0815/compel, embeddings_provider.py, for weights
 *            above 1; weights below 1 follow the same line here, where compel mixes in the prompt without the part) */
#ifndef DIFFUSION_PROMPT_ROWS_H
#define DIFFUSION_PROMPT_ROWS_H

#include "diffusion/text_conditions.h"

typedef enum { PROMPT_PLAIN, PROMPT_A1111, PROMPT_COMPEL } PromptWeighting;

typedef struct {
    bool chunks; /* false: one chunk, and what does not fit is cut and reported */
    PromptWeighting weighting;
    int skip; /* layers of the text encoder left out at its end */
} PromptRowsOptions;

/* out (count, *tokens, width); report (count).  The rows lie in the arena.  The plain options give what text_rows
 * gives, bit for bit. */
MUST_CHECK Status prompt_rows(float **out, int *tokens, PromptReport *report, const Model *m,
                              const char *const *prompts, int count, PromptRowsOptions options,
                              Arena *arena, Error *err);

#endif
