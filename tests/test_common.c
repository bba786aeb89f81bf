#include "cli/common.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/scratch.h"

static Arena arena;

static void named(const char *pattern, int i, int count, const char *want)
{
    const char *got = "";
    Error err = {0};
    if (!CHECK(output_name(&got, pattern, i, count, 42, &arena, &err) == STATUS_OK &&
               strcmp(got, want) == 0))
        printf("    \"%s\" %d of %d: got \"%s\", want \"%s\" %s\n", pattern, i, count, got, want, err.text);
}

static void test_names_of_pictures(void)
{
    named("x.png", 0, 1, "x.png");
    named("x.png", 0, 3, "x_1.png");
    named("x.png", 2, 3, "x_3.png");
    named("x.tar.png", 0, 2, "x.tar_1.png");
    named("x", 0, 1, "x");
    named("x", 1, 2, "x_2");
    named("a%d.png", 7, 9, "a7.png");
    named("a%d.png", 0, 1, "a0.png");
    named("%05d.png", 12, 99, "00012.png");
    named("50%_%03d.png", 5, 9, "50%_005.png");
    named("100%.png", 0, 1, "100%.png"); /* no number: an ordinary name */
    named("%s%n.png", 1, 2, "%s%n_2.png");
    named("%99999d.png", 0, 1, "%99999d.png");
}

static void test_folders(void)
{
    char folder[SCRATCH_PATH], text[SCRATCH_PATH + 40], want[SCRATCH_PATH + 40];
    struct stat about;
    scratch_path(folder, "out");
    CHECK(stat(folder, &about) != 0);
    snprintf(text, sizeof text, "%s/", folder); /* need not exist */
    snprintf(want, sizeof want, "%s/00003-42.png", folder);
    named(text, 3, 9, want);
    CHECK(stat(folder, &about) == 0 && S_ISDIR(about.st_mode));
    named(folder, 3, 9, want); /* exists now */
    snprintf(text, sizeof text, "%s/v1.5/x", folder);
    snprintf(want, sizeof want, "%s/v1.5/x_1", folder);
    named(text, 0, 2, want); /* the point belongs to the folder */
    snprintf(text, sizeof text, "%s/v1.5", folder);
    CHECK(stat(text, &about) == 0 && S_ISDIR(about.st_mode));
    CHECK(rmdir(text) == 0 && rmdir(folder) == 0);
}

static void test_refusals(void)
{
    static char longest[6000];
    char file[SCRATCH_PATH], text[SCRATCH_PATH + 40];
    const char *got = "old";
    Error err = {0};
    memset(longest, 'x', sizeof longest - 1);
    CHECK(output_name(&got, longest, 0, 1, 42, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "the name is too long");
    err = (Error){0};
    FILE *made = fopen(scratch_path(file, "file"), "wb");
    CHECK(made != NULL && fclose(made) == 0);
    snprintf(text, sizeof text, "%s/x.png", file);
    CHECK(output_name(&got, text, 0, 1, 42, &arena, &err) == STATUS_FILE);
    remove(file);
    Arena failing = {.fail_after = 1};
    err = (Error){0};
    CHECK(output_name(&got, "x.png", 0, 1, 42, &failing, &err) == STATUS_MEMORY);
    CHECK(strcmp(got, "old") == 0);
}

/* ---- where the shipped files are ---- */

static void test_shipped_folder(void)
{
    char folder[SCRATCH_PATH], inside[SCRATCH_PATH + 40];
    const char *found = NULL;
    Error err = {0};
    scratch_path(folder, "weights");
    snprintf(inside, sizeof inside, "%s/thing", folder);
    CHECK(mkdir(folder, 0777) == 0 && mkdir(inside, 0777) == 0);
    CHECK(setenv("LDM99_WEIGHTS", folder, 1) == 0);
    CHECK(shipped_folder(&found, "thing", &arena, &err) == STATUS_OK && strcmp(found, inside) == 0);
    CHECK(shipped_folder(&found, "nothing-like-it", &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "the shipped nothing-like-it is not found");
    CHECK(unsetenv("LDM99_WEIGHTS") == 0);
    err = (Error){0};
    CHECK(shipped_folder(&found, "thing", &arena, &err) == STATUS_FILE);
    CHECK(rmdir(inside) == 0 && rmdir(folder) == 0);
}

/* ---- how commands end ---- */

static void test_exit_codes(void)
{
    const struct {
        Status status;
        int code;
    } cases[] = {{STATUS_OK, 0},     {STATUS_ARGUMENT, 2},  {STATUS_FILE, 3},
                 {STATUS_FORMAT, 3}, {STATUS_DIFFERENT, 4}, {STATUS_NOT_FINITE, 5},
                 {STATUS_MEMORY, 1}, {STATUS_SHAPE, 1},     {STATUS_INTERRUPTED, 130}};
    char path[SCRATCH_PATH];
    fflush(stderr);
    const int kept = dup(2); /* the sentences are not for whoever reads this test's lines */
    CHECK(freopen(scratch_path(path, "stderr"), "w", stderr) != NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Command c = {.threads = 0};
        if (cases[i].status != STATUS_OK)
            error_set(&c.error, cases[i].status, "sentence %d", (int)cases[i].status);
        CHECK(command_end(&c) == cases[i].code);
    }
    fflush(stderr);
    CHECK(dup2(kept, 2) == 2 && close(kept) == 0);
    char text[400] = "";
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fread(text, 1, sizeof text - 1, file) > 0 && fclose(file) == 0);
    CHECK(strncmp(text, "ldm99: sentence ", 16) == 0);
    int lines = 0;
    for (const char *p = text; *p != '\0'; p++)
        lines += *p == '\n';
    CHECK(lines == 8);
    remove(path);
}

int main(void)
{
    test_names_of_pictures();
    test_folders();
    test_refusals();
    test_shipped_folder();
    test_exit_codes();
    arena_free(&arena);
    return check_report("common");
}
