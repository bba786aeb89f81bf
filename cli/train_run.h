/* cli/train_run.h - a training run from start or resume to saved model, with everything that it shows on the way.
 *
 * The model is saved with its averaged weights; when the run has an early stop (diffusion/early_stop.h), with those of
 * the least held-out loss.
 *
 * The folder gets state.safetensors (for --resume), log.csv, loss.svg, sheet_STEP.png, and the model in the
 * diffusers layout. */
#ifndef CLI_TRAIN_RUN_H
#define CLI_TRAIN_RUN_H

#include "cli/dump.h"
#include "cli/train_log.h"
#include "diffusion/recipe.h"
#include "diffusion/trainer.h"

/* What a part measures beside the held-out loss, whenever that is measured and with the averaged weights in place:
 * further columns of log.csv. */
typedef struct {
    const char *const *names; /* up to TRAIN_MEASURES, then NULL; NULL: nothing is measured */
    /* out (as many as there are names); self is the run's. */
    Status (*measure)(void *self, double *out, Arena *scratch, Error *err);
} TrainMeasures;

typedef struct {
    Command *command;
    const Recipe *recipe;
    Trainer *trainer;
    const char *folder;
    bool resume;
    uint64_t stop_at; /* after that step the run pauses: its state is saved, no model; 0: never */
    Dump *dump;       /* of every step; NULL: none */
    /* Both are called with the weights to save or show in place. */
    Status (*save)(void *self, const char *folder, Arena *scratch, Error *err);
    Status (*sheet)(void *self, const char *path, Arena *scratch, Error *err); /* NULL: no sheets */
    TrainMeasures measures;
    void *self;
} TrainRun;

MUST_CHECK Status train_run(TrainRun *run, Error *err);

#endif
