#include "base/rng.h"

#include "base/elementary.h"

/* One round: two 32x32 -> 64 bit products, their halves crossed over and mixed with the key, which then moves on
 * by the golden ratio and sqrt(3) - 1 ([Sal11]; the released philox.h). */
void philox4x32(uint32_t counter[4], const uint32_t key[2])
{
    uint32_t *c = counter, key0 = key[0], key1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t even = (uint64_t)0xd2511f53u * c[0];
        const uint64_t odd = (uint64_t)0xcd9e8d57u * c[2];
        c[0] = (uint32_t)(odd >> 32) ^ c[1] ^ key0;
        c[1] = (uint32_t)odd;
        c[2] = (uint32_t)(even >> 32) ^ c[3] ^ key1;
        c[3] = (uint32_t)even;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
}

Rng rng_stream(RngKind kind, uint64_t seed, RngPurpose purpose, uint64_t index)
{
    Rng rng = {.kind = kind,
               .seed = seed,
               .stream = (uint64_t)purpose << 48 | (index & 0xffffffffffffu),
               .next = 4};
    if (kind == RNG_TORCH)
        mt19937_seed(&rng.torch, (uint32_t)seed);
    return rng;
}

static void philox_next_block(Rng *rng)
{
    const uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
    rng->word[0] = (uint32_t)rng->block;
    rng->word[1] = (uint32_t)(rng->block >> 32);
    rng->word[2] = (uint32_t)rng->stream;
    rng->word[3] = (uint32_t)(rng->stream >> 32);
    philox4x32(rng->word, key);
    rng->block++;
    rng->next = 0;
}

uint32_t rng_u32(Rng *rng)
{
    if (rng->kind == RNG_TORCH)
        return mt19937_u32(&rng->torch);
    if (rng->next == 4)
        philox_next_block(rng);
    return rng->word[rng->next++];
}

float rng_uniform(Rng *rng)
{
    if (rng->kind == RNG_TORCH)
        return mt19937_uniform(&rng->torch);
    return (float)(rng_u32(rng) >> 8) * 0x1p-24f;
}

uint32_t rng_below(Rng *rng, uint32_t n)
{
    if (rng->kind == RNG_TORCH)
        return rng_u32(rng) % n;
    const uint32_t uneven = (0u - n) % n; /* 2^32 mod n: the words below it have one partner too many */
    uint32_t word = rng_u32(rng);
    while (word < uneven)
        word = rng_u32(rng);
    return word % n;
}

void rng_uniform_fill(Rng *rng, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = rng_uniform(rng);
}

enum { PAIRS = 128 }; /* pairs of normals worked on at a time */

/* The next `pairs` <= PAIRS pairs of normals, in order. */
static void philox_normal_pairs(Rng *rng, float *out, size_t pairs)
{
    float radius[PAIRS] = {0}, angle[PAIRS] = {0}, sine[PAIRS];
    for (size_t i = 0; i < pairs; i++) {
        const uint32_t first = rng_u32(rng), second = rng_u32(rng);
        radius[i] = (float)((first >> 8) + 1u) * 0x1p-24f;
        angle[i] = (float)(second >> 8) * 0x1p-24f;
        angle[i] = 0x1.921fb6p+2f * angle[i]; /* 2 pi */
    }
    log_array(radius, radius, pairs);
    sin_array(sine, angle, pairs);
    cos_array(angle, angle, pairs);
    for (size_t i = 0; i < pairs; i++) {
        const float square = -2.0f * radius[i];
        const float r = sqrtf(square);
        out[2 * i] = r * angle[i];
        out[2 * i + 1] = r * sine[i];
    }
}

float rng_normal(Rng *rng)
{
    float normal;
    rng_normal_fill(rng, &normal, 1);
    return normal;
}

void rng_normal_fill(Rng *rng, float *out, size_t n)
{
    if (rng->kind == RNG_TORCH) {
        mt19937_normal_fill(&rng->torch, out, n);
        return;
    }
    size_t done = 0;
    if (rng->has_second && n > 0) {
        rng->has_second = false;
        out[done++] = rng->second;
    }
    while (n - done >= 2) {
        const size_t pairs = (n - done) / 2 < PAIRS ? (n - done) / 2 : PAIRS;
        philox_normal_pairs(rng, out + done, pairs);
        done += 2 * pairs;
    }
    if (done < n) {
        float pair[2];
        philox_normal_pairs(rng, pair, 1);
        out[done] = pair[0];
        rng->second = pair[1];
        rng->has_second = true;
    }
}

void rng_permutation(Rng *rng, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t i = 0; i + 1 < n; i++) {
        const uint32_t other = i + rng_below(rng, n - i);
        const uint32_t swap = out[i];
        out[i] = out[other];
        out[other] = swap;
    }
}
