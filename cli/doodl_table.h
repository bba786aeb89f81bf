/* cli/doodl_table.h - `ldm99 table doodl`: plain sampling, one-step guidance and DOODL on the same noise, after the paper's
 * table 2 and its comparison of CLIP scores [WalGEN23].
 *
 *   classes   things that the denoiser never met and its prompts do not name; the classifier guides, the judge (another
 *             network, another seed) says whether the thing is there, and the Frechet distance to the artists' drawings of
 *             it is compared with plain sampling's: change = distance / plain distance - 1
 *   prompts   held-out captions; clip-guide guides, clip-score (another seed) scores: 100 cosine
 *
 * All three methods start from the same noise; the means are over seeds, with their standard errors. */
#ifndef CLI_DOODL_TABLE_H
#define CLI_DOODL_TABLE_H

#include "cli/common.h"
#include "cli/run_model.h"

enum { DOODL_TABLE_SEEDS = 16, DOODL_METHODS = 3, DOODL_CLASSES = 4 };

/* A thing that the denoiser never met, and a word of its prompts for something near. */
typedef struct {
    const char *slug, *prompt;
} DoodlClass;

extern const DoodlClass DOODL_CLASS[DOODL_CLASSES];

/* By class, method (plain, one-step, DOODL) and seed. */
typedef struct {
    double change[DOODL_CLASSES][DOODL_METHODS][DOODL_TABLE_SEEDS]; /* of the Frechet distance */
    double right[DOODL_METHODS][DOODL_TABLE_SEEDS];                 /* share that the judge names right */
    double score[DOODL_METHODS][DOODL_TABLE_SEEDS];                 /* of CLIP */
} DoodlNumbers;

typedef struct {
    Command *command;
    RunModel model;
    const char *world_path;
    int count; /* pictures of each class, and prompts, of each seed */
    int seeds, steps, updates;
    double guidance, mix;
    double class_scale, class_clip, text_clip; /* of DOODL: lambda, limit; limit with CLIP */
    double class_guide, text_guide;            /* lambda of the one-step guidance */
    uint64_t seed;
    const char *csv; /* NULL: not written */
} DoodlTable;

/* Prints them as Markdown and JSON, and writes t->csv. */
MUST_CHECK Status doodl_table_print(const DoodlTable *t, const DoodlNumbers *numbers, Error *err);

/* Measures and prints the table. */
MUST_CHECK Status doodl_table(DoodlTable *t, Error *err);

#endif
