#include "io/zip.h"

#include <string.h>

#include "base/file.h"
#include "io/crc32.h"
#include "io/inflate.h"
#include "io/order.h"
#include "io/zip_format.h"

/* The end record has up to 65535 bytes of comment behind it. */
enum { TAIL_MOST = ZIP_END_SIZE + 65535 + ZIP_LOCATOR_64_SIZE };

typedef struct {
    uint64_t offset, size, count; /* the directory: first byte, bytes, members */
    uint64_t limit;               /* where the first record behind it begins */
} Directory;

static Status fetch(void *out, const Zip *zip, uint64_t offset, size_t size, Error *err)
{
    if (offset > zip->size || size > zip->size - offset)
        return error_set(err, STATUS_FORMAT, "%.150s: ends before byte %llu", zip->name,
                         (unsigned long long)(offset + size));
    if (zip->data == NULL)
        return file_read_part(out, zip->name, offset, size, err);
    if (size > 0)
        memcpy(out, zip->data + offset, size);
    return STATUS_OK;
}

static Status damaged(const Zip *zip, const char *what, Error *err)
{
    return error_set(err, STATUS_FORMAT, "%.150s: not a zip archive that can be read (%s)", zip->name,
                     what);
}

/* The zip64 end record, which the locator at `at` points to. */
static Status find_directory_64(Directory *out, const Zip *zip, const unsigned char *locator, uint64_t at,
                                Error *err)
{
    unsigned char end[ZIP_END_64_SIZE];
    const uint64_t record = le64_get(locator + 8);
    if (record > at || at - record < ZIP_END_64_SIZE)
        return damaged(zip, "zip64 locator", err);
    const Status status = fetch(end, zip, record, sizeof end, err);
    if (status != STATUS_OK)
        return status;
    if (le32_get(end) != ZIP_END_64 || le64_get(end + 4) < ZIP_END_64_SIZE - 12)
        return damaged(zip, "zip64 end record", err);
    if (le32_get(end + 16) != 0 || le32_get(end + 20) != 0 || le64_get(end + 24) != le64_get(end + 32))
        return damaged(zip, "more than one volume", err);
    *out = (Directory){le64_get(end + 48), le64_get(end + 40), le64_get(end + 32), record};
    return STATUS_OK;
}

/* The last bytes of the archive hold the end record: the last place that has its signature and whose comment
 * fills the rest of the archive. */
static Status find_directory(Directory *out, const Zip *zip, Arena *arena, Error *err)
{
    const size_t size = zip->size < TAIL_MOST ? (size_t)zip->size : TAIL_MOST;
    unsigned char *tail = arena_raw(arena, size, 1);
    if (tail == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory", zip->name);
    Status status = fetch(tail, zip, zip->size - size, size, err);
    if (status != STATUS_OK)
        return status;
    size_t at = size;
    const unsigned char *end = NULL;
    while (at-- > 0 && end == NULL)
        if (size - at >= ZIP_END_SIZE && le32_get(tail + at) == ZIP_END &&
            le16_get(tail + at + 20) == size - at - ZIP_END_SIZE)
            end = tail + at;
    if (end == NULL)
        return damaged(zip, "no end record", err);
    const uint64_t place = zip->size - size + (uint64_t)(end - tail);
    const unsigned char *locator = end - tail >= ZIP_LOCATOR_64_SIZE ? end - ZIP_LOCATOR_64_SIZE : NULL;
    if (locator != NULL && le32_get(locator) == ZIP_LOCATOR_64) {
        status = find_directory_64(out, zip, locator, place - ZIP_LOCATOR_64_SIZE, err);
    } else if (le16_get(end + 4) != 0 || le16_get(end + 6) != 0 ||
               le16_get(end + 8) != le16_get(end + 10)) {
        status = damaged(zip, "more than one volume", err);
    } else {
        *out = (Directory){le32_get(end + 16), le32_get(end + 12), le16_get(end + 10), place};
    }
    if (status == STATUS_OK && (out->offset > out->limit || out->size != out->limit - out->offset ||
                                out->count > out->size / ZIP_MEMBER_SIZE))
        status = damaged(zip, "the directory is not where the end record says", err);
    return status;
}

/* Replaces what did not fit into 32 bits by the numbers of the zip64 field, which has just those, in this order. */
static bool read_extra_64(ZipEntry *e, const unsigned char *extra, size_t size)
{
    uint64_t *const wide[] = {&e->size, &e->packed, &e->header};
    const bool needed = e->size == ZIP_MOST_32 || e->packed == ZIP_MOST_32 || e->header == ZIP_MOST_32;
    while (size >= 4) {
        const size_t length = le16_get(extra + 2);
        if (length > size - 4)
            return false;
        if (needed && le16_get(extra) == ZIP_EXTRA_64) {
            size_t at = 0;
            for (int i = 0; i < 3; i++)
                if (*wide[i] == ZIP_MOST_32) {
                    if (length - at < 8)
                        return false;
                    *wide[i] = le64_get(extra + 4 + at);
                    at += 8;
                }
            return true;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return !needed; /* up to 3 bytes of padding are seen in the wild */
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return length > 0;
}

/* Reads the member header at *at and moves behind it; the name goes to *names, which moves behind it too. */
static Status read_member(ZipEntry *out, const unsigned char **at, const unsigned char *end, char **names,
                          const Zip *zip, Error *err)
{
    const unsigned char *p = *at;
    if (end - p < ZIP_MEMBER_SIZE || le32_get(p) != ZIP_MEMBER)
        return damaged(zip, "directory entry", err);
    const size_t name = le16_get(p + 28), extra = le16_get(p + 30), comment = le16_get(p + 32);
    if ((size_t)(end - p) - ZIP_MEMBER_SIZE < name + extra + comment)
        return damaged(zip, "directory entry", err);
    if (!is_printable((const char *)p + ZIP_MEMBER_SIZE, name))
        return damaged(zip, "a member has an empty or unprintable name", err);
    ZipEntry e = {.method = le16_get(p + 10), .crc = le32_get(p + 16)};
    e.packed = le32_get(p + 20);
    e.size = le32_get(p + 24);
    e.header = le32_get(p + 42);
    if (!read_extra_64(&e, p + ZIP_MEMBER_SIZE + name, extra))
        return damaged(zip, "zip64 sizes of a member", err);
    if ((le16_get(p + 8) & ZIP_ENCRYPTED) != 0)
        return damaged(zip, "a member is encrypted", err);
    if (e.method == ZIP_STORED && e.size != e.packed)
        return damaged(zip, "sizes of a stored member", err);
    if (e.method == ZIP_DEFLATED &&
        e.size / INFLATE_RATIO > e.packed) /* no allocation that deflate cannot fill */
        return damaged(zip, "a member claims to unpack to more than deflate can", err);
    e.name = memcpy(*names, p + ZIP_MEMBER_SIZE, name);
    (*names)[name] = '\0';
    *names += name + 1;
    *out = e;
    *at = p + ZIP_MEMBER_SIZE + name + extra + comment;
    return STATUS_OK;
}

static int compare_names(const void *things, uint32_t a, uint32_t b)
{
    const ZipEntry *entries = things;
    return strcmp(entries[a].name, entries[b].name);
}

static int compare_places(const void *things, uint32_t a, uint32_t b)
{
    const ZipEntry *entries = things;
    return (entries[a].header > entries[b].header) - (entries[a].header < entries[b].header);
}

/* No two members share a byte or a name, and all lie before the directory. */
static Status check_members(Zip *zip, uint64_t directory, Error *err)
{
    const uint32_t count = (uint32_t)zip->count;
    uint64_t free_from = 0;
    order_sort(zip->by_name, count, compare_places, zip->entries);
    for (uint32_t i = 0; i < count; i++) {
        const ZipEntry *e = &zip->entries[zip->by_name[i]];
        if (e->header < free_from || e->header > directory || directory - e->header < ZIP_LOCAL_SIZE ||
            directory - e->header - ZIP_LOCAL_SIZE < e->packed)
            return error_set(err, STATUS_FORMAT,
                             "%.150s: member \"%.100s\" lies over another or over the directory", zip->name,
                             e->name);
        free_from = e->header + ZIP_LOCAL_SIZE + e->packed;
    }
    order_sort(zip->by_name, count, compare_names, zip->entries);
    for (uint32_t i = 1; i < count; i++)
        if (compare_names(zip->entries, zip->by_name[i - 1], zip->by_name[i]) == 0)
            return error_set(err, STATUS_FORMAT, "%.150s: two members have the name \"%.100s\"", zip->name,
                             zip->entries[zip->by_name[i]].name);
    return STATUS_OK;
}

static Status read_members(Zip *zip, const Directory *directory, const unsigned char *bytes, char *names,
                           Error *err)
{
    const unsigned char *at = bytes, *end = bytes + directory->size;
    for (uint64_t i = 0; i < directory->count; i++) {
        const Status status = read_member(&zip->entries[zip->count], &at, end, &names, zip, err);
        if (status != STATUS_OK)
            return status;
        zip->count++;
    }
    if (at != end)
        return damaged(zip, "the directory has more entries than the end record says", err);
    return check_members(zip, directory->offset, err);
}

/* Reads the directory of an archive whose name, data and size are set. */
static Status read_directory(Zip *zip, Arena *arena, Error *err)
{
    Directory directory = {0};
    const ArenaMark start = arena_mark(arena);
    Status status = find_directory(&directory, zip, arena, err);
    arena_release(arena, start);
    if (status != STATUS_OK)
        return status;
    if (directory.size >= SIZE_MAX / 4 || directory.count >= UINT32_MAX)
        return damaged(zip, "the directory is too large", err);
    const size_t count = (size_t)directory.count, size = (size_t)directory.size;
    zip->directory = directory.offset;
    zip->name = arena_text(arena, zip->name, strlen(zip->name));
    zip->entries = arena_raw(arena, count, sizeof *zip->entries);
    zip->by_name = arena_raw(arena, count, sizeof *zip->by_name);
    char *names =
        arena_raw(arena, size - count * (ZIP_MEMBER_SIZE - 1), 1); /* each with a zero byte behind */
    const ArenaMark kept = arena_mark(arena);
    unsigned char *bytes = arena_raw(arena, size, 1);
    if (zip->name == NULL || zip->entries == NULL || zip->by_name == NULL || names == NULL || bytes == NULL)
        return error_set(err, STATUS_MEMORY, "a zip archive's directory of %lu members: no memory",
                         (unsigned long)count);
    status = fetch(bytes, zip, directory.offset, size, err);
    if (status == STATUS_OK)
        status = read_members(zip, &directory, bytes, names, err);
    arena_release(arena, kept);
    return status;
}

static Status open_zip(Zip *out, Zip zip, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    const Status status = read_directory(&zip, arena, err);
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
    const Status status = fetch(local, zip, entry->header, sizeof local, err);
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

Status zip_read_part(void *out, const Zip *zip, const ZipEntry *entry, uint64_t offset, size_t size,
                     Error *err)
{
    uint64_t begin = 0;
    if (entry->method != ZIP_STORED)
        return error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" is not stored as it is", zip->name,
                         entry->name);
    if (offset > entry->size || size > entry->size - offset)
        return error_set(err, STATUS_FORMAT, "%.150s: member \"%.100s\" ends before byte %llu", zip->name,
                         entry->name, (unsigned long long)(offset + size));
    const Status status = locate(&begin, zip, entry, err);
    return status != STATUS_OK ? status : fetch(out, zip, begin + offset, size, err);
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
        status = fetch(bytes, zip, begin, packed, err);
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
