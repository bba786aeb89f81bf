#include "io/png.h"

#include <string.h>

#include "base/file.h"
#include "io/inflate.h"
#include "io/png_chunk.h"

const char *png_text(const PngText *texts, int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(texts[i].key, key) == 0)
            return texts[i].text;
    return NULL;
}

/* Well-formed UTF-8 (RFC 3629), ASCII included. */
static bool is_utf8(const unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size;) {
        const unsigned lead = p[i++];
        const int more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size - i < (size_t)more)
            return false;
        const unsigned second = more > 0 ? p[i] : 0x80;
        if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
            (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
            return false;
        for (int k = 0; k < more; k++)
            if ((p[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* A string of UTF-8 from `size` bytes of Latin-1 or, if they are that already, of UTF-8. */
static char *text_new(const unsigned char *p, size_t size, Arena *arena)
{
    if (is_utf8(p, size))
        return arena_text(arena, (const char *)p, size);
    char *text = arena_raw(arena, 2 * size + 1, 1);
    if (text == NULL)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (p[i] >= 128)
            text[n++] = (char)(unsigned char)(0xc0 | p[i] >> 6);
        text[n++] = (char)(unsigned char)(p[i] < 128 ? p[i] : 0x80 | (p[i] & 0x3f));
    }
    text[n] = '\0';
    return text;
}

/* The parts of a text chunk (specification, section 11.3.3); the value may be packed. */
typedef struct {
    const unsigned char *key, *value;
    size_t key_size, value_size;
    bool packed;
} TextChunk;

/* Moves *at behind the next zero byte and returns the size of what was before it; false without a zero. */
static bool field(size_t *size, const unsigned char **at, const unsigned char *end)
{
    const unsigned char *zero = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
    if (zero == NULL)
        return false;
    *size = (size_t)(zero - *at);
    *at = zero + 1;
    return true;
}

static Status chunk_split(TextChunk *out, const PngChunk *chunk, const char *name, Error *err)
{
    const unsigned char *at = chunk->data, *end = chunk->data + chunk->size;
    TextChunk text = {.key = at};
    size_t skipped = 0;
    bool good = field(&text.key_size, &at, end) && text.key_size >= 1 && text.key_size <= 79;
    if (good && chunk->type == PNG_ZTXT) { /* method */
        good = end - at >= 1 && at[0] == 0;
        text.packed = true;
        at += 1;
    } else if (good && chunk->type == PNG_ITXT) { /* packed?, method, language, translated key */
        good = end - at >= 2 && at[0] <= 1 && (at[0] == 0 || at[1] == 0);
        text.packed = good && at[0] == 1;
        at += 2;
        good = good && field(&skipped, &at, end) && field(&skipped, &at, end);
    }
    if (!good)
        return error_set(err, STATUS_FORMAT, "%s: a malformed text (chunk %s)", name, chunk->letters);
    text.value = at;
    text.value_size = (size_t)(end - at);
    *out = text;
    return STATUS_OK;
}

static Status text_read(PngText *out, const PngChunk *chunk, const char *name, Arena *arena, Error *err)
{
    TextChunk parts = {0};
    Status status = chunk_split(&parts, chunk, name, err);
    if (status != STATUS_OK)
        return status;
    Bytes unpacked = {0};
    if (parts.packed) {
        status = inflate_new(&unpacked, PNG_TEXT_MAX, parts.value, parts.value_size, INFLATE_ZLIB, name,
                             arena, err);
        if (status != STATUS_OK)
            return status;
        parts.value = unpacked.data;
        parts.value_size = unpacked.size;
    }
    if (parts.value_size > PNG_TEXT_MAX)
        return error_set(err, STATUS_FORMAT, "%s: a text of %zu bytes (at most %d)", name, parts.value_size,
                         (int)PNG_TEXT_MAX);
    const PngText text = {text_new(parts.key, parts.key_size, arena),
                          text_new(parts.value, parts.value_size, arena)};
    if (text.key == NULL || text.text == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for a text of %zu bytes", name,
                         parts.value_size);
    *out = text;
    return STATUS_OK;
}

static bool is_text(const PngChunk *chunk)
{
    return chunk->type == PNG_TEXT || chunk->type == PNG_ZTXT || chunk->type == PNG_ITXT;
}

/* One walk over the chunks: counts the texts, and stores the first `room` of them. */
static Status texts_walk(PngText *texts, int room, int *count, const void *data, size_t size,
                         const char *name, Arena *arena, Error *err)
{
    PngReader reader = {0};
    PngChunk chunk = {0};
    Status status = png_open(&reader, data, size, name, err);
    int found = 0;
    while (status == STATUS_OK && chunk.type != PNG_IEND) {
        status = png_next(&chunk, &reader, err);
        if (status != STATUS_OK || !is_text(&chunk))
            continue;
        if (found < room)
            status = text_read(&texts[found], &chunk, name, arena, err);
        found++;
    }
    *count = found;
    return status;
}

Status png_decode_texts(PngText **texts, int *count, const void *data, size_t size, const char *name,
                        Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    int found = 0;
    Status status = texts_walk(NULL, 0, &found, data, size, name, arena, err);
    if (status != STATUS_OK)
        return status;
    PngText *list = arena_alloc(arena, (size_t)found + 1, sizeof *list);
    if (list == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %d texts", name, found);
    status = texts_walk(list, found, &found, data, size, name, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    *texts = list;
    *count = found;
    return STATUS_OK;
}

Status png_read_texts(PngText **texts, int *count, const char *path, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Bytes file = {0};
    Status status = file_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = png_decode_texts(texts, count, file.data, file.size, path, arena, err);
    if (status != STATUS_OK)
        arena_release(arena, mark);
    return status;
}
