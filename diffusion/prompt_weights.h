/* diffusion/prompt_weights.h - a prompt with weights, taken apart.
 *
 *   (a)   1.1 a        ((a))  1.21 a        [a]  a / 1.1        (a:1.5)  1.5 a
 *   \( \) \[ \] \\     the character itself
 *
 * Brackets nest, and their weights multiply; one that is never closed counts to the end; a closing one without an opening
 * one is text.  Source: stable-diffusion-webui, modules/prompt_parser.py, parse_prompt_attention. */
#ifndef DIFFUSION_PROMPT_WEIGHTS_H
#define DIFFUSION_PROMPT_WEIGHTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const char *text; /* not empty, but for the one part of an empty prompt */
    double weight;
} PromptPart;

/* At least one part; neighbours differ in weight.  With `plain` the whole prompt as it is, weight 1. */
MUST_CHECK Status prompt_parts(PromptPart **out, int *count, const char *prompt, bool plain, Arena *arena,
                               Error *err);

#endif
