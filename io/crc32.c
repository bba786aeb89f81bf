#include "io/crc32.h"

/* The remainder of each half byte. */
static const uint32_t NIBBLE[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                    0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

enum { SLICES = 8, LONG = 4096 }; /* from LONG bytes on, 2048 table entries pay for themselves */

static uint32_t byte_added(uint32_t crc, unsigned byte)
{
    crc ^= byte;
    crc = crc >> 4 ^ NIBBLE[crc & 15];
    return crc >> 4 ^ NIBBLE[crc & 15];
}

/* table[s][b]: the remainder of byte b followed by s zero bytes, so that eight bytes go in one step. */
static void slices_fill(uint32_t table[SLICES][256])
{
    for (unsigned b = 0; b < 256; b++)
        table[0][b] = byte_added(0, b);
    for (int s = 1; s < SLICES; s++)
        for (unsigned b = 0; b < 256; b++)
            table[s][b] = table[s - 1][b] >> 8 ^ table[0][table[s - 1][b] & 255];
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *p = data;
    crc = ~crc;
    if (size >= LONG) {
        uint32_t table[SLICES][256];
        slices_fill(table);
        for (; size >= SLICES; size -= SLICES, p += SLICES) {
            const uint32_t low =
                crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
            crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^
                  table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
        }
    }
    for (; size > 0; size--, p++)
        crc = byte_added(crc, *p);
    return ~crc;
}
