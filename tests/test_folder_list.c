#include "base/folder_list.h"

#include "base/file.h"
#include "tests/check.h"
#include "tests/scratch.h"

static Arena arena;
static char folder[SCRATCH_PATH];

static void touch(const char *name)
{
    CHECK(file_write(path_join(&arena, folder, name), "x", 1, NULL) == STATUS_OK);
}

static bool without_a(const char *name)
{
    return strchr(name, 'a') == NULL;
}

static void test_names_are_sorted_by_bytes(void)
{
    static const char *const want[] = {"10", "9", "A", "a", "b.txt", "z\303\244", "\303\244"};
    const char *const *names = NULL;
    size_t count = 0;
    CHECK(folder_list(&names, &count, folder, NULL, &arena, NULL) == STATUS_OK);
    if (!CHECK(count == 7))
        return;
    for (int i = 0; i < 7; i++)
        CHECK(strcmp(names[i], want[i]) == 0);
    CHECK(folder_list(&names, &count, folder, without_a, &arena, NULL) == STATUS_OK);
    CHECK(count == 6 && strcmp(names[2], "A") == 0 && strcmp(names[3], "b.txt") == 0);
}

static void test_what_is_no_folder(void)
{
    Error err = {0};
    const char *const *names = NULL;
    size_t count = 77;
    const char *file = path_join(&arena, folder, "A");
    CHECK(is_folder(folder) && !is_folder(file) && !is_folder("no/such"));
    CHECK(folder_list(&names, &count, file, NULL, &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "cannot be opened as a folder");
    CHECK(count == 77 && names == NULL);
}

static void test_failing_allocations(void)
{
    Status status = STATUS_MEMORY;
    for (size_t n = 1; n < 100 && status == STATUS_MEMORY; n++) {
        Arena failing = {.fail_after = n};
        const char *const *names = NULL;
        size_t count = 77;
        status = folder_list(&names, &count, folder, NULL, &failing, NULL);
        CHECK(status == STATUS_OK ? count == 7 : count == 77);
        arena_free(&failing);
    }
    CHECK(status == STATUS_OK);
}

int main(void)
{
    static const char *const names[] = {"b.txt", "9", "10", "z\303\244", "A", "\303\244", ".hidden"};
    CHECK(folder_make(scratch_path(folder, "names"), NULL) == STATUS_OK);
    for (int i = 0; i < 7; i++)
        touch(names[i]);
    CHECK(folder_make(path_join(&arena, folder, "a"), NULL) == STATUS_OK);
    test_names_are_sorted_by_bytes();
    test_what_is_no_folder();
    test_failing_allocations();
    for (int i = 0; i < 7; i++)
        remove(path_join(&arena, folder, names[i]));
    remove(path_join(&arena, folder, "a"));
    CHECK(remove(folder) == 0);
    arena_free(&arena);
    return check_report("folder_list");
}
