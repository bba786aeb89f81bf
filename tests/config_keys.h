/* tests/config_keys.h - every key of a configuration does something, is kept for writing, or is refused by name.
 *
 * A class has a table with a row for each key that it knows.  The base configuration with the row's value in the place of
 * its own is read, a network made, its parameters set to numbers that depend on their names alone, and run:
 *
 *   CHANGES   names, shapes or the result are different from the base's
 *   KEPT      they are the same (nothing to compute), and what is written differs
 *   SAME      another spelling of the base: nothing differs
 *   REFUSED   the sentence names the key */
#ifndef TESTS_CONFIG_KEYS_H
#define TESTS_CONFIG_KEYS_H

#include "io/sha256.h"
#include "tests/net_check.h"

typedef enum { CHANGES, KEPT, SAME, REFUSED } KeyVerdict;

typedef struct {
    const char *key, *value; /* JSON */
    KeyVerdict verdict;
    const char *also; /* more keys that the value needs beside it, or NULL; the base's of these names go */
} KeyRow;

/* What a class makes of a configuration: adds the result and the written configuration to the two hashes. */
typedef struct {
    const char *const (*base)[2]; /* key and value, ended by NULL */
    Status (*run)(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err);
    const KeyRow *rows;
    size_t count;
} KeyTable;

/* Parameters from their names, their names and shapes into the hash. */
static inline void set_by_name(Weights *w, Sha256 *hash)
{
    for (Parameter *p = w->first; p != NULL; p = p->next) {
        uint64_t state = 0xcbf29ce484222325u;
        char shape[64];
        for (const char *c = p->name; *c != '\0'; c++)
            state = (state ^ (unsigned char)*c) * 0x100000001b3u;
        const float around = strstr(p->name, "norm") != NULL ? 1.0f : 0.0f;
        for (size_t i = 0; i < tensor_count(p->tensor); i++)
            p->tensor->data[i] = around + 0.25f * any_float(&state);
        tensor_shape_text(p->tensor, shape);
        sha256_add(hash, p->name, strlen(p->name));
        sha256_add(hash, shape, strlen(shape));
    }
}

/* Hashes of the result and of what is written. */
typedef struct {
    Status status;
    char result[65], written[65];
    Error err;
} KeyRun;

static inline bool key_among(const char *key, const KeyRow *row)
{
    char quoted[100];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    return row != NULL &&
           (strcmp(key, row->key) == 0 || (row->also != NULL && strstr(row->also, quoted) != NULL));
}

static inline KeyRun run_keys(const KeyTable *t, const KeyRow *row)
{
    Arena arena = {0};
    Bytes text = {.arena = &arena}, written = {.arena = &arena};
    KeyRun out = {.status = STATUS_OK};
    Sha256 hash = sha256_begin();
    bytes_add_text(&text, "{\"_note\": 0");
    for (int i = 0; t->base[i][0] != NULL; i++)
        if (!key_among(t->base[i][0], row))
            bytes_add_format(&text, ", \"%s\": %s", t->base[i][0], t->base[i][1]);
    if (row != NULL)
        bytes_add_format(&text, ", \"%s\": %s", row->key, row->value);
    if (row != NULL && row->also != NULL)
        bytes_add_format(&text, ", %s", row->also);
    bytes_add_text(&text, "}");
    bytes_add_byte(&text, 0);
    out.status = t->run(&hash, &written, json_of(&arena, (const char *)text.data), &arena, &out.err);
    sha256_end_hex(out.result, &hash);
    sha256_hex(out.written, written.data, written.size);
    arena_free(&arena);
    return out;
}

static inline void check_row(const KeyTable *t, const KeyRow *row, const KeyRun *base)
{
    const KeyRun got = run_keys(t, row);
    char quoted[100];
    const bool same = strcmp(got.result, base->result) == 0,
               same_file = strcmp(got.written, base->written) == 0;
    bool good = got.status == STATUS_OK;
    snprintf(quoted, sizeof quoted, "\"%s\"", row->key);
    switch (row->verdict) {
    case CHANGES: good = good && !same && !same_file; break;
    case KEPT: good = good && same && !same_file; break;
    case SAME: good = good && same && same_file; break;
    case REFUSED: good = got.status == STATUS_FORMAT && strstr(got.err.text, quoted) != NULL; break;
    }
    if (!CHECK(good))
        printf("    %s: %s: status %d, \"%s\", result %s, file %s\n", row->key, row->value, (int)got.status,
               got.err.text, same ? "same" : "other", same_file ? "same" : "other");
}

static inline void check_keys(const KeyTable *t)
{
    const KeyRun base = run_keys(t, NULL);
    if (!CHECK(base.status == STATUS_OK)) {
        printf("    %s\n", base.err.text);
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        check_row(t, &t->rows[i], &base);
    for (int i = 0; t->base[i][0] != NULL; i++) { /* no key of the base without a row */
        bool found = t->base[i][0][0] == '_';
        for (size_t k = 0; k < t->count; k++)
            found = found || strcmp(t->rows[k].key, t->base[i][0]) == 0;
        if (!CHECK(found))
            printf("    %s has no row\n", t->base[i][0]);
    }
    const KeyRow unknown = {"some_new_setting", "1", REFUSED, NULL},
                 hidden = {"_some_note", "1", SAME, NULL},
                 unset = {"another_new_setting", "null", SAME, NULL};
    check_row(t, &unknown, &base);
    check_row(t, &hidden, &base);
    check_row(t, &unset, &base);
}

/* Adds a result, or fails with the tape's error. */
static inline Status hash_result(Sha256 *hash, const Tape *tape, const Tensor *y, Error *err)
{
    if (y == NULL)
        return error_set(err, tape->error.status, "%s", tape->error.text);
    hash_numbers(hash, y->data, tensor_count(y));
    return STATUS_OK;
}

#endif
