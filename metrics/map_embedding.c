#include "metrics/map_embedding.h"

#include <stdbool.h>

#include "base/sum_inline.h"

size_t map_embedding_count(MapEmbedding kind, int channels, int height, int width)
{
    const size_t c = (size_t)channels;
    return kind == MAP_LOCATION ? (size_t)height * (size_t)width : c * (c + 1) / 2;
}

static void location(float *out, const float *map, size_t channels, size_t positions)
{
    for (size_t p = 0; p < positions; p++) {
        double lane[SUM_LANES] = {0};
        for (size_t c = 0; c < channels; c++)
            lane[c % SUM_LANES] += (double)map[c * positions + p];
        out[p] = (float)(sum8_fold(lane) / (double)channels);
    }
}

static void style(float *out, bool outer, const float *map, size_t channels, size_t positions)
{
    const double count = (double)positions;
    for (size_t i = 0; i < channels; i++)
        for (size_t j = i; j < channels; j++, out++) {
            const float *const f = map + i * positions, *const g = map + j * positions;
            if (outer) {
                const double a = sum8_inline(f, positions) / count, b = sum8_inline(g, positions) / count;
                *out = (float)(a * b);
            } else {
                *out = (float)(sum8_dot_inline(f, g, positions) / count);
            }
        }
}

void map_embedding(float *out, MapEmbedding kind, const float *map, int channels, int height, int width)
{
    const size_t positions = (size_t)height * (size_t)width;
    if (kind == MAP_LOCATION)
        location(out, map, (size_t)channels, positions);
    else
        style(out, kind == MAP_STYLE_OUTER, map, (size_t)channels, positions);
}
