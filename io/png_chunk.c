#include "io/png_chunk.h"

#include <string.h>

#include "io/crc32.h"

const unsigned char PNG_SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

Status png_open(PngReader *out, const void *data, size_t size, const char *name, Error *err)
{
    if (size < sizeof PNG_SIGNATURE || memcmp(data, PNG_SIGNATURE, sizeof PNG_SIGNATURE) != 0)
        return error_set(err, STATUS_FORMAT, "%s: is not a PNG file (first 8 bytes)", name);
    const unsigned char *p = data;
    *out = (PngReader){p + sizeof PNG_SIGNATURE, p + size, name};
    return STATUS_OK;
}

/* A chunk is its length, its type, its data, and the CRC-32 of type and data. */
Status png_next(PngChunk *out, PngReader *reader, Error *err)
{
    const unsigned char *p = reader->next;
    const size_t left = (size_t)(reader->end - p);
    if (left < 12)
        return error_set(err, STATUS_FORMAT, "%s: ends in the middle of the PNG file", reader->name);
    PngChunk chunk = {.type = be32_get(p + 4), .data = p + 8, .size = be32_get(p)};
    for (int i = 0; i < 4; i++) {
        const int letter = (p[4 + i] >= 'a' && p[4 + i] <= 'z') || (p[4 + i] >= 'A' && p[4 + i] <= 'Z');
        chunk.letters[i] = (char)(letter ? p[4 + i] : '?');
    }
    if (chunk.size > left - 12)
        return error_set(err, STATUS_FORMAT, "%s: chunk %s wants %zu bytes, but %zu are left", reader->name,
                         chunk.letters, chunk.size, left - 12);
    if (crc32_update(0, p + 4, chunk.size + 4) != be32_get(chunk.data + chunk.size))
        return error_set(err, STATUS_FORMAT, "%s: chunk %s is damaged (its CRC differs)", reader->name,
                         chunk.letters);
    reader->next = chunk.data + chunk.size + 4;
    *out = chunk;
    return STATUS_OK;
}

bool png_ancillary(const PngChunk *chunk)
{
    return (chunk->type & 0x20000000) != 0;
}

size_t png_begin_chunk(Bytes *out, uint32_t type)
{
    bytes_add_be32(out, 0); /* the length, known at the end */
    bytes_add_be32(out, type);
    return out->size;
}

void png_end_chunk(Bytes *out, size_t begun)
{
    if (out->failed)
        return;
    const size_t size = out->size - begun;
    be32_put(out->data + begun - 8, (uint32_t)size);
    bytes_add_be32(out, crc32_update(0, out->data + begun - 4, size + 4));
}

void png_add_chunk(Bytes *out, uint32_t type, const void *data, size_t size)
{
    const size_t begun = png_begin_chunk(out, type);
    bytes_add(out, data, size);
    png_end_chunk(out, begun);
}
