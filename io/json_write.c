#include <math.h>
#include <float.h>
#include <string.h>

#include "base/decimal.h"
#include "io/json_node.h"
#include "io/utf8.h"

void json_add_quoted(Bytes *out, const char *text, size_t length)
{
    static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    bytes_add_byte(out, '"');
    for (size_t i = 0; i < length;) {
        uint32_t code;
        const int size = utf8_read(&code, text + i, length - i);
        const char *named = size == 1 && code != 0 ? strchr(bytes, (int)code) : NULL;
        if (size == 0)
            bytes_add_text(out, "\xef\xbf\xbd");
        else if (named != NULL)
            bytes_add(out, (char[]){'\\', names[named - bytes]}, 2);
        else if (code < 0x20)
            bytes_add_format(out, "\\u%04x", (unsigned)code);
        else
            bytes_add(out, text + i, (size_t)size);
        i += size == 0 ? 1 : (size_t)size;
    }
    bytes_add_byte(out, '"');
}

static void new_line(JsonWriter *w)
{
    bytes_add_byte(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        bytes_add_text(w->out, "  ");
}

/* What stands before every value: the comma, the line, the name. */
static void begin_value(JsonWriter *w, const char *key, size_t key_length)
{
    if (w->filled)
        bytes_add_byte(w->out, ',');
    if (w->depth > 0)
        new_line(w);
    if (key != NULL) {
        json_add_quoted(w->out, key, key_length);
        bytes_add_text(w->out, ": ");
    }
    w->filled = true;
}

static void end_value(JsonWriter *w)
{
    if (w->depth == 0)
        bytes_add_byte(w->out, '\n');
}

static size_t length_of(const char *key)
{
    return key != NULL ? strlen(key) : 0;
}

static void begin_container(JsonWriter *w, const char *key, size_t key_length, bool is_array)
{
    begin_value(w, key, key_length);
    if (w->depth == JSON_DEPTH) { /* nobody could read it back */
        w->out->failed = true;
        return;
    }
    bytes_add_byte(w->out, is_array ? '[' : '{');
    w->is_array[w->depth++] = is_array;
    w->filled = false;
}

void json_begin_object(JsonWriter *w, const char *key)
{
    begin_container(w, key, length_of(key), false);
}

void json_begin_array(JsonWriter *w, const char *key)
{
    begin_container(w, key, length_of(key), true);
}

void json_end(JsonWriter *w)
{
    if (w->depth == 0)
        return;
    w->depth--;
    if (w->filled)
        new_line(w);
    bytes_add_byte(w->out, w->is_array[w->depth] ? ']' : '}');
    w->filled = true;
    end_value(w);
}

static void write_plain(JsonWriter *w, const char *key, size_t key_length, const char *text)
{
    begin_value(w, key, key_length);
    bytes_add_text(w->out, text);
    end_value(w);
}

static void write_text(JsonWriter *w, const char *key, size_t key_length, const char *value, size_t length)
{
    begin_value(w, key, key_length);
    json_add_quoted(w->out, value, length);
    end_value(w);
}

static void write_number(JsonWriter *w, const char *key, size_t key_length, double value)
{
    char text[32] = "null";
    if (fabs(value) <= DBL_MAX)
        decimal_write(text, value);
    write_plain(w, key, key_length, text);
}

static void write_magnitude(JsonWriter *w, const char *key, size_t key_length, bool minus,
                            uint64_t magnitude)
{
    char text[32];
    char *first = text + sizeof text - 1;
    *first = '\0';
    do {
        *--first = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude != 0);
    if (minus)
        *--first = '-';
    write_plain(w, key, key_length, first);
}

void json_write_text(JsonWriter *w, const char *key, const char *value)
{
    write_text(w, key, length_of(key), value, strlen(value));
}

void json_write_number(JsonWriter *w, const char *key, double value)
{
    write_number(w, key, length_of(key), value);
}

void json_write_int(JsonWriter *w, const char *key, int64_t value)
{
    const uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    write_magnitude(w, key, length_of(key), value < 0, magnitude);
}

void json_write_uint64(JsonWriter *w, const char *key, uint64_t value)
{
    write_magnitude(w, key, length_of(key), false, value);
}

void json_write_bool(JsonWriter *w, const char *key, bool value)
{
    write_plain(w, key, length_of(key), value ? "true" : "false");
}

void json_write_null(JsonWriter *w, const char *key)
{
    write_plain(w, key, length_of(key), "null");
}

/* The recursion is no deeper than JSON_DEPTH: the reader made the tree. */
static void write_value(JsonWriter *w, const char *key, size_t key_length, const Json *value)
{
    switch (json_kind(value)) {
    case JSON_BOOL: write_plain(w, key, key_length, value->value.truth ? "true" : "false"); break;
    case JSON_TEXT: write_text(w, key, key_length, value->value.text, value->count); break;
    case JSON_NUMBER:
        if (value->whole)
            write_magnitude(w, key, key_length, value->minus, value->value.magnitude);
        else
            write_number(w, key, key_length, value->value.number);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        begin_container(w, key, key_length, value->kind == JSON_ARRAY);
        for (uint32_t i = 0; i < value->count && !w->out->failed; i++) {
            const Json *child = &value->value.children[i];
            write_value(w, child->key, child->key_length, child);
        }
        json_end(w);
        break;
    default: write_plain(w, key, key_length, "null"); break;
    }
}

void json_write_value(JsonWriter *w, const char *key, const Json *value)
{
    write_value(w, key, length_of(key), value);
}
