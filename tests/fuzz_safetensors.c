/* For libFuzzer: sh tests/fuzz.sh safetensors.  tests/test_fuzz_safetensors.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "io/safetensors.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Every tensor can be read into exactly the memory that it says, and together they are the whole file. */
static void tensors_are_readable(const Safetensors *file, size_t header, size_t size, Arena *arena)
{
    uint64_t total = 0;
    for (size_t i = 0; i < file->count; i++) {
        const SafetensorsEntry *e = &file->entries[i];
        total += e->size;
        require(safetensors_find(file, e->name) == e);
        unsigned char *raw = arena_raw(arena, (size_t)e->size, 1);
        float *x = arena_raw(arena, (size_t)safetensors_numbers(e), sizeof *x);
        require(raw != NULL && x != NULL);
        require(safetensors_read_raw(raw, file, e, NULL) == STATUS_OK);
        require(safetensors_read_f32(x, file, e, NULL) == STATUS_OK);
    }
    require(total == size - 8 - header);
}

static void parse(const unsigned char *data, size_t size)
{
    Arena arena = {0};
    Safetensors file = {0};
    Error err = {0};
    const Status status = safetensors_parse(&file, data, size, "fuzz", &arena, &err);
    require(arena.peak <= 64 * size + 16 * ARENA_ALIGN);
    if (status == STATUS_OK)
        tensors_are_readable(&file, (size_t)le64_get(data), size, &arena);
    else
        require(arena.used == 0 && err.text[0] != '\0');
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size);
    if (size < 2)
        return 0;
    /* The same as a header of the right length; the last byte tells how many bytes of numbers follow. */
    const size_t header = size - 1, numbers = data[header];
    unsigned char *file = calloc(8 + header + numbers, 1);
    if (file == NULL)
        return 0;
    le64_put(file, header);
    memcpy(file + 8, data, header);
    parse(file, 8 + header + numbers);
    free(file);
    return 0;
}
