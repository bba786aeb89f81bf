#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint16_t le16_get(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t le32_get(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t le64_get(const unsigned char *p)
{
    return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

void le16_put(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)(v & 255u);
    p[1] = (unsigned char)(v >> 8);
}

void le32_put(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i) & 255u);
}

void le64_put(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (8 * i) & 255u);
}

uint32_t be32_get(const unsigned char *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

void be32_put(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i) & 255u);
}

unsigned char *bytes_extend(Bytes *b, size_t size)
{
    if (b->failed || size > SIZE_MAX / 4 - b->size) {
        b->failed = true;
        return NULL;
    }
    if (b->data == NULL || b->size + size > b->room) {
        size_t room = b->room < 64 ? 128 : b->room * 2;
        room = room < b->size + size ? b->size + size : room;
        unsigned char *bigger = arena_raw(b->arena, room, 1);
        if (bigger == NULL) {
            b->failed = true;
            return NULL;
        }
        if (b->size > 0)
            memcpy(bigger, b->data, b->size);
        b->data = bigger;
        b->room = room;
    }
    b->size += size;
    return b->data + b->size - size;
}

void bytes_add(Bytes *b, const void *data, size_t size)
{
    unsigned char *place = bytes_extend(b, size);
    if (place != NULL && size > 0)
        memcpy(place, data, size);
}

void bytes_add_byte(Bytes *b, unsigned value)
{
    unsigned char *place = bytes_extend(b, 1);
    if (place != NULL)
        *place = (unsigned char)(value & 255u);
}

void bytes_add_text(Bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_add_format(Bytes *b, const char *format, ...)
{
    char text[1001];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes_add_text(b, text);
}

void bytes_add_le16(Bytes *b, uint16_t v)
{
    unsigned char *place = bytes_extend(b, 2);
    if (place != NULL)
        le16_put(place, v);
}

void bytes_add_le32(Bytes *b, uint32_t v)
{
    unsigned char *place = bytes_extend(b, 4);
    if (place != NULL)
        le32_put(place, v);
}

void bytes_add_le64(Bytes *b, uint64_t v)
{
    unsigned char *place = bytes_extend(b, 8);
    if (place != NULL)
        le64_put(place, v);
}

void bytes_add_be32(Bytes *b, uint32_t v)
{
    unsigned char *place = bytes_extend(b, 4);
    if (place != NULL)
        be32_put(place, v);
}
