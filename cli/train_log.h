/* cli/train_log.h - what a training run says of itself: log.csv, one row a step, and loss.svg. */
#ifndef CLI_TRAIN_LOG_H
#define CLI_TRAIN_LOG_H

#include "base/bytes.h"
#include "diffusion/trainer.h"

enum { TRAIN_MEASURES = 4 };

typedef struct {
    uint64_t step;
    double loss, held_out; /* held_out is NAN where it was not measured */
    double grad_norm, lr, seconds;
    double measured[TRAIN_MEASURES]; /* NAN where they were not */
} TrainRow;

typedef struct {
    Arena *arena;
    const char *const *measures; /* names of further columns, up to TRAIN_MEASURES, then NULL; NULL: none */
    TrainRow *rows;
    size_t count, room;
} TrainLog;

/* Appends a row; STATUS_MEMORY when there is no room for it. */
MUST_CHECK Status train_log_add(TrainLog *log, TrainRow row, Error *err);

/* Reads the rows of the file up to and including `step`, what a resumed run goes on from. */
MUST_CHECK Status train_log_read(TrainLog *log, const char *path, uint64_t step, Error *err);

MUST_CHECK Status train_log_write(const TrainLog *log, const char *path, Arena *scratch, Error *err);

/* Loss (mean over 1/100 of the run) and held-out loss against the step. */
MUST_CHECK Status train_log_plot(const TrainLog *log, const char *title, const char *path, Arena *scratch,
                                 Error *err);

#endif
