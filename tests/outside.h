/* tests/outside.h - the built program from outside, in a folder of the test's own. */
#ifndef TESTS_OUTSIDE_H
#define TESTS_OUTSIDE_H

#include <stdlib.h>
#include <sys/wait.h>

#include "base/file.h"
#include "io/json.h"
#include "tests/check.h"
#include "tests/scratch.h"

typedef struct {
    char program[SCRATCH_PATH], folder[SCRATCH_PATH];
    int code;
    const char *out; /* in the arena */
    char err[4000];
    Arena arena;
    const Json *json; /* of out, or NULL */
} Outside;

static inline void outside_slurp(char *text, size_t room, const char *folder, const char *name)
{
    char path[SCRATCH_PATH + 20];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    const size_t n = file != NULL ? fread(text, 1, room - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL)
        fclose(file);
}

/* Runs the program with the shell's words `arguments` in the folder; returns its exit code. */
static inline int outside_run(Outside *o, const char *arguments)
{
    char line[3 * SCRATCH_PATH];
    snprintf(line, sizeof line, "cd '%.900s' && '%.900s' %.1000s >stdout 2>stderr", o->folder, o->program,
             arguments);
    const int status = system(line);
    o->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    Bytes out = {0};
    snprintf(line, sizeof line, "%.900s/stdout", o->folder);
    o->out = file_read(&out, line, &o->arena, NULL) == STATUS_OK ? (const char *)out.data : "";
    outside_slurp(o->err, sizeof o->err, o->folder, "stderr");
    return o->code;
}

/* The same for `code`; the words must say nothing but one JSON object on stdout. */
static inline const Json *outside_json(Outside *o, const char *arguments, int code)
{
    Error err = {0};
    o->json = NULL;
    if (!CHECK(outside_run(o, arguments) == code))
        printf("    ldm99 %s: exit %d, want %d\n    %s", arguments, o->code, code, o->err);
    const Status status = json_parse(&o->json, o->out, strlen(o->out), "stdout", &o->arena, &err);
    if (!CHECK(status == STATUS_OK && json_kind(o->json) == JSON_OBJECT))
        printf("    ldm99 %s: %s\n", arguments, err.text);
    CHECK(json_int(json_get(o->json, "exit"), -1) == code);
    CHECK((json_kind(json_get(o->json, "error")) == JSON_NULL) == (code == 0));
    CHECK(json_kind(json_get(o->json, "files")) == JSON_ARRAY);
    CHECK(json_number(json_get(o->json, "seconds"), -1.0) >= 0.0);
    CHECK(json_number(json_get(o->json, "peak_bytes"), -1.0) > 0.0);
    return o->json;
}

/* Ends with that code and says one sentence on stderr, with `part` in it. */
static inline void outside_fails(Outside *o, const char *arguments, int code, const char *part)
{
    if (!CHECK(outside_run(o, arguments) == code))
        printf("    ldm99 %s: exit %d, want %d\n", arguments, o->code, code);
    const size_t length = strlen(o->err);
    CHECK_TEXT(o->err, part);
    CHECK(strncmp(o->err, "ldm99: ", 7) == 0 && strchr(o->err, '\n') == o->err + length - 1);
}

static inline const char *outside_path(const Outside *o, const char *name)
{
    static char path[2 * SCRATCH_PATH];
    snprintf(path, sizeof path, "%s/%s", o->folder, name);
    return path;
}

static inline bool outside_has(const Outside *o, const char *name)
{
    return access(outside_path(o, name), F_OK) == 0;
}

static inline void outside_write(const Outside *o, const char *name, const char *text)
{
    CHECK(file_write(outside_path(o, name), text, strlen(text), NULL) == STATUS_OK);
}

/* A line of the shell in the folder succeeds. */
static inline bool outside_shell(const Outside *o, const char *line)
{
    char text[2 * SCRATCH_PATH];
    snprintf(text, sizeof text, "cd '%.900s' && (%.1000s) >stdout 2>stderr", o->folder, line);
    return system(text) == 0;
}

/* The program is $LDM99_PROGRAM, or what was built with this test.  False, with a line, when it does not run. */
static inline bool outside_begin(Outside *o, const char *self, const char *name)
{
    const char *set = getenv("LDM99_PROGRAM"), *slash = strrchr(self, '/');
    char here[400] = "", path[500];
    if (set != NULL)
        snprintf(path, sizeof path, "%.400s", set);
    else
        snprintf(path, sizeof path, "%.*s/../ldm99", slash != NULL ? (int)(slash - self) : 1,
                 slash != NULL ? self : ".");
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return false;
    snprintf(o->program, sizeof o->program, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
    scratch_path(o->folder, name);
    CHECK(folder_make(o->folder, NULL) == STATUS_OK);
    if (outside_run(o, "--version") == 0)
        return true;
    printf("skipped: the program does not run here\n");
    return false;
}

static inline void outside_end(Outside *o)
{
    char line[SCRATCH_PATH + 40];
    snprintf(line, sizeof line, "rm -r '%s'", o->folder);
    CHECK(system(line) == 0);
    arena_free(&o->arena);
}

#endif
