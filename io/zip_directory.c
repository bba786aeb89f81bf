#include "io/zip_directory.h"

#include <string.h>

#include "base/file.h"
#include "base/sort.h"
#include "io/inflate.h"
#include "io/zip_format.h"

/* The end record has up to 65535 bytes of comment behind it. */
enum { TAIL_MOST = ZIP_END_SIZE + 65535 + ZIP_LOCATOR_64_SIZE };

typedef struct {
    uint64_t offset, size, count; /* the directory: first byte, bytes, members */
    uint64_t limit;               /* where the first record behind it begins */
} Directory;

Status zip_fetch(void *out, const Zip *zip, uint64_t offset, size_t size, Error *err)
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
    const Status status = zip_fetch(end, zip, record, sizeof end, err);
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
    Status status = zip_fetch(tail, zip, zip->size - size, size, err);
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

static bool name_before(const void *context, size_t a, size_t b)
{
    const ZipEntry *entries = context;
    return strcmp(entries[a].name, entries[b].name) < 0;
}

static bool place_before(const void *context, size_t a, size_t b)
{
    const ZipEntry *entries = context;
    return entries[a].header < entries[b].header;
}

/* No two members share a byte or a name, and all lie before the directory. */
static Status check_members(Zip *zip, uint64_t directory, size_t *scratch, Error *err)
{
    uint64_t free_from = 0;
    sort_order(zip->by_name, scratch, zip->count, place_before, zip->entries);
    for (size_t i = 0; i < zip->count; i++) {
        const ZipEntry *e = &zip->entries[zip->by_name[i]];
        if (e->header < free_from || e->header > directory || directory - e->header < ZIP_LOCAL_SIZE ||
            directory - e->header - ZIP_LOCAL_SIZE < e->packed)
            return error_set(err, STATUS_FORMAT,
                             "%.150s: member \"%.100s\" lies over another or over the directory", zip->name,
                             e->name);
        free_from = e->header + ZIP_LOCAL_SIZE + e->packed;
    }
    sort_order(zip->by_name, scratch, zip->count, name_before, zip->entries);
    for (size_t i = 1; i < zip->count; i++)
        if (!name_before(zip->entries, zip->by_name[i - 1], zip->by_name[i]))
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
    return STATUS_OK;
}

Status zip_directory_read(Zip *zip, Arena *arena, Error *err)
{
    Directory directory = {0};
    const ArenaMark start = arena_mark(arena);
    Status status = find_directory(&directory, zip, arena, err);
    arena_release(arena, start);
    if (status != STATUS_OK)
        return status;
    if (directory.size >= SIZE_MAX / 4 || directory.count >= SIZE_MAX / sizeof(ZipEntry))
        return damaged(zip, "the directory is too large", err);
    const size_t count = (size_t)directory.count, size = (size_t)directory.size;
    zip->directory = directory.offset;
    zip->name = arena_text(arena, zip->name, strlen(zip->name));
    zip->entries = arena_raw(arena, count, sizeof *zip->entries);
    zip->by_name = arena_raw(arena, count, sizeof *zip->by_name);
    char *names = arena_raw(arena, size, 1); /* a name and its zero byte take less than their entry */
    const ArenaMark kept = arena_mark(arena);
    unsigned char *bytes = arena_raw(arena, size, 1);
    size_t *scratch = arena_raw(arena, count, sizeof *scratch);
    if (zip->name == NULL || zip->entries == NULL || zip->by_name == NULL || names == NULL ||
        bytes == NULL || scratch == NULL)
        return error_set(err, STATUS_MEMORY, "a zip archive's directory of %lu members: no memory",
                         (unsigned long)count);
    status = zip_fetch(bytes, zip, directory.offset, size, err);
    if (status == STATUS_OK)
        status = read_members(zip, &directory, bytes, names, err);
    if (status == STATUS_OK)
        status = check_members(zip, directory.offset, scratch, err);
    arena_release(arena, kept);
    return status;
}
