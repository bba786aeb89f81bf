/* cli/guide_loss.h - a loss of pictures as options: what `guide` and `doodl` share (guidance/picture_loss.h). */
#ifndef CLI_GUIDE_LOSS_H
#define CLI_GUIDE_LOSS_H

#include "cli/options.h"
#include "guidance/picture_loss.h"

typedef struct {
    const char *kind, *head, *classifier;
    OptionTexts targets, clips, aesthetics;
    CutoutOptions crops;
    bool mean, binary;
    double factor; /* lambda */
    /* Filled by guide_loss_open: */
    PictureLoss loss;
    char about[200]; /* for people and records: "clip \"a red apple\"" */
    ClipLoss clip;
    ClassLoss class_of;
    AestheticLoss aesthetic;
    PixelLoss pixels;
} GuideLoss;

/* clip, of the prompt, with the shipped networks; 16 crops, power 0.3; lambda 1. */
#define GUIDE_LOSS_DEFAULTS                                                                                \
    {                                                                                                      \
        .kind = "clip", .head = "class", .crops = {.count = 16, .power = 0.3}, .factor = 1.0               \
    }

enum { GUIDE_LOSS_OPTIONS = 13 };

/* The rows point into *g; the last one ends the table. */
void guide_loss_table(GuideLoss *g, Option table[GUIDE_LOSS_OPTIONS]);

/* Told of every file that decides the bits. */
typedef struct {
    void *context;
    Status (*note)(void *context, const char *path, Error *err);
} FileNote;

/* Opens the networks and reads the targets, for pictures of height x width pixels.  The prompt is the target of `clip` when none
 * is given.  The arena keeps everything. */
MUST_CHECK Status guide_loss_open(GuideLoss *g, const char *prompt, int height, int width,
                                  const FileNote *note, Arena *arena, Error *err);

/* The classifier in a folder (NULL: the shipped one of that name), and the number of an answer: its number or its name in the
 * head.  For losses and for noise-aware guidance. */
MUST_CHECK Status guide_class_open(Vgg *out, int *head, int *label, const char *folder, const char *shipped,
                                   const char *head_name, const char *answer, const FileNote *note,
                                   Arena *arena, Error *err);

#endif
