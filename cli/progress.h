/* cli/progress.h - how far a long run is: a bar with the time left on a terminal, a line a step otherwise. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *name; /* "txt2img", "train unet" */
    bool quiet, terminal;
    double started, shown; /* seconds of a clock that only goes forward */
    uint64_t first;        /* where a resumed run began */
} Progress;

Progress progress_begin(const char *name, bool quiet, uint64_t first);

/* `done` of `total` steps; note is a few words after the numbers ("loss 0.1234"), or "".  On a terminal it
 * redraws at most ten times a second; elsewhere it writes a line whenever `line` is true. */
void progress_show(Progress *p, uint64_t done, uint64_t total, const char *note, bool line);

/* Ends the bar's line. */
void progress_end(Progress *p);

double progress_seconds(const Progress *p);

/* Of a clock that only goes forward. */
double seconds_now(void);

#endif
