/* cli/doodl_record.h - what a run of `doodl` leaves behind: a log, a curve of the loss, pictures on the way, a strip of them, and
 * a state from which it goes on.
 *
 *   FOLDER/log.csv              update, loss, clipped, beyond, way, length_x, length_y
 *   FOLDER/loss.svg             the loss by update
 *   FOLDER/update-0010.png      every so many updates, and the last
 *   FOLDER/strip.png            up to ten of them side by side
 *   FOLDER/state.safetensors    x, y and momentum as F64; the number of updates; what the run was asked for */
#ifndef CLI_DOODL_RECORD_H
#define CLI_DOODL_RECORD_H

#include "cli/common.h"
#include "guidance/doodl_run.h"

typedef struct {
    const char *folder;  /* NULL: nothing is written */
    const char *request; /* what decides the bits, as text; a state of another one is not resumed */
    int every;
    int height, width; /* pixels */
    Arena *arena;
    int count, room, kept, kept_room; /* of rows; of pictures */
    DoodlReport *row;
    Image *picture; /* those that were written */
    int *picture_update;
} DoodlRecord;

MUST_CHECK Status doodl_record_begin(DoodlRecord *out, const char *folder, const char *request, int every,
                                     int updates, int height, int width, Arena *arena, Error *err);

/* After an update: notes it, writes picture and state where they are due. */
MUST_CHECK Status doodl_record_add(DoodlRecord *record, const DoodlReport *report, const DoodlRun *run,
                                   bool last, Error *err);

/* Log, curve and strip of what there is. */
MUST_CHECK Status doodl_record_end(const DoodlRecord *record, Result *result, Error *err);

/* Reads a state into a run that has begun.  Errors: another run's. */
MUST_CHECK Status doodl_record_resume(DoodlRun *run, const char *path, const char *request, Arena *arena,
                                      Error *err);

#endif
