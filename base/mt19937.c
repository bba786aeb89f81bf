#include "base/mt19937.h"

#include "base/elementary.h"
#include "base/elementary64.h"

enum { WORDS = 624, MIDDLE = 397 };

void mt19937_seed(Mt19937 *m, uint32_t seed)
{
    m->word[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        m->word[i] = 1812433253u * (m->word[i - 1] ^ m->word[i - 1] >> 30) + i;
    m->next = WORDS;
    m->has_second = false;
    m->second = 0.0;
}

static void next_batch(Mt19937 *m)
{
    uint32_t *w = m->word;
    for (int i = 0; i < WORDS; i++) {
        const uint32_t y = (w[i] & 0x80000000u) | (w[(i + 1) % WORDS] & 0x7fffffffu);
        w[i] = w[(i + MIDDLE) % WORDS] ^ y >> 1 ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    m->next = 0;
}

uint32_t mt19937_u32(Mt19937 *m)
{
    if (m->next >= WORDS)
        next_batch(m);
    uint32_t y = m->word[m->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

float mt19937_uniform(Mt19937 *m)
{
    return (float)(mt19937_u32(m) & 0xffffffu) * 0x1p-24f;
}

/* [0, 1) in steps of 2^-53, from the low 53 bits of two words, the first being the upper one. */
static double uniform53(Mt19937 *m)
{
    const uint64_t high = mt19937_u32(m);
    const uint64_t word = high << 32 | mt19937_u32(m);
    return (double)(word & 0x1fffffffffffffu) * 0x1p-53;
}

/* One number at a time, in binary64: the first uniform gives the angle, the second the radius; r cos first,
 * r sin waits for the next call, whichever call that is. */
static float normal_single(Mt19937 *m)
{
    if (m->has_second) {
        m->has_second = false;
        return (float)m->second;
    }
    const double angle = 0x1.921fb54442d18p+2 * uniform53(m); /* 2 pi */
    const double radius = sqrt(-2.0 * log_f64(1.0 - uniform53(m)));
    m->second = radius * sin_f64(angle);
    m->has_second = true;
    return (float)(radius * cos_f64(angle));
}

/* Sixteen uniforms become sixteen normals: x[j] and x[j + 8] are one pair. */
static void normal_sixteen(float *x)
{
    float radius[8], angle[8], cosine[8], sine[8];
    for (int j = 0; j < 8; j++) {
        radius[j] = 1.0f - x[j];
        angle[j] = 0x1.921fb6p+2f * x[j + 8]; /* 2 pi */
    }
    log_array(radius, radius, 8);
    cos_array(cosine, angle, 8);
    sin_array(sine, angle, 8);
    for (int j = 0; j < 8; j++) {
        const float square = -2.0f * radius[j];
        const float r = sqrtf(square);
        x[j] = r * cosine[j];
        x[j + 8] = r * sine[j];
    }
}

/* From 16 on: uniforms everywhere, then whole blocks in place; the last 16 are drawn afresh when n is not a
 * multiple of 16.  A waiting second number keeps waiting. */
void mt19937_normal_fill(Mt19937 *m, float *out, size_t n)
{
    if (n < 16) {
        for (size_t i = 0; i < n; i++)
            out[i] = normal_single(m);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = mt19937_uniform(m);
    for (size_t i = 0; i + 16 <= n; i += 16)
        normal_sixteen(out + i);
    if (n % 16 != 0) {
        float *last = out + n - 16;
        for (int i = 0; i < 16; i++)
            last[i] = mt19937_uniform(m);
        normal_sixteen(last);
    }
}
