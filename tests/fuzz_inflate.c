/* For libFuzzer: sh tests/fuzz.sh inflate.  tests/test_fuzz_inflate.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>

#include "io/inflate.h"

/* Counting and filling agree, and no stream is better than the best ratio. */
static void unpack(const uint8_t *data, size_t size, InflateWrap wrap)
{
    const size_t limit = (size_t)1 << 20;
    Arena arena = {.limit = (size_t)1 << 24};
    size_t counted = 0, used = 0;
    Bytes out = {0};
    Error err = {0};
    const Status count = inflate_into(NULL, limit, &counted, data, size, &used, wrap, "count", NULL);
    const Status fill = inflate_new(&out, limit, data, size, wrap, "fill", &arena, &err);
    if ((fill == STATUS_OK && (count != STATUS_OK || out.size != counted || used > size)) ||
        (fill != STATUS_OK && (err.text[0] == '\0' || arena.used != 0)) ||
        out.size > (size_t)INFLATE_RATIO * size)
        abort();
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unpack(data, size, INFLATE_RAW);
    unpack(data, size, INFLATE_ZLIB);
    unpack(data, size, INFLATE_GZIP);
    return 0;
}
