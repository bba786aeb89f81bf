#include "io/json_node.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "io/utf8.h"

/* Every value but the outermost follows a '[', '{' or ',': counting those gives room for all nodes at once.
 * Children wait in nodes[0, waiting) until their container closes; then they move, side by side, to the
 * front of the finished ones, nodes[finished, end). */
typedef struct {
    const char *name;
    Error *err;
    Status status;
    const unsigned char *start, *at, *end;
    Json *nodes;
    size_t waiting, finished;
    char *
        text; /* where the next decoded text goes; a text is never longer than its source with its quotes */
    size_t *order; /* scratch for sorting the names of one object */
    int depth;
} Parser;

static bool fail(Parser *p, const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(Parser *p, const char *format, ...)
{
    size_t line = 1, column = 1;
    for (const unsigned char *c = p->start; c < p->at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    char what[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    p->status = error_set(p->err, STATUS_FORMAT, "%.150s: line %lu, column %lu: %s", p->name,
                          (unsigned long)line, (unsigned long)column, what);
    return false;
}

/* The next byte, or -1 at the end. */
static int peek(const Parser *p)
{
    return p->at < p->end ? *p->at : -1;
}

static int skip_space(Parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
    return peek(p);
}

/* What an error says about the byte where the text went wrong. */
static bool unexpected(Parser *p, const char *wanted)
{
    const int c = peek(p);
    if (c < 0)
        return fail(p, "the text ends where %s should be", wanted);
    if (c > ' ' && c < 0x7f)
        return fail(p, "expected %s, got '%c'", wanted, c);
    return fail(p, "expected %s, got byte 0x%02x", wanted, (unsigned)c);
}

/* The four digits after "\u"; -1 when they are not four hexadecimal digits. */
static int32_t hex4(Parser *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const int c = peek(p);
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The code point of "\uXXXX" or of a surrogate pair; the backslash and the u are behind us. */
static bool unicode_escape(Parser *p)
{
    int32_t code = hex4(p);
    if (code < 0)
        return unexpected(p, "a hexadecimal digit after \\u");
    if (code >= 0xdc00 && code < 0xe000)
        return fail(p, "\\u%04x is the second half of a surrogate pair without the first", (unsigned)code);
    if (code >= 0xd800 && code < 0xdc00) {
        const int32_t high = code;
        const bool pair = p->end - p->at >= 2 && p->at[0] == '\\' && p->at[1] == 'u';
        p->at += pair ? 2 : 0;
        const int32_t low = pair ? hex4(p) : -1;
        if (low < 0xdc00 || low >= 0xe000)
            return fail(p, "\\u%04x is the first half of a surrogate pair without the second",
                        (unsigned)high);
        code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    p->text += utf8_write((unsigned char *)p->text, (uint32_t)code);
    return true;
}

static bool escape(Parser *p)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const int c = peek(p);
    if (c == 'u') {
        p->at++;
        return unicode_escape(p);
    }
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (found == NULL)
        return unexpected(p, "one of \" \\ / b f n r t u after a backslash");
    *p->text++ = bytes[found - names];
    p->at++;
    return true;
}

static bool parse_text(Parser *p, const char **out, uint32_t *length)
{
    char *first = p->text;
    for (p->at++;;) {
        const int c = peek(p);
        if (c < 0x20)
            return unexpected(p, c < 0 ? "the closing '\"'" : "an escape for a control character");
        if (c == '"')
            break;
        if (c == '\\') {
            p->at++;
            if (!escape(p))
                return false;
            continue;
        }
        uint32_t code;
        const int bytes = utf8_read(&code, p->at, (size_t)(p->end - p->at));
        if (bytes == 0)
            return fail(p, "byte 0x%02x is not UTF-8", (unsigned)c);
        memcpy(p->text, p->at, (size_t)bytes);
        p->text += bytes;
        p->at += bytes;
    }
    p->at++;
    *out = first;
    *length = (uint32_t)(p->text - first);
    *p->text++ = '\0';
    return true;
}

/* Passes over digits and says how many there were. */
static size_t digits(Parser *p)
{
    const unsigned char *first = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
        p->at++;
    return (size_t)(p->at - first);
}

/* True when the digits [first, end) are a number below 2^64. */
static bool whole_number(uint64_t *out, const unsigned char *first, const unsigned char *end)
{
    uint64_t value = 0;
    for (; first < end; first++) {
        const unsigned digit = (unsigned)(*first - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool parse_number(Parser *p, Json *out)
{
    const unsigned char *first = p->at;
    const bool minus = peek(p) == '-';
    p->at += minus;
    const unsigned char *magnitude = p->at;
    if (peek(p) == '0')
        p->at++;
    else if (digits(p) == 0)
        return unexpected(p, minus ? "a digit after '-'" : "a value");
    bool whole = true;
    if (peek(p) == '.') {
        whole = false;
        p->at++;
        if (digits(p) == 0)
            return unexpected(p, "a digit after '.'");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        whole = false;
        p->at++;
        p->at += peek(p) == '+' || peek(p) == '-';
        if (digits(p) == 0)
            return unexpected(p, "a digit in the exponent");
    }
    out->kind = JSON_NUMBER;
    out->minus = minus;
    out->whole = whole && whole_number(&out->value.magnitude, magnitude, p->at);
    if (out->whole)
        return true;
    const size_t length = (size_t)(p->at - first);
    size_t used = 0;
    double number = 0.0;
    if (!decimal_read(&number, (const char *)first, length, &used) || used != length ||
        fabs(number) > DBL_MAX) {
        p->at = first;
        return fail(p, "the number does not fit in binary64");
    }
    out->value.number = number;
    return true;
}

static bool parse_word(Parser *p, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0)
        return unexpected(p, "a value");
    p->at += length;
    return true;
}

static bool parse_value(Parser *p, Json *out);

static bool parse_member_name(Parser *p, Json *child)
{
    if (skip_space(p) != '"')
        return unexpected(p, "a name in quotation marks");
    if (!parse_text(p, &child->key, &child->key_length))
        return false;
    if (skip_space(p) != ':')
        return unexpected(p, "':'");
    p->at++;
    return true;
}

static bool parse_children(Parser *p, bool object)
{
    const int close = object ? '}' : ']';
    p->at++;
    if (skip_space(p) == close) {
        p->at++;
        return true;
    }
    for (;;) {
        Json child = {0};
        if ((object && !parse_member_name(p, &child)) || !parse_value(p, &child))
            return false;
        p->nodes[p->waiting++] = child;
        const int c = skip_space(p);
        if (c != ',' && c != close)
            return unexpected(p, object ? "',' or '}'" : "',' or ']'");
        p->at++;
        if (c == close)
            return true;
    }
}

static bool parse_container(Parser *p, Json *out, bool object)
{
    if (p->depth == JSON_DEPTH)
        return fail(p, "more than %d levels of arrays and objects", JSON_DEPTH);
    const size_t first = p->waiting;
    p->depth++;
    if (!parse_children(p, object))
        return false;
    p->depth--;
    const size_t count = p->waiting - first;
    p->waiting = first;
    p->finished -= count;
    Json *children = p->nodes + p->finished;
    memmove(children, p->nodes + first, count * sizeof *children);
    out->kind = object ? JSON_OBJECT : JSON_ARRAY;
    out->count = (uint32_t)count;
    out->value.children = children;
    const Json *twice = object ? json_sort_members(children, out->count, p->order) : NULL;
    return twice == NULL || fail(p, "the name \"%.80s\" is twice in the object that ends here", twice->key);
}

/* Fills everything of *out but its key. */
static bool parse_value(Parser *p, Json *out)
{
    switch (skip_space(p)) {
    case '{': return parse_container(p, out, true);
    case '[': return parse_container(p, out, false);
    case '"': out->kind = JSON_TEXT; return parse_text(p, &out->value.text, &out->count);
    case 't':
        out->kind = JSON_BOOL;
        out->value.truth = true;
        return parse_word(p, "true");
    case 'f': out->kind = JSON_BOOL; return parse_word(p, "false");
    case 'n': out->kind = JSON_NULL; return parse_word(p, "null");
    default: return parse_number(p, out);
    }
}

Status json_parse(const Json **out, const char *text, size_t size, const char *name, Arena *arena,
                  Error *err)
{
    if (size >= UINT32_MAX)
        return error_set(err, STATUS_FORMAT, "%.150s: JSON text of 4 GiB or more", name);
    const ArenaMark mark = arena_mark(arena);
    const unsigned char *bytes = (const unsigned char *)text;
    size_t room = 1;
    for (size_t i = 0; i < size; i++)
        room += text[i] == '[' || text[i] == '{' || text[i] == ',';
    Parser p = {
        .name = name, .err = err, .start = bytes, .at = bytes, .end = bytes + size, .finished = room};
    p.nodes = arena_raw(arena, room, sizeof *p.nodes);
    p.text = arena_raw(arena, size, 1);
    const ArenaMark kept = arena_mark(arena);
    p.order = arena_raw(arena, room, 2 * sizeof *p.order);
    if (p.nodes == NULL || p.text == NULL || p.order == NULL) {
        arena_release(arena, mark);
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for the values of the JSON text", name);
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        p.at += 3;
    Json root = {0};
    if (!parse_value(&p, &root) || (skip_space(&p) != -1 && !unexpected(&p, "the end of the text"))) {
        arena_release(arena, mark);
        return p.status;
    }
    p.nodes[--p.finished] = root;
    *out = p.nodes + p.finished;
    arena_release(arena, kept);
    return STATUS_OK;
}

Status json_read(const Json **out, const char *path, Arena *arena, Error *err)
{
    Bytes text = {0};
    const Status status = file_read(&text, path, arena, err);
    return status != STATUS_OK ? status
                               : json_parse(out, (const char *)text.data, text.size, path, arena, err);
}
