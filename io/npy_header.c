#include "io/npy_header.h"

#include <stdio.h>
#include <string.h>

static const unsigned char MAGIC[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* numpy's names of the kinds: a letter and the bytes of one number. */
static const struct {
    char name[3];
    DType dtype;
} KINDS[] = {{"f2", F16}, {"f4", F32}, {"f8", F64}, {"i1", I8},  {"i2", I16}, {"i4", I32},
             {"i8", I64}, {"u1", U8},  {"u2", U16}, {"u4", U32}, {"u8", U64}, {"b1", BOOL}};

Status npy_header_find(size_t *begin, size_t *end, const unsigned char start[NPY_START], uint64_t total,
                       const char *name, Error *err)
{
    if (total < NPY_START || memcmp(start, MAGIC, sizeof MAGIC) != 0)
        return error_set(err, STATUS_FORMAT, "%.150s: not a .npy file (first bytes)", name);
    const unsigned version = start[6];
    if (version < 1 || version > 3)
        return error_set(err, STATUS_FORMAT, "%.150s: .npy version %u.%u is not known", name, version,
                         start[7]);
    const size_t first = version == 1 ? 10 : 12;
    const uint32_t size = version == 1 ? le16_get(start + 8) : le32_get(start + 8);
    if (size > total - first)
        return error_set(err, STATUS_FORMAT,
                         "%.150s: the .npy header would be %lu bytes, the file has %llu", name,
                         (unsigned long)size, (unsigned long long)total);
    *begin = first;
    *end = first + size;
    return STATUS_OK;
}

/* The text that is being read; `wrong` says what was expected where it went wrong. */
typedef struct {
    const char *at, *end;
    const char *wrong;
} Cursor;

static void skip_space(Cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

/* Passes over the character when it is the next one. */
static bool take(Cursor *c, char wanted)
{
    skip_space(c);
    const bool there = c->at < c->end && *c->at == wanted;
    c->at += there;
    return there;
}

static bool take_word(Cursor *c, const char *word)
{
    const size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

static bool expect(Cursor *c, char wanted, const char *what)
{
    if (take(c, wanted))
        return true;
    c->wrong = what;
    return false;
}

/* A text in single or double quotes, at most 15 characters, without escapes. */
static bool read_text(char out[16], Cursor *c)
{
    skip_space(c);
    const char quote = c->at < c->end ? *c->at : '\0';
    size_t length = 0;
    if (quote != '\'' && quote != '"')
        return false;
    for (c->at++; c->at < c->end && *c->at != quote; c->at++) {
        if (length == 15 || *c->at < ' ' || *c->at > '~' || *c->at == '\\')
            return false;
        out[length++] = *c->at;
    }
    out[length] = '\0';
    return take(c, quote);
}

static bool read_number(uint64_t *out, Cursor *c)
{
    skip_space(c);
    const char *first = c->at;
    uint64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        const unsigned digit = (unsigned)(*c->at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return c->at > first;
}

/* A tuple of whole numbers: (), (3,), (3, 4).  Python 2 wrote 3L. */
static bool read_shape(NpyArray *out, Cursor *c)
{
    if (!expect(c, '(', "a shape in parentheses"))
        return false;
    int rank = 0;
    while (!take(c, ')')) {
        if (rank == NPY_RANK) {
            c->wrong = "at most 8 axes";
            return false;
        }
        if (!read_number(&out->dim[rank], c)) {
            c->wrong = "a size";
            return false;
        }
        rank++;
        (void)take(c, 'L');
        const bool comma = take(c, ',');
        if (!comma && (rank == 1 || c->at == c->end || *c->at != ')')) {
            c->wrong = "',' after a size";
            return false;
        }
    }
    out->rank = rank;
    return true;
}

/* '<f4': byte order ('<' little, '>' big, '|' none, '=' never written), then the kind. */
static bool read_kind(NpyHeader *out, Cursor *c)
{
    char text[16];
    if (!read_text(text, c)) {
        c->wrong = "a plain kind of number ('descr' of a structured array is not read)";
        return false;
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (text[0] != '\0' && strcmp(text + 1, KINDS[i].name) == 0) {
            out->array.dtype = KINDS[i].dtype;
            out->big_endian = text[0] == '>';
            if (text[0] == '<' || text[0] == '>' || (text[0] == '|' && dtype_size(KINDS[i].dtype) == 1))
                return true;
        }
    c->wrong = "one of the kinds f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1";
    return false;
}

static bool read_truth(bool *out, Cursor *c)
{
    *out = take_word(c, "True");
    if (*out || take_word(c, "False"))
        return true;
    c->wrong = "True or False";
    return false;
}

/* One entry of the dictionary; `seen` has a bit for each name that was there. */
static bool read_entry(NpyHeader *out, unsigned *seen, Cursor *c)
{
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    char name[16];
    unsigned which = 0;
    if (!read_text(name, c)) {
        c->wrong = "a name in quotation marks";
        return false;
    }
    while (which < 3 && strcmp(name, names[which]) != 0)
        which++;
    if (which == 3 || (*seen >> which & 1) != 0) {
        c->wrong = "'descr', 'fortran_order' and 'shape', each once";
        return false;
    }
    *seen |= 1u << which;
    if (!expect(c, ':', "':' after a name"))
        return false;
    return which == 0   ? read_kind(out, c)
           : which == 1 ? read_truth(&out->columns_first, c)
                        : read_shape(&out->array, c);
}

static bool read_dictionary(NpyHeader *out, Cursor *c)
{
    unsigned seen = 0;
    if (!expect(c, '{', "'{'"))
        return false;
    while (!take(c, '}')) {
        if (!read_entry(out, &seen, c))
            return false;
        const bool comma = take(c, ',');
        if (!comma && (c->at == c->end || *c->at != '}')) {
            c->wrong = "',' or '}'";
            return false;
        }
    }
    skip_space(c);
    if (seen != 7)
        c->wrong = "'descr', 'fortran_order' and 'shape', each once";
    else if (c->at != c->end)
        c->wrong = "nothing after the dictionary";
    return c->wrong == NULL;
}

Status npy_header_parse(NpyHeader *out, const char *text, size_t size, const char *name, Error *err)
{
    NpyHeader header = {.columns_first = false};
    Cursor c = {text, text + size, NULL};
    if (!read_dictionary(&header, &c))
        return error_set(err, STATUS_FORMAT, "%.150s: .npy header, character %lu: expected %s", name,
                         (unsigned long)(c.at - text) + 1, c.wrong);
    *out = header;
    return STATUS_OK;
}

Status npy_header_add(Bytes *out, const NpyArray *array, const char *name, Error *err)
{
    size_t kind = 0;
    while (kind < sizeof KINDS / sizeof KINDS[0] && KINDS[kind].dtype != array->dtype)
        kind++;
    if (kind == sizeof KINDS / sizeof KINDS[0])
        return error_set(err, STATUS_ARGUMENT, "%.150s: a .npy file cannot hold %s", name,
                         dtype_name(array->dtype));
    char text[400]; /* at most 8 axes of 20 digits */
    int length = snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                          dtype_size(array->dtype) == 1 ? '|' : '<', KINDS[kind].name);
    for (int i = 0; i < array->rank; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%llu", i == 0 ? "" : ", ",
                           (unsigned long long)array->dim[i]);
    length += snprintf(text + length, sizeof text - (size_t)length, "%s), }", array->rank == 1 ? "," : "");
    const size_t start =
        10; /* bytes before the dictionary; the numbers behind it are aligned to 64 bytes */
    const size_t end = (start + (size_t)length + 1 + 63) / 64 * 64;
    bytes_add(out, MAGIC, sizeof MAGIC);
    bytes_add(out, (unsigned char[]){1, 0}, 2);
    bytes_add_le16(out, (uint16_t)(end - start));
    bytes_add(out, text, (size_t)length);
    for (size_t i = start + (size_t)length; i < end - 1; i++)
        bytes_add_byte(out, ' ');
    bytes_add_byte(out, '\n');
    return STATUS_OK;
}
