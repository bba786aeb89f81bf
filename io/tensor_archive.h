/* io/tensor_archive.h - the named tensors of a file, whatever its format: safetensors, whole or in shards, or a zip
 * with a pickle as torch.save writes it (.ckpt, .pt, .pth; io/torch_file.h).
 *
 * Opening reads names, kinds, shapes and places only; the numbers stay in the file until they are asked for, so a
 * large file is opened at once.  A tensor may be a part or a transpose of what lies there: number (i, j, ...) is
 * `start` + i stride[0] + j stride[1] + ... numbers behind `offset`.  A program may add entries of its own that show
 * the same numbers under other names and shapes (diffusion/single_file.h). */
#ifndef IO_TENSOR_ARCHIVE_H
#define IO_TENSOR_ARCHIVE_H

#include "base/arena.h"
#include "base/error.h"
#include "io/dtype.h"

enum { ARCHIVE_RANK = 8 };

typedef struct {
    const char *name;
    DType dtype;
    int rank; /* 0 (one number) to ARCHIVE_RANK */
    uint64_t dim[ARCHIVE_RANK];
    uint64_t stride[ARCHIVE_RANK]; /* in numbers; of an axis of length 1 it means nothing */
    uint64_t numbers;              /* the product of dim */
    uint64_t offset;               /* bytes: where number (0, 0, ...) lies in `file` */
    const char *file;              /* path, or the archive's name when it is in memory */
} ArchiveTensor;

typedef enum { ARCHIVE_SAFETENSORS, ARCHIVE_TORCH } ArchiveKind;

typedef struct TensorArchive {
    const char *name;          /* as it was opened: begins every error sentence */
    const unsigned char *data; /* the whole file in memory, or NULL */
    ArchiveKind kind;
    ArchiveTensor *tensors; /* in the order of the file */
    size_t count;
    size_t *by_name;             /* their indices in the order of names */
    const struct Json *metadata; /* of safetensors: an object of texts; else NULL */
} TensorArchive;

/* Opens the file, or where it does not exist, the shards that "path" + ".index.json" names; that index may be given
 * itself.  The format is seen from the first bytes.  On failure *out is untouched. */
MUST_CHECK Status archive_open(TensorArchive *out, const char *path, Arena *arena, Error *err);

/* The same for one file in memory; `data` must stay as long as *out is used. */
MUST_CHECK Status archive_parse(TensorArchive *out, const void *data, size_t size, const char *name,
                                Arena *arena, Error *err);

/* An archive of the given tensors, whose array is copied: sorts their names and refuses one that comes twice. */
MUST_CHECK Status archive_of(TensorArchive *out, const ArchiveTensor *tensors, size_t count,
                             const char *name, const unsigned char *data, Arena *arena, Error *err);

/* NULL when there is no tensor of that name; takes log(count) steps. */
const ArchiveTensor *archive_find(const TensorArchive *archive, const char *name);

/* The text under `key` in the file's metadata, or NULL. */
const char *archive_metadata(const TensorArchive *archive, const char *key);

/* Fills stride and numbers of a tensor whose numbers lie without gaps, rows first; false when they are 2^63 or more. */
bool archive_lay_out(ArchiveTensor *t);

/* `count` numbers from number `first` on, rows first, as native numbers of the tensor's dtype or as binary32
 * (rounded to nearest even). */
MUST_CHECK Status archive_read(void *out, const TensorArchive *archive, const ArchiveTensor *t,
                               uint64_t first, size_t count, Error *err);
MUST_CHECK Status archive_read_f32(float *out, const TensorArchive *archive, const ArchiveTensor *t,
                                   uint64_t first, size_t count, Error *err);

#endif
