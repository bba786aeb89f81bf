/* cli/prompt_pictures.h - a picture for each of many prompts, some at a time: for sheets and measurements. */
#ifndef CLI_PROMPT_PICTURES_H
#define CLI_PROMPT_PICTURES_H

#include "cli/common.h"
#include "cli/progress.h"
#include "diffusion/pipeline_txt2img.h"

typedef struct {
    const Model *model;
    int steps;
    double guidance;
    uint64_t seed;      /* picture i has seed + i */
    Progress *progress; /* shows the pictures that are done; NULL: nothing is shown */
    int done, total;    /* of them: counted on from call to call */
} PromptPictures;

enum { PROMPT_PICTURES_BATCH = 32 }; /* pictures that are made together; changes no bit */

/* out (count): RGB pictures in the arena.  p->done grows by count.  STATUS_INTERRUPTED when the user asks to stop. */
MUST_CHECK Status prompt_pictures(Image *out, PromptPictures *p, const char *const *prompts, int count,
                                  Arena *arena, Error *err);

#endif
