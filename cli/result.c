#include "cli/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "io/sha256.h"

typedef struct ResultFile {
    struct ResultFile *next;
    const char *path;
} ResultFile;

void result_begin(Result *r, const char *subcommand, bool wants_json, ArenaAccount *memory)
{
    *r = (Result){.wants_json = wants_json, .started = seconds_now()};
    r->arena.account = memory;
    r->text.arena = &r->arena;
    r->json.out = &r->text;
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "program", "ldm99");
    json_write_text(&r->json, "version", LDM99_VERSION);
    json_write_text(&r->json, "subcommand", subcommand);
}

void result_line(const Result *r, const char *format, ...)
{
    va_list arguments;
    if (r->wants_json)
        return;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

void result_file_quietly(Result *r, const char *path)
{
    for (const ResultFile *f = r->first_file; f != NULL; f = f->next)
        if (strcmp(f->path, path) == 0)
            return;
    ResultFile *file = arena_alloc(&r->arena, 1, sizeof *file);
    const char *name = arena_text(&r->arena, path, strlen(path));
    if (file == NULL || name == NULL) {
        r->failed = true;
        return;
    }
    file->path = name;
    if (r->last_file != NULL)
        r->last_file->next = file;
    else
        r->first_file = file;
    r->last_file = file;
}

void result_file(Result *r, const char *path)
{
    result_line(r, "%s\n", path);
    result_file_quietly(r, path);
}

static void write_file(JsonWriter *w, const char *path)
{
    char hash[65];
    uint64_t size = 0;
    json_begin_object(w, NULL);
    json_write_text(w, "path", path);
    if (file_size(&size, path, NULL) == STATUS_OK && sha256_file(hash, path, NULL) == STATUS_OK) {
        json_write_uint64(w, "bytes", size);
        json_write_text(w, "sha256", hash);
    }
    json_end(w);
}

static void write_end(Result *r, size_t peak, int code, const char *error)
{
    JsonWriter *w = &r->json;
    const double seconds = seconds_now() - r->started;
    while (w->depth > 1) /* a failure may have left a list open */
        json_end(w);
    json_begin_array(w, "files");
    for (const ResultFile *f = r->first_file; f != NULL; f = f->next)
        write_file(w, f->path);
    json_end(w);
    json_write_number(w, "seconds", (double)(long)(seconds * 1000.0 + 0.5) / 1000.0);
    json_write_uint64(w, "peak_bytes", peak);
    json_write_int(w, "exit", code);
    if (error[0] != '\0')
        json_write_text(w, "error", error);
    else
        json_write_null(w, "error");
    json_end(w);
}

Status result_end(Result *r, size_t peak, int code, const char *error)
{
    Status status = STATUS_OK;
    if (r->wants_json) {
        write_end(r, peak, code, error);
        if (r->text.failed || r->failed)
            status = STATUS_MEMORY;
        else
            fwrite(r->text.data, 1, r->text.size, stdout);
    }
    arena_free(&r->arena);
    return status;
}
