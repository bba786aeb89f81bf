#include "io/sha256.h"

#include <string.h>

#include "base/bytes.h"
#include "base/file.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t x, int right)
{
    return x >> right | x << (32 - right);
}

/* One block of 64 bytes (section 6.2.2). */
static void block_add(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
        w[t] = be32_get(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        const uint32_t s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        const uint32_t sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25), choice = (e & f) ^ (~e & g);
        const uint32_t sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
        const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t t1 = h + sum1 + choice + K[t] + w[t], t2 = sum0 + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    const uint32_t last[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += last[i];
}

/* The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
Sha256 sha256_begin(void)
{
    return (Sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                              0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(Sha256 *h, const void *data, size_t size)
{
    const unsigned char *p = data;
    const size_t held = (size_t)(h->size % 64);
    h->size += size;
    if (held > 0) {
        const size_t part = size < 64 - held ? size : 64 - held;
        memcpy(h->block + held, p, part);
        p += part;
        size -= part;
        if (held + part < 64)
            return;
        block_add(h->state, h->block);
    }
    for (; size >= 64; size -= 64, p += 64)
        block_add(h->state, p);
    if (size > 0)
        memcpy(h->block, p, size);
}

/* A one bit, zeros, and the length in bits as 64 bits, so that the last block is full. */
void sha256_end(unsigned char digest[32], Sha256 *h)
{
    static const unsigned char PADDING[64] = {0x80};
    const uint64_t bits = h->size * 8;
    unsigned char length[8];
    be32_put(length, (uint32_t)(bits >> 32));
    be32_put(length + 4, (uint32_t)(bits & 0xffffffff));
    const size_t held = (size_t)(h->size % 64);
    sha256_add(h, PADDING, held < 56 ? 56 - held : 120 - held);
    sha256_add(h, length, 8);
    for (int i = 0; i < 8; i++)
        be32_put(digest + 4 * i, h->state[i]);
}

void sha256_end_hex(char hex[65], Sha256 *h)
{
    unsigned char digest[32];
    sha256_end(digest, h);
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = '\0';
}

void sha256_hex(char hex[65], const void *data, size_t size)
{
    Sha256 h = sha256_begin();
    sha256_add(&h, data, size);
    sha256_end_hex(hex, &h);
}

Status sha256_file(char hex[65], const char *path, Error *err)
{
    uint64_t size = 0;
    Status status = file_size(&size, path, err);
    if (status != STATUS_OK)
        return status;
    Sha256 h = sha256_begin();
    unsigned char piece[65536];
    for (uint64_t at = 0; at < size;) {
        const size_t part = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
        status = file_read_part(piece, path, at, part, err);
        if (status != STATUS_OK)
            return status;
        sha256_add(&h, piece, part);
        at += part;
    }
    sha256_end_hex(hex, &h);
    return STATUS_OK;
}
