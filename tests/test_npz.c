#include "io/npz.h"

#include "base/file.h"
#include "tests/check.h"
#include "tests/scratch.h"

static void check_arrays(const char *path, bool many)
{
    Arena arena = {0};
    Error err = {0};
    Zip zip = {0};
    NpyArray a = {0}, ids = {0}, m = {0};
    if (!CHECK(zip_open(&zip, path, &arena, &err) == STATUS_OK &&
               npz_read(&a, &zip, "a", &arena, &err) == STATUS_OK &&
               npz_read(&ids, &zip, "ids", &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    const float *x = a.data;
    const int64_t *i = ids.data;
    CHECK(a.dtype == F32 && a.rank == 2 && a.dim[0] == 2 && a.dim[1] == 3 && x[0] == -1.75f &&
          x[5] == 2.0f);
    CHECK(ids.dtype == I64 && ids.rank == 1 && ids.dim[0] == 4 && i[0] == -7 && i[3] == 2);
    if (many && CHECK(npz_read(&m, &zip, "many", &arena, &err) == STATUS_OK && npy_numbers(&m) == 4000)) {
        int wrong = 0;
        for (int k = 0; k < 4000; k++)
            wrong += ((const float *)m.data)[k] != (float)(k % 8);
        CHECK(wrong == 0);
    }
    CHECK(npz_read(&m, &zip, "none", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "has no array \"none\"");
    arena_free(&arena);
}

static Status write_arrays(const char *path, bool deflate, Arena *arena, Error *err)
{
    static const float x[6] = {-1.75f, -1.0f, -0.25f, 0.5f, 1.25f, 2.0f};
    static const int64_t ids[4] = {-7, -4, -1, 2};
    static float many[4000];
    for (int k = 0; k < 4000; k++)
        many[k] = (float)(k % 8);
    const NpzItem items[] = {
        {"a", {.dtype = F32, .rank = 2, .dim = {2, 3}, .data = (void *)x}},
        {"ids", {.dtype = I64, .rank = 1, .dim = {4}, .data = (void *)ids}},
        {"many", {.dtype = F32, .rank = 1, .dim = {4000}, .data = many}},
    };
    return npz_write(path, items, 3, deflate, arena, err);
}

static void test_arrays_come_back(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "a.npz");
    for (int deflate = 0; deflate < 2; deflate++) {
        Arena arena = {0};
        Error err = {0};
        uint64_t size = 0;
        CHECK(write_arrays(path, deflate, &arena, &err) == STATUS_OK && arena.used == 0);
        check_arrays(path, true);
        CHECK(file_size(&size, path, &err) == STATUS_OK && (size < 2000) == (deflate == 1));
        arena_free(&arena);
    }
    remove(path);
}

static void test_refuses_what_cannot_be_written(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "b.npz");
    Arena arena = {0};
    Error err = {0};
    const NpzItem bad[] = {{"a", {.dtype = BF16, .rank = 1, .dim = {0}}}};
    CHECK(npz_write(path, bad, 1, false, &arena, &err) == STATUS_ARGUMENT && !file_exists(path));
    CHECK_TEXT(err.text, "cannot hold BF16");
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "c.npz");
    for (int reads = 0; reads < 2; reads++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 200; n++) {
            Arena arena = {.fail_after = n};
            Error err = {0};
            Zip zip = {0};
            NpyArray a = {0};
            status = reads ? zip_open(&zip, path, &arena, &err) : write_arrays(path, true, &arena, &err);
            if (reads && status == STATUS_OK)
                status = npz_read(&a, &zip, "many", &arena, &err);
            CHECK(status == STATUS_OK || (status == STATUS_MEMORY && err.text[0] != '\0'));
            CHECK(reads || (file_exists(path) == (status == STATUS_OK) && arena.used == 0));
            arena_free(&arena);
        }
        CHECK(n > 4 && n < 200);
    }
    remove(path);
}

int main(void)
{
    check_arrays("tests/vectors/arrays/npz-stored.npz", false);
    check_arrays("tests/vectors/arrays/npz-deflated.npz", true);
    test_arrays_come_back();
    test_refuses_what_cannot_be_written();
    test_failing_allocations();
    return check_report("npz");
}
