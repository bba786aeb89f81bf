#include "io/inflate.h"

#include <string.h>

#include "io/adler32.h"
#include "io/crc32.h"
#include "io/inflate_raw.h"

/* What is around a stream is read by functions that move *at forward and return NULL, or what is wrong. */
static const char CUT_SHORT[] = "the stream is cut short";

/* RFC 1950, section 2.2: method 8 with a window of at most 32 KiB, a multiple of 31, no preset
 * dictionary. */
static const char *zlib_header(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *p = *at;
    if (end - p < 2)
        return CUT_SHORT;
    if ((p[0] & 15) != 8 || p[0] >> 4 > 7 || (p[0] << 8 | p[1]) % 31 != 0)
        return "not a zlib stream";
    if (p[1] & 32)
        return "a zlib stream with a preset dictionary";
    *at = p + 2;
    return NULL;
}

/* RFC 1952, section 2.3: ten bytes, then what the flags name: extra field, name, comment, header check. */
static const char *gzip_header(const unsigned char **at, const unsigned char *end)
{
    enum { HEADER_CHECK = 2, EXTRA = 4, NAME = 8, COMMENT = 16, UNKNOWN = 0xe0 };
    const unsigned char *p = *at;
    if (end - p < 10)
        return CUT_SHORT;
    if (p[0] != 31 || p[1] != 139 || p[2] != 8 || p[3] & UNKNOWN)
        return "not a gzip file";
    const int flags = p[3];
    p += 10;
    if (flags & EXTRA) {
        if (end - p < 2 || end - p - 2 < le16_get(p))
            return CUT_SHORT;
        p += 2 + le16_get(p);
    }
    for (int texts = (flags & NAME ? 1 : 0) + (flags & COMMENT ? 1 : 0); texts > 0; texts--) {
        p = memchr(p, 0, (size_t)(end - p));
        if (p == NULL)
            return CUT_SHORT;
        p++;
    }
    if (flags & HEADER_CHECK) {
        if (end - p < 2)
            return CUT_SHORT;
        p += 2;
    }
    *at = p;
    return NULL;
}

static const char *header(const unsigned char **at, const unsigned char *end, InflateWrap wrap)
{
    return wrap == INFLATE_RAW ? NULL : wrap == INFLATE_ZLIB ? zlib_header(at, end) : gzip_header(at, end);
}

/* `out` NULL: the bytes were only counted, there is nothing to sum up. */
static const char *trailer(const unsigned char **at, const unsigned char *end, InflateWrap wrap,
                           const unsigned char *out, size_t size)
{
    const int length = wrap == INFLATE_RAW ? 0 : wrap == INFLATE_ZLIB ? 4 : 8;
    const unsigned char *p = *at;
    if (end - p < length)
        return CUT_SHORT;
    if (out != NULL && wrap == INFLATE_ZLIB && adler32_update(1, out, size) != be32_get(p))
        return "the check sum (Adler-32) differs";
    if (out != NULL && wrap == INFLATE_GZIP &&
        (crc32_update(0, out, size) != le32_get(p) || (uint32_t)(size & 0xffffffff) != le32_get(p + 4)))
        return "the check sum (CRC-32) or the size differs";
    *at = p + length;
    return NULL;
}

Status inflate_into(unsigned char *out, size_t room, size_t *unpacked, const void *data, size_t size,
                    size_t *used, InflateWrap wrap, const char *name, Error *err)
{
    const unsigned char *start = size > 0 ? data : (const void *)"", *at = start, *end = start + size;
    size_t count = 0, taken = 0;
    const char *wrong = header(&at, end, wrap);
    if (wrong == NULL) {
        wrong = inflate_raw(out, room, &count, at, (size_t)(end - at), &taken);
        at += taken;
    }
    if (wrong == NULL)
        wrong = trailer(&at, end, wrap, out, count);
    if (wrong != NULL)
        return error_set(err, STATUS_FORMAT, "%s: bad packed data near byte %zu of %zu: %s", name,
                         (size_t)(at - start), size, wrong);
    if (unpacked != NULL)
        *unpacked = count;
    if (used != NULL)
        *used = (size_t)(at - start);
    return STATUS_OK;
}

Status inflate_new(Bytes *out, size_t limit, const void *data, size_t size, InflateWrap wrap,
                   const char *name, Arena *arena, Error *err)
{
    size_t count = 0;
    Status status = inflate_into(NULL, limit, &count, data, size, NULL, wrap, name, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(arena);
    unsigned char *room = arena_raw(arena, count + 1, 1);
    if (room == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory to unpack %zu bytes", name, count);
    status = inflate_into(room, count, NULL, data, size, NULL, wrap, name, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    room[count] = '\0'; /* so that text formats may look one byte ahead */
    *out = (Bytes){.arena = arena, .data = room, .size = count, .room = count + 1};
    return STATUS_OK;
}
