/* tests/scratch.h - where a test finds the reference cases and may write files. */
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

/* A file of the reference cases: in $CASES, or beside the checkout. */
static inline const char *cases_path(char path[SCRATCH_PATH], const char *name)
{
    const char *folder = getenv("CASES");
    snprintf(path, SCRATCH_PATH, "%s/%s", folder != NULL ? folder : "../shared/cases", name);
    return path;
}

#endif
