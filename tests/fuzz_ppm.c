/* For libFuzzer: sh tests/fuzz.sh ppm. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/ppm.h"

/* What is read can be written, and reads back as the same pixels. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {.limit = (size_t)1 << 24};
    Image image = {0}, back = {0};
    Bytes file = {.arena = &arena};
    if (ppm_decode(&image, data, size, "fuzz", &arena, NULL) != STATUS_OK) {
        if (arena.used != 0)
            abort();
    } else if (ppm_encode(&file, &image, NULL) == STATUS_OK) {
        const Status status = ppm_decode(&back, file.data, file.size, "back", &arena, NULL);
        if (status != STATUS_MEMORY &&
            (status != STATUS_OK || memcmp(back.pixels, image.pixels, image_size(&image)) != 0))
            abort();
    }
    arena_free(&arena);
    return 0;
}
