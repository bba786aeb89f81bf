#include "cli/dump.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/decimal.h"
#include "base/file.h"
#include "base/sum.h"
#include "cli/glob.h"
#include "io/npy.h"
#include "io/sha256.h"

enum { BUCKETS = 4096, NAME = 480 };

typedef struct DumpName {
    struct DumpName *next;
    const char *name;
    int times;
} DumpName;

void dump_table(Dump *d, Option table[DUMP_OPTIONS])
{
    const Option rows[DUMP_OPTIONS] = {
        {OPTION_TEXT, "dump", 0, NULL, &d->folder, 0, 0, "DIR",
         "write the run's intermediates into this folder, as .npy with index.json"},
        {OPTION_TEXT, "dump-match", 0, NULL, &d->match, 0, 0, "GLOB",
         "only stages of such names ('*' and '?'); also attention probabilities"},
        {OPTION_TEXT, "trace", 0, NULL, &d->trace, 0, 0, "FILE",
         "write a line for each intermediate: name, shape, min, max, mean, SHA-256"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

/* The pattern is for the whole name, or for what stands behind the scope. */
static bool asked(const Dump *d, const char *name)
{
    const size_t n = strlen(d->scope);
    const bool scoped = n > 0 && strncmp(name, d->scope, n) == 0 && name[n] == '.';
    return glob_match(d->match, name) || (scoped && glob_match(d->match, name + n + 1));
}

static void no_memory(Dump *d)
{
    error_set(&d->error, STATUS_MEMORY, "no memory for the dump");
}

static void with_scope(char text[NAME], const Dump *d, const char *name)
{
    snprintf(text, NAME, "%s%s%s", d->scope, d->scope[0] != '\0' ? "." : "", name);
}

/* How often the name came, now included. */
static int count_name(Dump *d, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *p = name; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    DumpName **place = &d->names[hash % BUCKETS];
    while (*place != NULL && strcmp((*place)->name, name) != 0)
        place = &(*place)->next;
    if (*place == NULL) {
        DumpName *made = arena_alloc(&d->arena, 1, sizeof *made);
        const char *copy = arena_text(&d->arena, name, strlen(name));
        if (made == NULL || copy == NULL) {
            no_memory(d);
            return 1;
        }
        made->name = copy;
        *place = made;
    }
    return ++(*place)->times;
}

/* NAME.npy with nothing in it that a file system may refuse. */
static void file_name(char text[NAME], const char *name, uint64_t order)
{
    size_t n = 0;
    if (strlen(name) > 200) {
        snprintf(text, NAME, "%08llu.npy", (unsigned long long)order);
        return;
    }
    for (; name[n] != '\0'; n++) {
        const char c = name[n];
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           c == '.' || c == '_' || c == '-' || c == '@';
        text[n] = plain ? c : '_';
    }
    snprintf(text + n, NAME - n, ".npy");
}

/* The numbers with one NaN, and their hash. */
static const float *canonical(Dump *d, char hash[65], const float *x, size_t n)
{
    float *copy = arena_raw(&d->scratch, n, sizeof *copy);
    if (copy == NULL) {
        no_memory(d);
        return NULL;
    }
    Sha256 sha = sha256_begin();
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[4];
        const uint32_t bits = x[i] == x[i] ? float_bits(x[i]) : 0x7fc00000u;
        memcpy(&copy[i], &bits, sizeof bits);
        le32_put(bytes, bits);
        sha256_add(&sha, bytes, sizeof bytes);
    }
    sha256_end_hex(hash, &sha);
    return copy;
}

static void write_array(Dump *d, const char *file, const float *x, int rank, const int *dim)
{
    NpyArray array = {.dtype = F32, .rank = rank, .data = (void *)(size_t)x}; /* only read */
    const char *path = path_join(&d->scratch, d->folder, file);
    for (int i = 0; i < rank; i++)
        array.dim[i] = (uint64_t)dim[i];
    if (path == NULL)
        no_memory(d);
    else if (npy_write(path, &array, &d->scratch, &d->error) != STATUS_OK)
        return; /* the error stays */
}

static void write_entry(Dump *d, const char *name, const char *file, int rank, const int *dim,
                        const char *hash)
{
    JsonWriter *w = &d->json;
    json_begin_object(w, NULL);
    json_write_uint64(w, "order", d->order);
    json_write_text(w, "name", name);
    if (d->folder != NULL)
        json_write_text(w, "file", file);
    json_write_text(w, "dtype", "F32");
    json_begin_array(w, "shape");
    for (int i = 0; i < rank; i++)
        json_write_int(w, NULL, dim[i]);
    json_end(w);
    json_write_text(w, "sha256", hash);
    json_end(w);
}

/* Least and greatest of what is a number; the mean is of all. */
static void add_line(Dump *d, const char *name, const float *x, size_t n, int rank, const int *dim,
                     const char *hash)
{
    char low_text[DECIMAL_LONGEST], high_text[DECIMAL_LONGEST], mean_text[DECIMAL_LONGEST];
    float low = n > 0 ? x[0] : 0.0f, high = low;
    for (size_t i = 0; i < n; i++) {
        low = x[i] < low || low != low ? x[i] : low;
        high = x[i] > high || high != high ? x[i] : high;
    }
    decimal_write_f32(low_text, low);
    decimal_write_f32(high_text, high);
    decimal_write(mean_text, n > 0 ? sum8(x, n) / (double)n : 0.0);
    bytes_add_format(&d->lines, "%s (", name);
    for (int i = 0; i < rank; i++)
        bytes_add_format(&d->lines, i > 0 ? ",%d" : "%d", dim[i]);
    bytes_add_format(&d->lines, ") min %s max %s mean %s sha256 %s\n", low_text, high_text, mean_text,
                     hash);
}

void dump_show(Dump *d, const char *name, const float *data, int rank, const int *dim)
{
    char full[NAME], file[NAME], hash[65];
    size_t n = 1;
    with_scope(full, d, name);
    const size_t length = strlen(name);
    const bool is_map = length > 14 && strcmp(name + length - 14, ".probabilities") == 0;
    if (d->error.status != STATUS_OK || (d->match != NULL ? !asked(d, full) : is_map))
        return;
    const int times = count_name(d, full);
    if (times > 1)
        snprintf(full + strlen(full), NAME - strlen(full), "@%d", times);
    for (int i = 0; i < rank; i++)
        n *= (size_t)dim[i];
    const ArenaMark mark = arena_mark(&d->scratch);
    const float *x = canonical(d, hash, data, n);
    file_name(file, full, d->order);
    if (x != NULL && d->folder != NULL)
        write_array(d, file, x, rank, dim);
    if (x != NULL && d->trace != NULL)
        add_line(d, full, x, n, rank, dim, hash);
    write_entry(d, full, file, rank, dim, hash);
    d->order++;
    arena_release(&d->scratch, mark);
}

static void observe(void *context, const char *name, const Tensor *x)
{
    dump_show(context, name, x->data, x->rank, x->dim);
}

/* Maps cost time and much memory: only by name. */
static bool wants(void *context, const char *name)
{
    const Dump *d = context;
    char full[NAME];
    with_scope(full, d, name);
    return d->match != NULL && asked(d, full);
}

Status dump_begin(const TapeWatch **watch, Dump *d, Command *c, Error *err)
{
    *watch = NULL;
    if (d->folder == NULL && d->trace == NULL) {
        if (d->match == NULL)
            return STATUS_OK;
        return error_set(err, STATUS_ARGUMENT, "%s: --dump-match needs --dump or --trace",
                         c->options.command);
    }
    d->arena.account = d->scratch.account = &c->memory;
    d->names = arena_alloc(&d->arena, BUCKETS, sizeof(DumpName *));
    if (d->names == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the dump");
    const Status status = d->folder != NULL ? folder_make(d->folder, err) : STATUS_OK;
    d->result = &c->result;
    d->index.arena = d->lines.arena = &d->arena;
    d->json.out = &d->index;
    json_begin_object(&d->json, NULL);
    json_write_text(&d->json, "program", "ldm99");
    json_write_text(&d->json, "version", LDM99_VERSION);
    json_write_text(&d->json, "subcommand", c->options.command);
    json_begin_array(&d->json, "tensors");
    d->watch = (TapeWatch){.observe = observe, .wants = wants, .observer = d};
    *watch = &d->watch;
    return status;
}

void dump_scope(Dump *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(d->scope, sizeof d->scope, format, arguments);
    va_end(arguments);
}

static Status write_all(Dump *d, const char *path, const Bytes *bytes, Error *err)
{
    if (path == NULL || bytes->failed)
        return error_set(err, STATUS_MEMORY, "no memory for the dump");
    const Status status = file_write(path, bytes->data, bytes->size, err);
    if (status == STATUS_OK)
        result_file_quietly(d->result, path);
    return status;
}

Status dump_end(Dump *d, Error *err)
{
    Status status = STATUS_OK;
    if (d->watch.observe != NULL) {
        json_end(&d->json);
        json_end(&d->json);
        if (d->error.status != STATUS_OK)
            status = error_set(err, d->error.status, "%s", d->error.text);
        if (d->folder != NULL && status == STATUS_OK)
            status = write_all(d, path_join(&d->arena, d->folder, "index.json"), &d->index, err);
        if (d->trace != NULL && status == STATUS_OK)
            status = write_all(d, d->trace, &d->lines, err);
        json_write_uint64(&d->result->json, "stages_recorded", d->order);
        if (status == STATUS_OK && d->match != NULL && d->order == 0)
            status = error_set(
                err, STATUS_ARGUMENT,
                "--dump-match \"%.120s\" is the name of no stage of this run; --trace FILE without "
                "it lists all but the attention maps, which are named ....probabilities",
                d->match);
    }
    arena_free(&d->scratch);
    arena_free(&d->arena);
    return status;
}
