/* io/npy_header.h - the dictionary at the start of a .npy file; for npy*.c alone, others use io/npy.h. */
#ifndef IO_NPY_HEADER_H
#define IO_NPY_HEADER_H

#include "io/npy.h"

typedef struct {
    NpyArray array; /* without data */
    bool big_endian, columns_first;
} NpyHeader;

/* Where the dictionary begins and ends, from the first NPY_START bytes of a file of `total` bytes. */
enum { NPY_START = 12 };
MUST_CHECK Status npy_header_find(size_t *begin, size_t *end, const unsigned char start[NPY_START],
                                  uint64_t total, const char *name, Error *err);

/* Reads the dictionary. */
MUST_CHECK Status npy_header_parse(NpyHeader *out, const char *text, size_t size, const char *name,
                                   Error *err);

/* Appends everything before the numbers. */
MUST_CHECK Status npy_header_add(Bytes *out, const NpyArray *array, const char *name, Error *err);

#endif
