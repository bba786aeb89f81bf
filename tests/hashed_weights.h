/* tests/hashed_weights.h - the weights of reference cases of networks that cannot be published: a hash of name and place.
 *
 *   x = (i + crc32(name)) mod 2^32, then x ^= x >> 16, x *= 0x7feb352d, x ^= x >> 15, x *= 0x846ca68b, x ^= x >> 16;
 *   u = x / 2^32 - 1/2
 *
 *   running_mean 0.2 u;  running_var 1 + 0.5 u;  two axes or more u sqrt(24 / fan in);  one axis: weight (of a norm)
 *   1 + 0.2 u, bias 0.2 u.  Each is computed in binary64 and rounded once. */
#ifndef TESTS_HASHED_WEIGHTS_H
#define TESTS_HASHED_WEIGHTS_H

#include <math.h>
#include <string.h>

#include "io/crc32.h"
#include "weights/weights.h"

static inline bool name_ends(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static inline void fill_hashed(const Parameter *p)
{
    const Tensor *x = p->tensor;
    const uint32_t start = crc32_update(0, p->name, strlen(p->name));
    const bool variance = name_ends(p->name, "running_var"), plain = x->rank >= 2;
    const bool scale = !plain && name_ends(p->name, ".weight");
    const double size = plain ? sqrt(24.0 / (double)tensor_sample(x)) : variance ? 0.5 : 0.2;
    for (size_t i = 0; i < tensor_count(x); i++) {
        uint32_t h = (uint32_t)i + start;
        h ^= h >> 16;
        h *= 0x7feb352du;
        h ^= h >> 15;
        h *= 0x846ca68bu;
        h ^= h >> 16;
        const double u = (double)h / 4294967296.0 - 0.5;
        x->data[i] = (float)((variance || scale ? 1.0 : 0.0) + u * size);
    }
}

#endif
