/* cli/judge_table.h - how well a model draws the picture world, in numbers: `ldm99 table world`.
 *
 * Pictures of fixed captions and seeds are made and judged (metrics/world_judge.h), and beside them real pictures of the
 * same scenes, and those through the autoencoder, which no denoiser can draw better.
 *   trained   single things in drawings that training shows
 *   held out  single things in styles in which training never shows them
 *   scenes    two and three things, the second half with things that training never shows together
 * The scenes are world_scene of JUDGE_TABLE_SEED; picture i of all three lists has seed + i. */
#ifndef CLI_JUDGE_TABLE_H
#define CLI_JUDGE_TABLE_H

#include "cli/common.h"
#include "cli/run_model.h"
#include "diffusion/clip.h"
#include "metrics/world_judge.h"

enum { JUDGE_TABLE_SEED = 4001, JUDGE_TABLE_ROWS = 48 };

typedef enum { ROW_PERCENT, ROW_DECIBEL, ROW_DISTANCE } RowUnit;

/* Numbers that were not measured are NAN. */
typedef struct {
    const char *name;
    RowUnit unit;
    int count;                /* of what the number is a mean of */
    double made, coded, real; /* the model's pictures, real ones through the autoencoder, real ones */
    const char *wanted;       /* what a good model reaches [ours]; "": nothing is asked */
} JudgeRow;

typedef struct {
    Command *command;
    RunModel model;
    const char *world_path;
    const char *judge_path, *segmentation_path, *clip_path; /* NULL: the shipped ones, where they are */
    int count; /* of singles of each kind, and of scenes twice a half */
    int steps;
    double guidance;
    uint64_t seed;

    World world;
    bool has_judge, has_segmenter, has_clip;
    WorldJudge judge;
    Segmenter segmenter;
    uint16_t *label_of; /* segmenter_world_labels */
    Clip clip;
    JudgeRow row[JUDGE_TABLE_ROWS];
    int rows;
} JudgeTable;

/* Opens what there is, makes the pictures and fills the rows. */
MUST_CHECK Status judge_table_measure(JudgeTable *t, Error *err);

#endif
