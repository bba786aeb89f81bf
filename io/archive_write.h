/* io/archive_write.h - tensors of opened archives, written as safetensors under names of the caller's choice: for
 * conversions.  Numbers go through in pieces, so that a large file needs no memory; without another dtype every byte
 * stays as it was. */
#ifndef IO_ARCHIVE_WRITE_H
#define IO_ARCHIVE_WRITE_H

#include "io/tensor_archive.h"

enum { ARCHIVE_PARTS = 3 };

typedef struct {
    const char *name;
    int rank;
    uint64_t dim[ARCHIVE_RANK]; /* of the whole: may be laid out in other axes than its parts */
    int parts;                  /* 1 to ARCHIVE_PARTS tensors of one dtype, one behind the other */
    const ArchiveTensor *part[ARCHIVE_PARTS];
    const TensorArchive *archive; /* that the parts are of */
} ArchiveItem;

/* The item that shows a tensor as it is, under another name. */
ArchiveItem archive_item(const char *name, const TensorArchive *archive, const ArchiveTensor *t);

/* `dtype` (F32, F16 or BF16) is that of all floating-point tensors in the file; NULL: as they are.  All or nothing. */
MUST_CHECK Status archive_write(const char *path, const ArchiveItem *items, size_t count,
                                const char *const *metadata, const DType *dtype, Arena *scratch,
                                Error *err);

#endif
