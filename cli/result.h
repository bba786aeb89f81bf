/* cli/result.h - what a subcommand hands back on stdout: lines for people, or with --json one object and nothing
 * else.
 *
 *     {"program", "version", "subcommand", ...the subcommand's own members...,
 *      "files": [{"path", "bytes", "sha256"}], "seconds", "peak_bytes", "exit", "error": text or null}
 *
 * A subcommand says everything twice, once for each reader: result_line for people, members through ->json for
 * programs.  What is not wanted is not printed. */
#ifndef CLI_RESULT_H
#define CLI_RESULT_H

#include <stdbool.h>

#include "base/arena.h"
#include "io/json.h"

typedef struct {
    bool wants_json; /* --json */
    Arena arena;     /* its own: subcommands give back theirs to marks */
    Bytes text;      /* of the object */
    JsonWriter json; /* writes the object's members; the object is open from result_begin on */
    struct ResultFile *first_file, *last_file;
    bool failed;    /* no memory for a name */
    double started; /* seconds of seconds_now */
} Result;

/* *r must stay where it is; `memory` (may be NULL) accounts for its texts. */
void result_begin(Result *r, const char *subcommand, bool wants_json, ArenaAccount *memory);

/* Without --json: prints the line (give the \n). */
void result_line(const Result *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* A file was written: its name is a line, and with its size and hash a member of "files" (at the end, once). */
void result_file(Result *r, const char *path);

/* The same without a line. */
void result_file_quietly(Result *r, const char *path);

/* With --json: prints the object.  `peak` are the bytes of all arenas of the run, `code` the program's exit code,
 * `error` what went wrong or "".  Frees the texts.  STATUS_MEMORY when there was no room for them. */
MUST_CHECK Status result_end(Result *r, size_t peak, int code, const char *error);

#endif
