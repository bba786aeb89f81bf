#include "cli/common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/contract.h"
#include "base/file.h"
#include "base/threads.h"
#include "io/utf8.h"

static volatile sig_atomic_t asked_to_stop;

static void on_interrupt(int signal_number)
{
    if (asked_to_stop)
        _Exit(EXIT_INTERRUPTED);
    asked_to_stop = 1;
    signal(signal_number, on_interrupt); /* C lets a system forget it once it has been called */
}

bool interrupted(void)
{
    return asked_to_stop != 0;
}

void interrupts_watch(void)
{
    static const int SIGNALS[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) /* one that is ignored (nohup, a shell's background) stays so */
        if (signal(SIGNALS[i], SIG_IGN) != SIG_IGN)
            signal(SIGNALS[i], on_interrupt);
}

/* Fills the table of common options; the rows point into *c. */
static void common_table(Command *c, Option table[7])
{
    const Option rows[] = {
        {OPTION_INT, "threads", 't', NULL, &c->threads, 0, 1024, NULL,
         "threads; 0 is one a processor; never changes a bit"},
        {OPTION_FLAG, "quiet", 'q', NULL, &c->quiet, 0, 0, NULL, "no progress on stderr"},
        {OPTION_FLAG, "json", 0, NULL, &c->json, 0, 0, NULL, "results on stdout as one JSON object"},
        {OPTION_TEXT, "config", 0, NULL, &c->config, 0, 0, "FILE",
         "read options from this JSON file first; the command line wins"},
        {OPTION_FLAG, "print-config", 0, NULL, &c->print_config, 0, 0, NULL,
         "print all options as JSON, as --config reads them, and stop"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

static void print_bytes(const Bytes *b)
{
    if (!b->failed && b->size > 0)
        fwrite(b->data, 1, b->size, stdout);
}

bool command_begin(Command *c, const Options *about, const Option *own, int argc, char **argv)
{
    c->arena.account = &c->memory;
    Option *common = arena_alloc(&c->arena, 7, sizeof *common);
    if (common == NULL) {
        error_set(&c->error, STATUS_MEMORY, "no memory to start");
        return false;
    }
    common_table(c, common);
    c->options = *about;
    c->options.tables[0] = own;
    int last = 1;
    while (c->options.tables[last] != NULL) /* a second table of the command's own */
        last++;
    c->options.tables[last] = common;
    const char *config = options_look_up(&c->options, argc, argv, "config");
    if (config != NULL && options_read_config(&c->options, config, &c->arena, &c->error) != STATUS_OK)
        return false;
    const char *picture = options_look_up(&c->options, argc, argv, "from-png");
    if (picture != NULL && about->from_png != NULL &&
        about->from_png(&c->options, picture, &c->arena, &c->error) != STATUS_OK)
        return false;
    const char *preset = options_look_up(&c->options, argc, argv, "preset");
    if (preset != NULL && options_apply_preset(&c->options, preset, &c->error) != STATUS_OK)
        return false;
    if (options_parse(&c->options, argc, argv, &c->error) != STATUS_OK)
        return false;
    if (c->options.help || c->print_config) {
        Bytes text = {.arena = &c->arena};
        if (c->options.help)
            options_help(&c->options, &text);
        else
            options_write_config(&c->options, &text);
        print_bytes(&text);
        return false;
    }
    result_begin(&c->result, c->options.command, c->json, &c->memory);
    threads_set(c->threads);
    return contract_check_threads(&c->error) == STATUS_OK;
}

int exit_code(Status status)
{
    switch (status) {
    case STATUS_OK: return EXIT_DONE;
    case STATUS_ARGUMENT: return EXIT_USAGE;
    case STATUS_FILE:
    case STATUS_FORMAT: return EXIT_FILE;
    case STATUS_DIFFERENT: return EXIT_DIFFERENT;
    case STATUS_NOT_FINITE: return EXIT_NOT_FINITE;
    case STATUS_INTERRUPTED: return EXIT_INTERRUPTED;
    case STATUS_MEMORY:
    case STATUS_SHAPE: break;
    }
    return EXIT_FAILED;
}

int command_end(Command *c)
{
    if (result_end(&c->result, c->memory.peak, exit_code(c->error.status), c->error.text) != STATUS_OK)
        error_set(&c->error, STATUS_MEMORY, "no memory for the result");
    if ((fflush(stdout) != 0 || ferror(stdout)) && c->error.status == STATUS_OK)
        error_set(&c->error, STATUS_FILE, "standard output: cannot write");
    if (c->error.status != STATUS_OK)
        fprintf(stderr, "ldm99: %s\n", c->error.text);
    const int code = exit_code(c->error.status);
    arena_free(&c->arena);
    return code;
}

void report_memory(const Command *c)
{
    if (!c->quiet)
        fprintf(stderr, "peak memory %.1f MiB\n", (double)c->memory.peak / 1048576.0);
}

Status typed_text_check(const char *text, const char *command, const char *what, Error *err)
{
    const size_t size = strlen(text);
    uint32_t code;
    int length;
    for (size_t at = 0; at < size; at += (size_t)length) {
        length = utf8_read(&code, text + at, size - at);
        if (length == 0)
            return error_set(err, STATUS_ARGUMENT, "%s: %s is not UTF-8: byte 0x%02x at position %zu",
                             command, what, (unsigned)(unsigned char)text[at], at);
    }
    return STATUS_OK;
}

/* ---- places ---- */

#ifndef LDM99_PREFIX
#define LDM99_PREFIX "/usr/local"
#endif

/* The folder of the running program, from the system's link to it where there is one. */
static const char *program_folder(char text[4096])
{
#ifdef _WIN32
    const int length = 0;
#else
    const ssize_t length = readlink("/proc/self/exe", text, 4000);
#endif
    text[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    return text;
}

Status shipped_folder(const char **out, const char *name, Arena *arena, Error *err)
{
    char program[4096], candidate[5][4600];
    const char *set = getenv("LDM99_WEIGHTS");
    program_folder(program);
    int count = 0;
    if (set != NULL && set[0] != '\0')
        snprintf(candidate[count++], sizeof candidate[0], "%.4000s/%s", set, name);
    if (program[0] != '\0') {
        snprintf(candidate[count++], sizeof candidate[0], "%s/../weights/%s", program, name);
        snprintf(candidate[count++], sizeof candidate[0], "%s/../../weights/%s", program, name);
        snprintf(candidate[count++], sizeof candidate[0], "%s/../share/ldm99/%s", program, name);
    }
    snprintf(candidate[count++], sizeof candidate[0], "%s/share/ldm99/%s", LDM99_PREFIX, name);
    for (int i = 0; i < count; i++) {
        struct stat about;
        if (stat(candidate[i], &about) == 0 && S_ISDIR(about.st_mode)) {
            const char *found = arena_text(arena, candidate[i], strlen(candidate[i]));
            if (found == NULL)
                return error_set(err, STATUS_MEMORY, "no memory for a file name");
            *out = found;
            return STATUS_OK;
        }
    }
    return error_set(
        err, STATUS_FILE,
        "the shipped %s is not found beside the program, in $LDM99_WEIGHTS, or in %s/share/ldm99", name,
        LDM99_PREFIX);
}

/* The one %d or %0Nd of a pattern; NULL when there is none. */
static const char *number_place(const char *pattern, int *width, size_t *length)
{
    for (const char *p = pattern; (p = strchr(p, '%')) != NULL; p++) {
        size_t n = 1;
        *width = 0;
        while (p[n] >= '0' && p[n] <= '9' && *width < 100)
            *width = *width * 10 + (p[n++] - '0');
        *length = n + 1;
        if (p[n] == 'd' && *width < 100)
            return p;
    }
    return NULL;
}

Status output_name(const char **out, const char *pattern, int i, int count, uint64_t seed, Arena *arena,
                   Error *err)
{
    char text[4600];
    int width = 0, n = 0;
    size_t length = 0;
    struct stat about;
    const size_t size = strlen(pattern);
    const char *number = number_place(pattern, &width, &length);
    const char *slash = strrchr(pattern, '/'), *dot = strrchr(pattern, '.');
    if (number != NULL)
        n = snprintf(text, sizeof text, "%.*s%0*d%s", (int)(number - pattern), pattern,
                     width > 0 ? width : 1, i, number + length);
    else if ((size > 0 && pattern[size - 1] == '/') ||
             (stat(pattern, &about) == 0 && S_ISDIR(about.st_mode)))
        n = snprintf(text, sizeof text, "%s%s%05d-%llu.png", pattern, pattern[size - 1] == '/' ? "" : "/",
                     i, (unsigned long long)seed);
    else if (count == 1)
        n = snprintf(text, sizeof text, "%s", pattern);
    else if (dot == NULL || (slash != NULL && dot < slash))
        n = snprintf(text, sizeof text, "%s_%d", pattern, i + 1);
    else
        n = snprintf(text, sizeof text, "%.*s_%d%s", (int)(dot - pattern), pattern, i + 1, dot);
    if (n < 0 || (size_t)n >= sizeof text)
        return error_set(err, STATUS_ARGUMENT, "%.100s...: the name is too long", pattern);
    slash = strrchr(text, '/');
    if (slash != NULL && slash != text && size > 0) {
        char folder[4600];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - text), text);
        const Status status = folder_make(folder, err);
        if (status != STATUS_OK)
            return status;
    }
    const char *name = arena_text(arena, text, (size_t)n);
    if (name == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a file name");
    *out = name;
    return STATUS_OK;
}
