#include "base/difference.h"

#include <math.h>

#include "base/bits.h"
#include "base/contract.h"

uint64_t float_steps(float a, float b)
{
    const bool nan_a = a != a, nan_b = b != b;
    if (nan_a || nan_b)
        return nan_a && nan_b ? 0 : 0xffffffffu;
    const uint32_t u = float_bits(a), v = float_bits(b);
    const int64_t x = u >> 31 ? -(int64_t)(u & 0x7fffffffu) : (int64_t)u;
    const int64_t y = v >> 31 ? -(int64_t)(v & 0x7fffffffu) : (int64_t)v;
    return (uint64_t)(x > y ? x - y : y - x);
}

bool signs_differ(float a, float b)
{
    return (a < 0.0f && b > 0.0f) || (a > 0.0f && b < 0.0f);
}

static bool same_bits(float a, float b)
{
    return float_bits(a) == float_bits(b) || (a != a && b != b);
}

Difference difference_of(const float *a, const float *b, size_t count)
{
    Difference d = {.first = SIZE_MAX, .count = count};
    for (size_t i = 0; i < count; i++) {
        const float x = a[i], y = b[i];
        if (same_bits(x, y))
            continue;
        const double gap = (double)x - (double)y;
        const double size = gap == gap ? fabs(gap) : INFINITY;
        const uint64_t steps = float_steps(x, y);
        if (d.different++ == 0) {
            d.first = i;
            d.a = x;
            d.b = y;
            d.ulps = steps;
        }
        d.largest = size > d.largest ? size : d.largest;
        if (signs_differ(x, y))
            d.other_signs++;
        else
            d.most_ulps = steps > d.most_ulps ? steps : d.most_ulps;
    }
    return d;
}
