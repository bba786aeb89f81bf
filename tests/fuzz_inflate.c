/* For libFuzzer: sh tests/fuzz.sh inflate.  tests/test_fuzz_inflate.c replays the corpus. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/deflate.h"
#include "io/inflate.h"

/* Counting and filling agree; what is unpacked can be packed and unpacked again. */
static void unpack(const uint8_t *data, size_t size, InflateWrap wrap)
{
    Arena arena = {.limit = (size_t)1 << 24};
    Bytes out = {0}, packed = {.arena = &arena}, again = {0};
    if (inflate_new(&out, (size_t)1 << 20, data, size, wrap, "fuzz", &arena, NULL) == STATUS_OK) {
        if (out.size > (size_t)INFLATE_RATIO * size)
            abort();
        deflate_add(&packed, out.data, out.size, DEFLATE_ZLIB);
        if (!packed.failed) {
            const Status status = inflate_new(&again, out.size, packed.data, packed.size, INFLATE_ZLIB,
                                              "again", &arena, NULL);
            if (status != STATUS_OK || again.size != out.size ||
                memcmp(again.data, out.data, out.size) != 0)
                abort();
        }
    }
    arena_free(&arena);
}

/* The bytes as a stream of each kind, and as something to pack. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {0};
    Bytes packed = {.arena = &arena}, back = {0};
    unpack(data, size, INFLATE_RAW);
    unpack(data, size, INFLATE_ZLIB);
    unpack(data, size, INFLATE_GZIP);
    deflate_add(&packed, data, size, DEFLATE_RAW);
    if (packed.failed || packed.size > deflate_bound(size) ||
        inflate_new(&back, size, packed.data, packed.size, INFLATE_RAW, "back", &arena, NULL) !=
            STATUS_OK ||
        back.size != size || (size > 0 && memcmp(back.data, data, size) != 0))
        abort();
    arena_free(&arena);
    return 0;
}
