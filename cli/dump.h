/* cli/dump.h - the intermediates of a run as files: --dump, --dump-match and --trace.
 *
 *     DIR/NAME.npy    each stage, binary32
 *     DIR/index.json  {"tensors": [{"order", "name", "file", "dtype", "shape", "sha256"}]}, in the order of the run
 *     FILE            one line a stage: name, shape, least, greatest, mean, SHA-256
 *
 * Names are the modules' of diffusers, behind the part ("unet", "vae", "text_encoder") and, inside a step, behind
 * the scope: "step.03.unet.down_blocks.0.resnets.1".  A name that comes again in its scope gets @2, @3 ...  The
 * hash is SHA-256 over the numbers, little-endian, with one NaN (7fc00000). */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include "cli/common.h"
#include "nn/tape.h"

typedef struct {
    const char *folder, *match, *trace; /* the options; NULL: not given */
    /* Filled by dump_begin: */
    TapeWatch watch;
    Arena arena, scratch;
    Bytes index, lines;
    JsonWriter json;
    struct DumpName **names; /* how often each name came, by hash */
    uint64_t order;
    char scope[40];
    Result *result;
    Error error; /* the first failure; afterwards nothing is written */
} Dump;

/* The three options; the rows point into *d. */
enum { DUMP_OPTIONS = 4 };
void dump_table(Dump *d, Option table[DUMP_OPTIONS]);

/* Starts when --dump or --trace is given; *watch is then for the run, otherwise NULL. */
MUST_CHECK Status dump_begin(const TapeWatch **watch, Dump *d, Command *c, Error *err);

/* What follows is named behind that: "step.03"; "" for nothing. */
void dump_scope(Dump *d, const char *format, ...) PRINTF_LIKE(2, 3);

/* Shows numbers that are on no tape. */
void dump_show(Dump *d, const char *name, const float *data, int rank, const int *dim);

/* Writes index and trace, also of a run that failed, and frees the memory; fails when something could not be
 * written, or when --dump-match was the name of nothing. */
MUST_CHECK Status dump_end(Dump *d, Error *err);

#endif
