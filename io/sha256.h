/* io/sha256.h - SHA-256, the name of a file's or a tensor's contents.
 *
 * Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5 and 6.2. */
#ifndef IO_SHA256_H
#define IO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A message that is hashed piece by piece: sha256_begin, any number of sha256_add, sha256_end. */
typedef struct {
    uint32_t state[8];
    unsigned char block[64]; /* the part of the message that does not fill a block yet */
    uint64_t size;           /* bytes so far */
} Sha256;

Sha256 sha256_begin(void);
void sha256_add(Sha256 *h, const void *data, size_t size);
void sha256_end(unsigned char digest[32], Sha256 *h); /* *h is used up */

/* The same in 64 lower-case hexadecimal digits and a zero. */
void sha256_end_hex(char hex[65], Sha256 *h);

/* Of one piece of memory; of a whole file, which is read in pieces. */
void sha256_hex(char hex[65], const void *data, size_t size);
MUST_CHECK Status sha256_file(char hex[65], const char *path, Error *err);

#endif
