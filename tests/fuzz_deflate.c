/* For libFuzzer: sh tests/fuzz.sh deflate.  tests/test_fuzz_deflate.c replays the corpus of inflate. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/deflate.h"
#include "io/inflate.h"

/* The first byte says how often the rest is repeated, so that streams get longer than a block and the
 * window. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    Bytes plain = {.arena = &arena}, packed = {.arena = &arena}, back = {0};
    for (int i = size > 0 ? data[0] % 32 : 0; i >= 0 && size > 0; i--)
        bytes_add(&plain, data + 1, size - 1);
    deflate_add(&packed, plain.data, plain.size, DEFLATE_ZLIB);
    if (packed.failed || packed.size > deflate_bound(plain.size) ||
        inflate_new(&back, plain.size, packed.data, packed.size, INFLATE_ZLIB, "back", &arena, NULL) !=
            STATUS_OK ||
        back.size != plain.size || (plain.size > 0 && memcmp(back.data, plain.data, plain.size) != 0))
        abort();
    arena_free(&arena);
    return 0;
}
