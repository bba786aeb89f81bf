/* tests/failures.h - a whole pipeline in which every allocation fails once.
 *
 * All arenas of a run share one account, so that allocation n = 1, 2, 3 ... of the run can fail, whichever arena it
 * is in; those after it succeed again, so that a failure which was overlooked shows. */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"
#include "io/sha256.h"
#include "tests/check.h"
#include "tests/scratch.h"

typedef struct {
    ArenaAccount account;
    Arena arena, scratch;
    char folder[SCRATCH_PATH]; /* for what the run writes; empty when it starts */
    Sha256 bits;               /* of what the run came to */
} Flow;

typedef struct {
    const char *name;
    Status (*run)(Flow *flow, Error *err);
    const char *
        whole; /* the file in the folder that says that all is there; or NULL: a failed run leaves no file */
} Pipeline;

/* Calls `see` for every file below the folder, deepest first; folders come after what is in them. */
static inline void walk(const char *folder, void (*see)(void *context, const char *path), void *context)
{
    DIR *list = opendir(folder);
    char path[SCRATCH_PATH];
    for (const struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
        struct stat about;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%.700s/%.250s", folder, e->d_name);
        if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode))
            walk(path, see, context);
        see(context, path);
    }
    if (list != NULL)
        closedir(list);
}

static inline void remove_it(void *context, const char *path)
{
    (void)context;
    CHECK(remove(path) == 0);
}

typedef struct {
    int files, unfinished;
} Left;

static inline void count_it(void *context, const char *path)
{
    Left *left = context;
    struct stat about;
    left->files += stat(path, &about) == 0 && S_ISREG(about.st_mode);
    left->unfinished += strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".tmp") == 0;
}

/* Files that this process has open; 0 where the system does not tell. */
static inline int open_files(void)
{
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    while (list != NULL && readdir(list) != NULL)
        count++;
    if (list != NULL)
        closedir(list);
    return count;
}

/* One run in an empty folder with allocation `fail_at` failing; the hash of what it came to. */
static inline Status run_once(const Pipeline *p, size_t fail_at, size_t *calls, char hash[65], Left *left,
                              Error *err)
{
    Flow flow = {.account = {.fail_at = fail_at}, .bits = sha256_begin()};
    flow.arena.account = flow.scratch.account = &flow.account;
    scratch_path(flow.folder, "failures");
    CHECK(folder_make(flow.folder, NULL) == STATUS_OK);
    const Status status = p->run(&flow, err);
    sha256_end_hex(hash, &flow.bits);
    *calls = flow.account.calls;
    arena_free(&flow.arena);
    arena_free(&flow.scratch);
    CHECK(flow.account.touched == 0);
    *left = (Left){0};
    walk(flow.folder, count_it, left);
    if (p->whole != NULL) {
        char path[2 * SCRATCH_PATH];
        snprintf(path, sizeof path, "%s/%s", flow.folder, p->whole);
        left->files = file_exists(path);
    }
    walk(flow.folder, remove_it, NULL);
    CHECK(remove(flow.folder) == 0);
    return status;
}

/* Every one of the first 200 allocations, every 7th up to 2000, then every 31st.  Returns how many runs failed. */
static inline size_t check_pipeline(const Pipeline *p)
{
    char want[65], hash[65];
    size_t calls = 0, ignored = 0, runs = 0;
    Left left;
    Error err = {0};
    if (!CHECK(run_once(p, 0, &calls, want, &left, &err) == STATUS_OK && left.unfinished == 0)) {
        printf("    %s: %s\n", p->name, err.text);
        return 0;
    }
    const int open = open_files();
    for (size_t n = 1; n <= calls; n += n < 200 ? 1 : n < 2000 ? 7 : 31) {
        err = (Error){0};
        const Status status = run_once(p, n, &ignored, hash, &left, &err);
        const bool good = status == STATUS_MEMORY && err.status == STATUS_MEMORY && err.text[0] != '\0' &&
                          strchr(err.text, '\n') == NULL && left.files == 0 && left.unfinished == 0;
        if (!good && check_failed < 20)
            printf("    %s: allocation %zu of %zu: status %d, \"%s\", %d files, %d unfinished\n", p->name,
                   n, calls, (int)status, err.text, left.files, left.unfinished);
        CHECK(good);
        runs++;
    }
    CHECK(open_files() == open);
    CHECK(run_once(p, 0, &ignored, hash, &left, NULL) == STATUS_OK && strcmp(hash, want) == 0);
    return runs;
}

#endif
