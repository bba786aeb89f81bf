/* For libFuzzer: sh tests/fuzz.sh zip.  tests/test_fuzz_zip.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>

#include "io/npz.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void read_member(const Zip *zip, const ZipEntry *e, Arena *arena)
{
    const ArenaMark mark = arena_mark(arena);
    Bytes bytes = {0};
    NpyArray array = {0};
    require(zip_find(zip, e->name) == e);
    if (zip_read(&bytes, zip, e, arena, NULL) == STATUS_OK) {
        require(bytes.size == e->size && bytes.data[bytes.size] == '\0');
        if (npy_parse(&array, bytes.data, bytes.size, e->name, arena, NULL) == STATUS_OK)
            require(npy_numbers(&array) <= bytes.size);
    } else {
        require(arena->used == mark.used);
    }
    arena_release(arena, mark);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {.limit = (size_t)1 << 26};
    Zip zip = {0};
    Error err = {0};
    const Status status = zip_parse(&zip, data, size, "fuzz", &arena, &err);
    require(arena.peak <= 4 * size + 16 * ARENA_ALIGN);
    if (status == STATUS_OK)
        for (size_t i = 0; i < zip.count; i++)
            read_member(&zip, &zip.entries[i], &arena);
    else
        require(arena.used == 0 && err.text[0] != '\0');
    arena_free(&arena);
    return 0;
}
