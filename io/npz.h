/* io/npz.h - several named arrays in one file, as numpy.savez and savez_compressed write it: a zip archive with
 * a member NAME.npy for each array NAME. */
#ifndef IO_NPZ_H
#define IO_NPZ_H

#include "io/npy.h"
#include "io/zip.h"

/* The array NAME of an archive that zip_open or zip_parse opened.  Reads one array at a time; the arena holds
 * the member meanwhile.  STATUS_FORMAT when there is none of that name. */
MUST_CHECK Status npz_read(NpyArray *out, const Zip *zip, const char *name, Arena *arena, Error *err);

typedef struct {
    const char *name;
    NpyArray array;
} NpzItem;

/* Writes all arrays, deflated when `deflate` is true.  All or nothing. */
MUST_CHECK Status npz_write(const char *path, const NpzItem *items, size_t count, bool deflate,
                            Arena *scratch, Error *err);

#endif
