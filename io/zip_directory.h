/* io/zip_directory.h - the directory at the end of a zip archive; for zip*.c alone, others use io/zip.h. */
#ifndef IO_ZIP_DIRECTORY_H
#define IO_ZIP_DIRECTORY_H

#include "io/zip.h"

/* Reads and checks the directory of an archive whose name (which is copied), data and size are set.  After a
 * failure the caller releases the arena. */
MUST_CHECK Status zip_directory_read(Zip *zip, Arena *arena, Error *err);

/* `size` bytes of the archive from `offset` on. */
MUST_CHECK Status zip_fetch(void *out, const Zip *zip, uint64_t offset, size_t size, Error *err);

#endif
