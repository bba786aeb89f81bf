/* io/json_node.h - how a JSON value lies in memory; for json*.c alone, all others use io/json.h. */
#ifndef IO_JSON_NODE_H
#define IO_JSON_NODE_H

#include "io/json.h"

struct Json {
    const char *key; /* inside an object, else NULL */
    uint32_t key_length;
    uint32_t count;  /* children, or bytes of the text */
    uint32_t sorted; /* in member i of an object: the index of the i-th member in order of names */
    unsigned char kind;
    bool whole, minus; /* JSON_NUMBER: an integer in value.magnitude, its sign; else value.number */
    union {
        const Json *children;
        const char *text;
        double number;
        uint64_t magnitude;
        bool truth;
    } value;
};

/* Fills the `sorted` fields of an object's members; scratch has room for 2 * count numbers.  Returns a member
 * whose name is there twice, or NULL. */
const Json *json_sort_members(Json *members, uint32_t count, size_t *scratch);

#endif
