/* io/npy.h - one array in a file, as numpy.save writes it.
 *
 *   "\x93NUMPY", version, length, then a Python dictionary that tells kind, order and shape, then the numbers
 *
 * Read: versions 1, 2 and 3; kinds f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1; either byte order; columns first
 * (Fortran order) is turned to rows first.  Written: version 1, little-endian, rows first, byte for byte as
 * numpy writes it.
 * Source: NumPy Enhancement Proposal 1 and the comment that begins numpy/lib/format.py. */
#ifndef IO_NPY_H
#define IO_NPY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "io/dtype.h"

enum { NPY_RANK = 8, NPY_HEADER_MOST = 512 }; /* axes; bytes before the numbers in files that we write */

typedef struct {
    DType dtype; /* any but BF16 */
    int rank;    /* 0 (one number) to NPY_RANK */
    uint64_t dim[NPY_RANK];
    void *data; /* native numbers, rows first */
} NpyArray;

/* Reads the file; the numbers live in the arena.  On failure *out is untouched. */
MUST_CHECK Status npy_read(NpyArray *out, const char *path, Arena *arena, Error *err);

/* The same for a file in memory (`name` is for the error sentence), which may go afterwards. */
MUST_CHECK Status npy_parse(NpyArray *out, const void *bytes, size_t size, const char *name, Arena *arena,
                            Error *err);

uint64_t npy_numbers(const NpyArray *array);

/* Appends the file's bytes.  STATUS_ARGUMENT for BF16, which numpy does not know, or an impossible shape. */
MUST_CHECK Status npy_add(Bytes *out, const NpyArray *array, const char *name, Error *err);

/* Writes the file, all or nothing. */
MUST_CHECK Status npy_write(const char *path, const NpyArray *array, Arena *scratch, Error *err);

#endif
