#include "io/archive_write.h"

#include <string.h>

#include "io/safetensors.h"

enum { PIECE = 4096 }; /* numbers converted at a time */

typedef struct {
    const ArchiveItem *item;
    DType dtype; /* in the file that is written */
} Source;

ArchiveItem archive_item(const char *name, const TensorArchive *archive, const ArchiveTensor *t)
{
    ArchiveItem item = {.name = name, .rank = t->rank, .parts = 1, .part = {t}, .archive = archive};
    memcpy(item.dim, t->dim, sizeof t->dim);
    return item;
}

static bool is_float(DType dtype)
{
    return dtype == F32 || dtype == F16 || dtype == BF16 || dtype == F64;
}

static Status read_part(unsigned char *out, const Source *s, const ArchiveTensor *t, uint64_t first,
                        size_t count, Error *err)
{
    float piece[PIECE];
    if (t->dtype == s->dtype)
        return archive_read(out, s->item->archive, t, first, count, err);
    for (size_t at = 0; at < count; at += PIECE) {
        const size_t n = count - at < PIECE ? count - at : PIECE;
        const Status status = archive_read_f32(piece, s->item->archive, t, first + at, n, err);
        if (status != STATUS_OK)
            return status;
        (void)dtype_from_f32(out + at * dtype_size(s->dtype), piece, s->dtype, n);
    }
    return STATUS_OK;
}

static Status read_source(const void *context, void *out, uint64_t first, size_t count, Error *err)
{
    const Source *s = context;
    unsigned char *to = out;
    Status status = STATUS_OK;
    for (int i = 0; i < s->item->parts && count > 0 && status == STATUS_OK; i++) {
        const ArchiveTensor *t = s->item->part[i];
        if (first >= t->numbers) {
            first -= t->numbers;
            continue;
        }
        const size_t n = t->numbers - first < count ? (size_t)(t->numbers - first) : count;
        status = read_part(to, s, t, first, n, err);
        to += n * dtype_size(s->dtype);
        count -= n;
        first = 0;
    }
    return status;
}

Status archive_write(const char *path, const ArchiveItem *items, size_t count, const char *const *metadata,
                     const DType *dtype, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    SafetensorsItem *out = arena_alloc(scratch, count + 1, sizeof *out);
    Source *source = arena_alloc(scratch, count + 1, sizeof *source);
    if (out == NULL || source == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for %lu names", path, (unsigned long)count);
    for (size_t i = 0; i < count; i++) {
        const DType own = items[i].part[0]->dtype;
        source[i] = (Source){&items[i], dtype != NULL && is_float(own) ? *dtype : own};
        out[i] = (SafetensorsItem){.name = items[i].name,
                                   .dtype = source[i].dtype,
                                   .rank = items[i].rank,
                                   .read = read_source,
                                   .context = &source[i]};
        memcpy(out[i].dim, items[i].dim, sizeof items[i].dim);
    }
    const Status status = safetensors_write(path, out, count, metadata, scratch, err);
    arena_release(scratch, mark);
    return status;
}
