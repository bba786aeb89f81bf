/* For libFuzzer: sh tests/fuzz.sh npy.  tests/test_fuzz_npy.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/npy.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* What is read can be written, and reads back as the same numbers. */
static void written_and_read_again(const NpyArray *array, Arena *arena)
{
    Bytes file = {.arena = arena};
    NpyArray back = {0};
    require(npy_add(&file, array, "back", NULL) == STATUS_OK);
    require(npy_parse(&back, file.data, file.size, "back", arena, NULL) == STATUS_OK);
    require(back.dtype == array->dtype && back.rank == array->rank);
    require(memcmp(back.dim, array->dim, sizeof back.dim) == 0);
    require(memcmp(back.data, array->data, (size_t)npy_numbers(array) * dtype_size(array->dtype)) == 0);
}

static void parse(const unsigned char *data, size_t size)
{
    Arena arena = {0};
    NpyArray array = {0};
    Error err = {0};
    const Status status = npy_parse(&array, data, size, "fuzz", &arena, &err);
    require(arena.peak <= 2 * size + 4 * ARENA_ALIGN);
    if (status == STATUS_OK)
        written_and_read_again(&array, &arena);
    else
        require(arena.used == 0 && err.text[0] != '\0');
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size);
    if (size < 2 || size > 60000)
        return 0;
    /* The same as a dictionary of the right length; the last byte tells how many bytes of numbers follow. */
    const size_t header = size - 1, numbers = data[header];
    unsigned char *file = calloc(10 + header + numbers, 1);
    if (file == NULL)
        return 0;
    memcpy(file, "\x93NUMPY\1", 8);
    le16_put(file + 8, (uint16_t)header);
    memcpy(file + 10, data, header);
    for (size_t i = 0; i < numbers; i++)
        file[10 + header + i] = (unsigned char)i;
    parse(file, 10 + header + numbers);
    free(file);
    return 0;
}
