/* diffusion/text_conditions.h - from prompts to the rows that the U-Net attends to. */
#ifndef DIFFUSION_TEXT_CONDITIONS_H
#define DIFFUSION_TEXT_CONDITIONS_H

#include "diffusion/model.h"

/* What became of a prompt. */
typedef struct {
    int tokens;      /* used of model.tokenizer.length, start and end counted */
    const char *cut; /* the end of the prompt that did not fit; "" when all did */
} PromptReport;

/* Text rows (count, T, width) of `count` prompts, T the tokenizer's length: the text encoder's last state,
 * or an earlier one when `skip` layers are left out (diffusion/clip_text.h).  report (count) may be NULL.
 * The rows and reports lie in the arena; nothing else stays. */
MUST_CHECK Status text_rows(float **out, PromptReport *report, const Model *m, const char *const *prompts,
                            int count, int skip, Arena *arena, Error *err);

/* Numbers in one prompt's rows: T width. */
size_t text_rows_size(const Model *m);

#endif
