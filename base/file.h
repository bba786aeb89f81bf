/* base/file.h - whole files, read into an arena and written all or nothing. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>

#include "base/bytes.h"

/* Reads the whole file.  On failure *out is untouched. */
MUST_CHECK Status file_read(Bytes *out, const char *path, Arena *arena, Error *err);

/* Reads `size` bytes at `offset`; STATUS_FORMAT when the file is shorter. */
MUST_CHECK Status file_read_part(void *out, const char *path, uint64_t offset, size_t size, Error *err);

MUST_CHECK Status file_size(uint64_t *out, const char *path, Error *err);

/* Where a file is written before it is renamed to `path`: "path.PID.tmp" beside it, so that two programs that write the
 * same file do not meet.  False when the name is too long. */
bool file_temporary(char out[4096], const char *path);

/* Gives a file the name of another, which goes; in one step, except on Windows. */
bool file_rename(const char *from, const char *to);

/* Writes to file_temporary, flushes, and renames it over `path`: readers see the old file or the new one, and a
 * failed run leaves nothing behind.  A device or pipe (/dev/stdout) is written to as it is. */
MUST_CHECK Status file_write(const char *path, const void *data, size_t size, Error *err);

bool file_exists(const char *path); /* something can be opened for reading there */

void file_remove(const char *path); /* where there is one */

/* Joins with one '/'; NULL when there is no memory. */
char *path_join(Arena *arena, const char *folder, const char *name);

/* Makes the folder and those above it; fine if they exist. */
MUST_CHECK Status folder_make(const char *path, Error *err);

#endif
