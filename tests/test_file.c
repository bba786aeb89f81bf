#include "base/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/scratch.h"

static void test_written_is_read(void)
{
    char path[SCRATCH_PATH], temporary[4096];
    scratch_path(path, "file.bin");
    CHECK(file_temporary(temporary, path) && strncmp(temporary, path, strlen(path)) == 0);
    const unsigned char data[] = {0, 1, 255, '\n', '\r', 26, 0};
    Arena arena = {0};
    Error err = {0};
    Bytes all = {0};
    CHECK(file_write(path, data, sizeof data, &err) == STATUS_OK && !file_exists(temporary));
    CHECK(file_read(&all, path, &arena, &err) == STATUS_OK && all.size == sizeof data);
    CHECK(memcmp(all.data, data, sizeof data) == 0 && all.data[all.size] == 0);
    uint64_t size = 0;
    CHECK(file_size(&size, path, &err) == STATUS_OK && size == sizeof data);
    unsigned char part[4] = {0};
    CHECK(file_read_part(part, path, 2, 4, &err) == STATUS_OK && memcmp(part, data + 2, 4) == 0);
    CHECK(file_read_part(part, path, 5, 4, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "ends before byte 9");
    CHECK(file_write(path, NULL, 0, NULL) == STATUS_OK && file_read(&all, path, &arena, NULL) == STATUS_OK);
    CHECK(all.size == 0);
    CHECK(file_write(temporary, "new", 3, NULL) == STATUS_OK && file_rename(temporary, path));
    CHECK(file_size(&size, path, NULL) == STATUS_OK && size == 3 && !file_rename(temporary, path));
    file_remove(path);
    CHECK(!file_exists(path));
    file_remove(path); /* nothing is there: nothing happens */
    arena_free(&arena);
}

static void test_what_is_missing_is_named(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "missing");
    Arena arena = {0};
    Error err = {0};
    const Bytes before = {.size = 77};
    Bytes all = before;
    CHECK(!file_exists(path));
    CHECK(file_read(&all, path, &arena, &err) == STATUS_FILE && all.size == 77);
    CHECK_TEXT(err.text, path);
    uint64_t size = 5;
    CHECK(file_size(&size, path, NULL) == STATUS_FILE && size == 5);
    CHECK(file_read_part(&size, path, 0, 1, NULL) == STATUS_FILE);
    err = (Error){0};
    CHECK(file_read(&all, ".", &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "not a regular file");
    arena_free(&arena);
}

static void test_memory_failure_is_clean(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "memory");
    CHECK(file_write(path, "abc", 3, NULL) == STATUS_OK);
    Arena arena = {.fail_after = 1};
    Bytes all = {0};
    CHECK(file_read(&all, path, &arena, NULL) == STATUS_MEMORY && all.data == NULL);
    CHECK(path_join(&arena, "a", "b") == NULL);
    remove(path);
    arena_free(&arena);
}

/* A write that cannot be finished leaves the old file as it was. */
static void test_a_failed_write_leaves_the_old_file(void)
{
    char folder[SCRATCH_PATH], inside[SCRATCH_PATH + 20];
    scratch_path(folder, "folder");
    Error err = {0};
    uint64_t size = 0;
    CHECK(folder_make(folder, &err) == STATUS_OK);
    CHECK(file_write(folder, "x", 1, &err) == STATUS_FILE); /* a folder is in the way */
    CHECK(file_write("/dev/null", "x", 1, NULL) == STATUS_OK);
    CHECK(file_size(&size, "/dev/null", NULL) == STATUS_FILE); /* it is the device still */
    char temporary[4096];
    CHECK(file_temporary(temporary, folder) && !file_exists(temporary));
    snprintf(inside, sizeof inside, "%s/no/such", folder);
    CHECK(file_write(inside, "x", 1, NULL) == STATUS_FILE);
    char longer[5000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK(file_write(longer, "x", 1, NULL) == STATUS_ARGUMENT &&
          folder_make(longer, NULL) == STATUS_ARGUMENT);
    rmdir(folder);
}

static void test_folders_are_made_with_those_above(void)
{
    char top[SCRATCH_PATH], deep[SCRATCH_PATH + 20], file[SCRATCH_PATH + 20];
    scratch_path(top, "tree");
    snprintf(deep, sizeof deep, "%s/a/b/", top);
    snprintf(file, sizeof file, "%s/a/b/f", top);
    Error err = {0};
    CHECK(folder_make(deep, &err) == STATUS_OK && folder_make(deep, &err) == STATUS_OK);
    CHECK(file_write(file, "1", 1, &err) == STATUS_OK && file_exists(file));
    CHECK(folder_make(file, &err) == STATUS_FILE); /* a file is no folder */
    CHECK_TEXT(err.text, "cannot make the folder");
    remove(file);
    snprintf(deep, sizeof deep, "%s/a/b", top);
    rmdir(deep);
    snprintf(deep, sizeof deep, "%s/a", top);
    rmdir(deep);
    rmdir(top);
}

static void test_paths_are_joined_with_one_slash(void)
{
    Arena arena = {0};
    CHECK(strcmp(path_join(&arena, "a", "b"), "a/b") == 0);
    CHECK(strcmp(path_join(&arena, "a/", "b"), "a/b") == 0);
    CHECK(strcmp(path_join(&arena, "", "b"), "b") == 0);
    CHECK(strcmp(path_join(&arena, "/", "b"), "/b") == 0);
    arena_free(&arena);
}

int main(void)
{
    test_written_is_read();
    test_what_is_missing_is_named();
    test_memory_failure_is_clean();
    test_a_failed_write_leaves_the_old_file();
    test_folders_are_made_with_those_above();
    test_paths_are_joined_with_one_slash();
    return check_report("file");
}
