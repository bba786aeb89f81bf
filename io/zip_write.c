#include <string.h>

#include "io/crc32.h"
#include "io/deflate.h"
#include "io/zip.h"
#include "io/zip_format.h"

Status zip_create(ZipWriter *out, const char *path, Arena *arena, Error *err)
{
    *out = (ZipWriter){.arena = arena, .directory = {.arena = arena}};
    return output_open(&out->out, path, err);
}

/* A member's numbers; those that 32 bits cannot hold, or all, are in a zip64 field. */
typedef struct {
    uint64_t size, packed, header;
    uint32_t crc;
    int method;
    bool wide;
} Member;

static uint32_t narrow(uint64_t value, bool wide)
{
    return wide ? ZIP_MOST_32 : (uint32_t)value;
}

/* What the local and the directory header have alike: from "version needed" to the length of the extra field. */
static void add_common(Bytes *b, const Member *m, size_t name_length, size_t extra)
{
    bytes_add_le16(b, m->wide ? ZIP_VERSION_64 : ZIP_VERSION);
    bytes_add_le16(b, ZIP_UTF8);
    bytes_add_le16(b, (uint16_t)m->method);
    bytes_add_le16(b, 0);
    bytes_add_le16(b, ZIP_DATE);
    bytes_add_le32(b, m->crc);
    bytes_add_le32(b, narrow(m->packed, m->wide));
    bytes_add_le32(b, narrow(m->size, m->wide));
    bytes_add_le16(b, (uint16_t)name_length);
    bytes_add_le16(b, (uint16_t)extra);
}

static void add_extra(Bytes *b, const Member *m, size_t extra)
{
    if (extra == 0)
        return;
    bytes_add_le16(b, ZIP_EXTRA_64);
    bytes_add_le16(b, (uint16_t)(extra - 4));
    bytes_add_le64(b, m->size);
    bytes_add_le64(b, m->packed);
    if (extra > 20)
        bytes_add_le64(b, m->header);
}

static void add_local(Bytes *b, const Member *m, const char *name)
{
    const size_t length = strlen(name), extra = m->wide ? 20 : 0;
    bytes_add_le32(b, ZIP_LOCAL);
    add_common(b, m, length, extra);
    bytes_add(b, name, length);
    add_extra(b, m, extra);
}

enum { DIRECTORY_EXTRA = 28 };

static void add_to_directory(Bytes *b, const Member *m, const char *name)
{
    const size_t length = strlen(name), extra = m->wide ? DIRECTORY_EXTRA : 0;
    bytes_add_le32(b, ZIP_MEMBER);
    bytes_add_le16(b, 3 << 8 | (m->wide ? ZIP_VERSION_64 : ZIP_VERSION)); /* made by: Unix */
    add_common(b, m, length, extra);
    bytes_add_le16(b, 0);                       /* comment */
    bytes_add_le16(b, 0);                       /* volume */
    bytes_add_le16(b, 0);                       /* internal attributes */
    bytes_add_le32(b, (uint32_t)0100644 << 16); /* a plain file, rw-r--r-- */
    bytes_add_le32(b, narrow(m->header, m->wide));
    bytes_add(b, name, length);
    add_extra(b, m, extra);
}

/* Writes one member whose numbers, but for `packed` and `wide`, are known. */
static void write_member(ZipWriter *w, Member *m, const char *name, const void *data)
{
    Bytes packed = {.arena = w->arena}, local = {.arena = w->arena};
    if (m->method == ZIP_DEFLATED) {
        deflate_add(&packed, data, (size_t)m->size, DEFLATE_RAW);
        m->packed = packed.size;
    }
    m->wide =
        w->always_64 || m->size >= ZIP_MOST_32 || m->packed >= ZIP_MOST_32 || m->header >= ZIP_MOST_32;
    add_local(&local, m, name);
    if (packed.failed || local.failed) {
        error_set(&w->error, STATUS_MEMORY, "%.150s: no memory for member \"%.100s\"", w->out.path, name);
        return;
    }
    output_add(&w->out, local.data, local.size);
    output_add(&w->out, m->method == ZIP_DEFLATED ? packed.data : data, (size_t)m->packed);
}

void zip_add(ZipWriter *w, const char *name, const void *data, size_t size, int method)
{
    const size_t length = strlen(name), room = ZIP_MEMBER_SIZE + length + DIRECTORY_EXTRA;
    if (w->error.status != STATUS_OK)
        return;
    if (length == 0 || length > UINT16_MAX) {
        error_set(&w->error, STATUS_ARGUMENT, "%.150s: \"%.20s\" is no name for a member", w->out.path,
                  name);
        return;
    }
    if (bytes_extend(&w->directory, room) == NULL) { /* before the scratch that is given back */
        error_set(&w->error, STATUS_MEMORY, "%.150s: no memory for member \"%.100s\"", w->out.path, name);
        return;
    }
    w->directory.size -= room;
    const ArenaMark mark = arena_mark(w->arena);
    Member m = {.size = size, .packed = size, .header = w->out.size, .method = method};
    m.crc = crc32_update(0, data, size);
    write_member(w, &m, name, data);
    arena_release(w->arena, mark);
    add_to_directory(&w->directory, &m, name);
    w->count++;
}

static void add_end_64(Bytes *b, uint64_t count, uint64_t size, uint64_t offset)
{
    bytes_add_le32(b, ZIP_END_64);
    bytes_add_le64(b, ZIP_END_64_SIZE - 12);
    bytes_add_le16(b, 3 << 8 | ZIP_VERSION_64);
    bytes_add_le16(b, ZIP_VERSION_64);
    bytes_add_le32(b, 0);
    bytes_add_le32(b, 0);
    bytes_add_le64(b, count);
    bytes_add_le64(b, count);
    bytes_add_le64(b, size);
    bytes_add_le64(b, offset);
    bytes_add_le32(b, ZIP_LOCATOR_64);
    bytes_add_le32(b, 0);
    bytes_add_le64(b, offset + size);
    bytes_add_le32(b, 1);
}

static void add_end(Bytes *b, const ZipWriter *w)
{
    const uint64_t size = w->directory.size, offset = w->out.size;
    const bool wide =
        w->always_64 || w->count >= ZIP_MOST_16 || offset >= ZIP_MOST_32 || size >= ZIP_MOST_32;
    if (wide)
        add_end_64(b, w->count, size, offset);
    const uint16_t count = wide ? ZIP_MOST_16 : (uint16_t)w->count;
    bytes_add_le32(b, ZIP_END);
    bytes_add_le16(b, 0);
    bytes_add_le16(b, 0);
    bytes_add_le16(b, count);
    bytes_add_le16(b, count);
    bytes_add_le32(b, narrow(size, wide));
    bytes_add_le32(b, narrow(offset, wide));
    bytes_add_le16(b, 0);
}

Status zip_close(ZipWriter *w, Error *err)
{
    Bytes end = {.arena = w->arena};
    add_end(&end, w);
    if (end.failed || w->directory.failed)
        error_set(&w->error, STATUS_MEMORY, "%.150s: no memory for the directory", w->out.path);
    if (w->error.status != STATUS_OK) {
        output_drop(&w->out);
        return error_set(err, w->error.status, "%s", w->error.text);
    }
    output_add(&w->out, w->directory.data, w->directory.size);
    output_add(&w->out, end.data, end.size);
    return output_close(&w->out, err);
}
