#include "io/zip.h"

#include <string.h>

#include "base/file.h"
#include "io/crc32.h"
#include "io/inflate.h"
#include "io/zip_directory.h"
#include "io/zip_format.h"

static Status open_zip(Zip *out, Zip zip, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    const Status status = zip_directory_read(&zip, arena, err);
    if (status == STATUS_OK)
        *out = zip;
    else
        arena_release(arena, mark);
    return status;
}

Status zip_open(Zip *out, const char *path, Arena *arena, Error *err)
{
    Zip zip = {.name = path};
    const Status status = file_size(&zip.size, path, err);
    return status != STATUS_OK ? status : open_zip(out, zip, arena, err);
}

Status zip_parse(Zip *out, const void *data, size_t size, const char *name, Arena *arena, Error *err)
{
    static const unsigned char nothing[1];
    return open_zip(out, (Zip){.name = name, .data = size > 0 ? data : nothing, .size = size}, arena, err);
}

const ZipEntry *zip_find(const Zip *zip, const char *name)
{
    size_t low = 0, high = zip->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const ZipEntry *e = &zip->entries[zip->by_name[middle]];
        const int order = strcmp(name, e->name);
        if (order == 0)
            return e;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Where the bytes of a member begin: behind its local header, whose own name and extra field may differ in
 * length from the directory's. */
static Status locate(uint64_t *out, const Zip *zip, const ZipEntry *entry, Error *err)
{
    unsigned char local[ZIP_LOCAL_SIZE];
    const Status status = zip_fetch(local, zip, entry->header, sizeof local, err);
    if (status != STATUS_OK)
        return status;
    const uint64_t offset = entry->header + ZIP_LOCAL_SIZE + le16_get(local + 26) + le16_get(local + 28);
    if (le32_get(local) != ZIP_LOCAL || le16_get(local + 8) != entry->method || offset > zip->directory ||
        entry->packed > zip->directory - offset)
        return error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" is not where the directory says",
                         zip->name, entry->name);
    *out = offset;
    return STATUS_OK;
}

Status zip_place(uint64_t *out, const Zip *zip, const ZipEntry *entry, Error *err)
{
    if (entry->method != ZIP_STORED)
        return error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" is not stored as it is", zip->name,
                         entry->name);
    return locate(out, zip, entry, err);
}

Status zip_read_part(void *out, const Zip *zip, const ZipEntry *entry, uint64_t offset, size_t size,
                     Error *err)
{
    uint64_t begin = 0;
    if (offset > entry->size || size > entry->size - offset)
        return error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" ends before byte %llu", zip->name,
                         entry->name, (unsigned long long)(offset + size));
    const Status status = zip_place(&begin, zip, entry, err);
    return status != STATUS_OK ? status : zip_fetch(out, zip, begin + offset, size, err);
}

static Status unpack(unsigned char *out, const Zip *zip, const ZipEntry *entry, Arena *arena, Error *err)
{
    const size_t packed = (size_t)entry->packed, size = (size_t)entry->size;
    uint64_t begin = 0;
    size_t unpacked = 0;
    Status status = locate(&begin, zip, entry, err);
    if (status != STATUS_OK)
        return status;
    const unsigned char *from = zip->data != NULL ? zip->data + begin : NULL;
    if (from == NULL) {
        unsigned char *bytes = arena_raw(arena, packed, 1);
        if (bytes == NULL)
            return error_set(err, STATUS_MEMORY, "%.150s: no memory for member \"%.100s\"", zip->name,
                             entry->name);
        status = zip_fetch(bytes, zip, begin, packed, err);
        from = bytes;
    }
    if (status == STATUS_OK)
        status = inflate_into(out, size, &unpacked, from, packed, NULL, INFLATE_RAW, zip->name, err);
    if (status == STATUS_OK && unpacked != size)
        status =
            error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" unpacks to %llu bytes, expected %llu",
                      zip->name, entry->name, (unsigned long long)unpacked, (unsigned long long)size);
    return status;
}

Status zip_read(Bytes *out, const Zip *zip, const ZipEntry *entry, Arena *arena, Error *err)
{
    if (entry->method != ZIP_STORED && entry->method != ZIP_DEFLATED)
        return error_set(err, STATUS_FORMAT,
                         "%.150s: member \"%.100s\" is packed by method %u, which is not known", zip->name,
                         entry->name, entry->method);
    const ArenaMark start = arena_mark(arena);
    const size_t size = (size_t)entry->size;
    unsigned char *bytes =
        size < SIZE_MAX / 2 && size == entry->size ? arena_raw(arena, size + 1, 1) : NULL;
    if (bytes == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for member \"%.100s\" of %llu bytes",
                         zip->name, entry->name, (unsigned long long)entry->size);
    const ArenaMark kept = arena_mark(arena);
    Status status = entry->method == ZIP_STORED ? zip_read_part(bytes, zip, entry, 0, size, err)
                                                : unpack(bytes, zip, entry, arena, err);
    if (status == STATUS_OK && crc32_update(0, bytes, size) != entry->crc)
        status = error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" is damaged (CRC-32)", zip->name,
                           entry->name);
    arena_release(arena, status == STATUS_OK ? kept : start);
    if (status != STATUS_OK)
        return status;
    bytes[size] = '\0';
    *out = (Bytes){.arena = arena, .data = bytes, .size = size, .room = size + 1};
    return STATUS_OK;
}
