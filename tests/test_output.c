#include "io/output.h"

#include <sys/wait.h>

#include "base/file.h"
#include "tests/check.h"
#include "tests/scratch.h"

static void test_the_file_is_there_only_at_the_end(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "a.txt");
    Output out;
    Error err = {0};
    CHECK(output_open(&out, path, &err) == STATUS_OK);
    output_add(&out, "one ", 4);
    output_add(&out, NULL, 0);
    output_add(&out, "two", 3);
    CHECK(!file_exists(path) && file_exists(out.temporary) && out.size == 7);
    CHECK(output_close(&out, &err) == STATUS_OK && file_exists(path) && !file_exists(out.temporary));
    Arena arena = {0};
    Bytes text = {0};
    CHECK(file_read(&text, path, &arena, &err) == STATUS_OK && strcmp((char *)text.data, "one two") == 0);
    CHECK(output_open(&out, path, &err) == STATUS_OK);
    output_add(&out, "x", 1);
    output_drop(&out);
    CHECK(!file_exists(out.temporary));
    CHECK(file_read(&text, path, &arena, &err) == STATUS_OK && strcmp((char *)text.data, "one two") == 0);
    remove(path);
    arena_free(&arena);
}

static void test_failures(void)
{
    Output out;
    Error err = {0};
    CHECK(output_open(&out, "no/such/folder/a", &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "no/such/folder/a: cannot write (");
    static char longest[5000];
    memset(longest, 'a', sizeof longest - 1);
    err = (Error){0};
    CHECK(output_open(&out, longest, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "the name is too long");
}

/* A write that fails (no space) is told once, at the end, and nothing is left. */
static void test_a_failed_write(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "b.txt");
    Output out;
    Error err = {0};
    FILE *full = fopen("/dev/full", "wb");
    if (full == NULL) {
        printf("skipped: no /dev/full\n");
        return;
    }
    CHECK(output_open(&out, path, &err) == STATUS_OK);
    fclose(out.file);
    out.file = full;
    static unsigned char block[100000];
    output_add(&out, block, sizeof block);
    output_add(&out, block, sizeof block);
    CHECK(output_close(&out, &err) == STATUS_FILE && !file_exists(path) && !file_exists(out.temporary));
    CHECK_TEXT(err.text, "cannot write (");
}

/* Another program writes the same file in the meantime: both succeed, and what is there at the end is whole. */
static void test_two_programs(void)
{
    char path[SCRATCH_PATH];
    int status = -1;
    Arena arena = {0};
    Bytes text = {0};
    Output out;
    scratch_path(path, "c.txt");
    CHECK(output_open(&out, path, NULL) == STATUS_OK);
    output_add(&out, "ours, ", 6);
    fflush(NULL);
    const pid_t other = fork();
    if (other == 0)
        _exit(file_write(path, "all of theirs", 13, NULL) != STATUS_OK);
    CHECK(other > 0 && waitpid(other, &status, 0) == other && status == 0);
    CHECK(file_read(&text, path, &arena, NULL) == STATUS_OK &&
          strcmp((char *)text.data, "all of theirs") == 0);
    output_add(&out, "whole", 5);
    CHECK(output_close(&out, NULL) == STATUS_OK);
    CHECK(file_read(&text, path, &arena, NULL) == STATUS_OK &&
          strcmp((char *)text.data, "ours, whole") == 0);
    remove(path);
    arena_free(&arena);
}

int main(void)
{
    test_the_file_is_there_only_at_the_end();
    test_failures();
    test_two_programs();
    test_a_failed_write();
    return check_report("output");
}
