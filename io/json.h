/* io/json.h - JSON text to a tree of values, and back.
 *
 * The reader takes exactly RFC 8259 (UTF-8, a leading byte order mark is skipped), and refuses what that
 * document leaves open and two readers would understand differently: a name twice in one object, half a
 * surrogate pair, a number beyond binary64, more than JSON_DEPTH levels.  A tree takes at most 49 bytes of
 * memory for each byte of text.  Numbers are read and written by base/decimal.h: no locale, the nearest
 * binary64, the shortest text. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { JSON_DEPTH = 64 }; /* levels of arrays and objects */

typedef struct Json Json;

typedef enum {
    JSON_ABSENT,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_ARRAY,
    JSON_OBJECT
} JsonKind;

/* Reads `size` bytes of text; nothing but white space may follow the value.  `name` (of the file) begins the
 * error sentence, which tells line and column.  The tree lives in the arena; the text may go.
 * On failure *out is untouched. */
MUST_CHECK Status json_parse(const Json **out, const char *text, size_t size, const char *name,
                             Arena *arena, Error *err);

/* The same for a file. */
MUST_CHECK Status json_read(const Json **out, const char *path, Arena *arena, Error *err);

/* NULL stands for "absent" everywhere: json_int(json_get(config, "layers"), 2) needs no test between. */
JsonKind json_kind(const Json *value);

/* The value, or `otherwise` when it is of another kind.  json_int also gives `otherwise` for a number that is
 * not whole or does not fit; a text is valid UTF-8 and ends with a zero byte. */
double json_number(const Json *value, double otherwise);
int json_int(const Json *value, int otherwise);
bool json_bool(const Json *value, bool otherwise);
const char *json_text(const Json *value, const char *otherwise);

/* True and *out exact when the value is a whole number in [0, 2^64), written without fraction or exponent. */
bool json_uint64(uint64_t *out, const Json *value);

/* Bytes of a text, which may hold zero bytes; 0 for other kinds. */
size_t json_text_length(const Json *value);

/* The member of that name, or NULL when there is none or the value is no object.  Takes log(count) steps. */
const Json *json_get(const Json *object, const char *key);

/* Which member that is, as json_at counts; SIZE_MAX when there is none. */
size_t json_index(const Json *object, const char *key);

/* Children of an array or object in the order of the text; 0 and NULL for other kinds. */
size_t json_count(const Json *value);
const Json *json_at(const Json *value, size_t i);
const char *json_key(const Json *object, size_t i);
size_t json_key_length(const Json *object, size_t i);

/* Writes text onto `out` (which keeps a failure), indented by two spaces a level and ended by a newline.
 * Starts as {.out = bytes}; `key` is NULL inside arrays and for the outermost value.
 *
 *     JsonWriter w = {.out = &bytes};
 *     json_begin_object(&w, NULL);
 *     json_write_text(&w, "name", "ldm99");
 *     json_end(&w);                                                                                        */
typedef struct {
    Bytes *out;
    int depth;
    bool filled; /* the innermost array or object has a child already */
    bool is_array[JSON_DEPTH + 1];
} JsonWriter;

void json_begin_object(JsonWriter *w, const char *key);
void json_begin_array(JsonWriter *w, const char *key);
void json_end(JsonWriter *w); /* the innermost open array or object */
void json_write_text(JsonWriter *w, const char *key, const char *value);
void json_write_number(JsonWriter *w, const char *key, double value); /* null when it is not finite */
void json_write_int(JsonWriter *w, const char *key, int64_t value);
void json_write_uint64(JsonWriter *w, const char *key, uint64_t value);
void json_write_bool(JsonWriter *w, const char *key, bool value);
void json_write_null(JsonWriter *w, const char *key);
void json_write_value(JsonWriter *w, const char *key,
                      const Json *value); /* a whole tree; NULL writes null */

/* Adds `length` bytes between quotation marks, escaped where JSON needs it (bytes that are no UTF-8 become
 * U+FFFD); what json_write_text uses, for formats that lay out their JSON themselves. */
void json_add_quoted(Bytes *out, const char *text, size_t length);

#endif
