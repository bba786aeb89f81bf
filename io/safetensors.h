/* io/safetensors.h - tensors with names in one file.
 *
 *   8 bytes    little-endian length n of the header
 *   n bytes    JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...},
 *              with room for texts under "__metadata__"
 *   the rest   the numbers, little-endian, row-major, without a gap or an overlap
 *
 * Everything is checked before a tensor can be read: lengths, names (not twice, nothing unprintable), kinds,
 * shapes against sizes, and that the tensors cover the data exactly once.
 * Source: the format's own page, github.com/huggingface/safetensors, README.md, section "Format". */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "base/arena.h"
#include "base/error.h"
#include "io/dtype.h"

enum { SAFETENSORS_RANK = 8 };

typedef struct {
    const char *name;
    DType dtype;
    int rank; /* 0 (one number) to SAFETENSORS_RANK */
    uint64_t dim[SAFETENSORS_RANK];
    uint64_t offset, size; /* bytes: where its first one is in the file, and how many they are */
} SafetensorsEntry;

typedef struct {
    const char *name;          /* of the file, as it was opened: begins every error sentence */
    const unsigned char *data; /* the whole file in memory (safetensors_parse), or NULL */
    SafetensorsEntry *entries; /* in the order of the header */
    size_t count;
    const struct Json *header, *metadata; /* metadata: an object whose values are texts, or NULL */
    size_t metadata_index;                /* which member of the header it is; SIZE_MAX: none */
} Safetensors;

/* Reads the header of the file only.  The path is copied.  On failure *out is untouched. */
MUST_CHECK Status safetensors_open(Safetensors *out, const char *path, Arena *arena, Error *err);

/* The same for a file in memory; `data` must stay as long as *out is used, `name` is for the error sentence. */
MUST_CHECK Status safetensors_parse(Safetensors *out, const void *data, size_t size, const char *name,
                                    Arena *arena, Error *err);

/* NULL when there is no tensor of that name; takes log(count) steps. */
const SafetensorsEntry *safetensors_find(const Safetensors *file, const char *name);

/* The text under "__metadata__", or NULL. */
const char *safetensors_metadata(const Safetensors *file, const char *key);

/* How many numbers a tensor has: the product of its axes. */
uint64_t safetensors_numbers(const SafetensorsEntry *entry);

/* Reads a tensor as binary32 (each number rounded to nearest even) or as the native numbers of its dtype.
 * `out` has room for safetensors_numbers(entry) floats, or for entry->size bytes. */
MUST_CHECK Status safetensors_read_f32(float *out, const Safetensors *file, const SafetensorsEntry *entry,
                                       Error *err);
MUST_CHECK Status safetensors_read_raw(void *out, const Safetensors *file, const SafetensorsEntry *entry,
                                       Error *err);

typedef struct {
    const char *name;
    DType dtype;
    int rank;
    uint64_t dim[SAFETENSORS_RANK];
    const void *data; /* native numbers of that dtype; or NULL and then ... */
    const float
        *f32; /* ... numbers that are converted on the way (F32, F16, BF16, F64); or NULL and then ... */
    /* ... `count` native numbers of that dtype from number `first` on, asked for in ascending order. */
    Status (*read)(const void *context, void *out, uint64_t first, size_t count, Error *err);
    const void *context;
} SafetensorsItem;

/* Writes the items beside `path` and renames the file over it; on failure nothing is left behind.  The file does
 * not depend on the order of the items: as the format's own library writes it, bigger kinds of numbers come
 * first (so that all are aligned), then names ascend.  `metadata` is key, value, key, value, ..., NULL; or
 * NULL. */
MUST_CHECK Status safetensors_write(const char *path, const SafetensorsItem *items, size_t count,
                                    const char *const *metadata, Arena *scratch, Error *err);

#endif
