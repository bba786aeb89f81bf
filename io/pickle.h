/* io/pickle.h - Python's pickle as a tree of values, without executing anything.
 *
 * A pickle is a program for a small stack machine that may name any Python function (GLOBAL) and call it (REDUCE).
 * Here only the opcodes that saved tensors need are known, and of globals only those of a fixed list; a call is
 * written down as a value (PICKLE_CALL) and never made.  Any other opcode or global is refused by name.
 * Source: Python's Lib/pickletools.py (protocols 0 to 5); docs/formats/pickle.md lists what is read. */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef enum {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_TEXT,
    PICKLE_OTHER, /* floats and bytes, which no tensor's name or shape needs */
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_GLOBAL,    /* text: "torch.FloatStorage" */
    PICKLE_CALL,      /* text: what would be called, items: with what */
    PICKLE_PERSISTENT /* items: those of the tuple by which the file names a storage */
} PickleKind;

typedef struct PickleValue {
    PickleKind kind;
    int64_t number;            /* BOOL, INT */
    const char *text;          /* TEXT, GLOBAL, CALL: ended by a zero byte */
    struct PickleValue **item; /* DICT: key, value, key, value ... */
    size_t count, room;
} PickleValue;

enum {
    PICKLE_MOST = 1 << 24
}; /* bytes of a pickle that is read: that of a large checkpoint has two million */

/* Reads one pickle; what follows its STOP is not looked at.  The tree may share branches and even contain itself.
 * `name` begins the error sentence.  On failure *out is untouched. */
MUST_CHECK Status pickle_read(const PickleValue **out, const void *data, size_t size, const char *name,
                              Arena *arena, Error *err);

/* The value of that key (the last one that was set); NULL when there is none or `dict` is no dictionary. */
const PickleValue *pickle_get(const PickleValue *dict, const char *key);

#endif
