/* cli/dump_index.h - what a folder written by --dump holds, in the order of the run. */
#ifndef CLI_DUMP_INDEX_H
#define CLI_DUMP_INDEX_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const char *name; /* of the stage */
    const char *path; /* of its file */
} DumpStage;

typedef struct {
    DumpStage *stage;
    size_t count;
} DumpIndex;

/* A folder with an index.json. */
bool is_dump(const char *folder);

MUST_CHECK Status dump_index_read(DumpIndex *out, const char *folder, Arena *arena, Error *err);

/* The stage of that name, looked for at place `i` first; NULL when there is none. */
const DumpStage *dump_stage(const DumpIndex *index, size_t i, const char *name);

#endif
