/* io/crc32.h - the check sum of PNG chunks and zip members.
 *
 * CRC-32 with the polynomial 0x04c11db7, bits reflected: PNG specification (third edition), annex D;
 * ISO 3309.  "123456789" gives 0xcbf43926. */
#ifndef IO_CRC32_H
#define IO_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The sum of what was summed into `crc` (0: nothing yet) followed by `size` bytes at `data`. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

#endif
