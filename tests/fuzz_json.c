/* For libFuzzer: sh tests/fuzz.sh json.  tests/test_fuzz_json.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/json.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Every member is found under its name (a name with a zero byte cannot be asked for). */
static void names_are_found(const Json *v)
{
    for (size_t i = 0; i < json_count(v); i++) {
        const char *key = json_key(v, i);
        if (key != NULL && strlen(key) == json_key_length(v, i))
            require(json_index(v, key) == i && json_get(v, key) == json_at(v, i));
        names_are_found(json_at(v, i));
    }
}

static Bytes written(const Json *v, Arena *arena)
{
    Bytes text = {.arena = arena};
    JsonWriter w = {.out = &text};
    json_write_value(&w, NULL, v);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    const Json *v = NULL, *again = NULL;
    const Status status = json_parse(&v, (const char *)data, size, "fuzz", &arena, NULL);
    require(arena.peak <= 49 * (size + 1) + 4 * ARENA_ALIGN);
    if (status != STATUS_OK) {
        require(arena.used == 0 && v == NULL);
        arena_free(&arena);
        return 0;
    }
    names_are_found(v);
    const Bytes first = written(v, &arena);
    require(!first.failed &&
            json_parse(&again, (char *)first.data, first.size, "again", &arena, NULL) == STATUS_OK);
    const Bytes second = written(again, &arena);
    require(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    arena_free(&arena);
    return 0;
}
