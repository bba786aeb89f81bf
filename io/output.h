/* io/output.h - a file written piece by piece that is there whole or not at all.
 *
 * The pieces go to a file beside it (file_temporary); output_close renames that over `path`.  The first failure
 * stays and later pieces do nothing, so that a writer checks once, at output_close. */
#ifndef IO_OUTPUT_H
#define IO_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

typedef struct {
    const char *path; /* not copied */
    FILE *file;
    uint64_t size; /* bytes written */
    int failure;   /* errno of the first write that failed, or 0 */
    char temporary[4096];
} Output;

MUST_CHECK Status output_open(Output *out, const char *path, Error *err);

void output_add(Output *out, const void *data, size_t size);

/* Flushes and renames.  On failure the temporary file is removed. */
MUST_CHECK Status output_close(Output *out, Error *err);

/* Removes what was written; for a caller that cannot go on. */
void output_drop(Output *out);

#endif
