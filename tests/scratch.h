/* tests/scratch.h - where a test may write files. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_PATH = 1000 };

/* A name of this process' own in $TMPDIR; the test removes the file. */
static inline const char *scratch_path(char path[SCRATCH_PATH], const char *name)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, SCRATCH_PATH, "%s/ldm99-%ld-%s", folder != NULL ? folder : "/tmp", (long)getpid(), name);
    return path;
}

#endif
