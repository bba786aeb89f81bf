/* tests/png_sums.h - a damaged PNG with right check sums: what is changed at random mostly dies at them. */
#ifndef TESTS_PNG_SUMS_H
#define TESTS_PNG_SUMS_H

#include "base/bytes.h"
#include "io/crc32.h"

/* Makes every chunk's check sum right again, so that damage reaches what is behind it. */
static inline void check_sums_repair(unsigned char *data, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = be32_get(data + at);
        if (length > size - at - 12)
            return;
        be32_put(data + at + 8 + length, crc32_update(0, data + at + 4, length + 4));
        at += length + 12;
    }
}

#endif
