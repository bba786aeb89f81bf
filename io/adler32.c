#include "io/adler32.h"

enum { MODULUS = 65521 }; /* the largest prime below 2^16 */

/* So many bytes of 255 may be added before the second sum, from at most MODULUS - 1 on, leaves 32 bits. */
enum { RUN = 5552 };

uint32_t adler32_update(uint32_t adler, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint32_t bytes = adler & 0xffff, sums = adler >> 16;
    while (size > 0) {
        const size_t run = size < RUN ? size : RUN;
        for (size_t i = 0; i < run; i++) {
            bytes += p[i];
            sums += bytes;
        }
        bytes %= MODULUS;
        sums %= MODULUS;
        p += run;
        size -= run;
    }
    return sums << 16 | bytes;
}
