#include "metrics/resize_tf1.h"

#include <stddef.h>

typedef struct {
    int low, high;
    float share; /* of high */
} Place;

static Place place_of(int i, int in, int out)
{
    const float scale = (float)in / (float)out;
    const float position = (float)i * scale;
    int low = (int)position;
    low = low < in - 1 ? low : in - 1; /* a position may round up to `in` */
    return (Place){low, low + 1 < in ? low + 1 : low, position - (float)low};
}

static float between(float a, float b, float share)
{
    const float gap = b - a;
    const float part = gap * share;
    return a + part;
}

void resize_tf1(float *y, const float *x, int planes, int h, int w, int H, int W)
{
    for (size_t p = 0; p < (size_t)planes; p++)
        for (int i = 0; i < H; i++) {
            const Place row = place_of(i, h, H);
            const float *top = x + (p * (size_t)h + (size_t)row.low) * (size_t)w;
            const float *bottom = x + (p * (size_t)h + (size_t)row.high) * (size_t)w;
            for (int j = 0; j < W; j++) {
                const Place column = place_of(j, w, W);
                const float a = between(top[column.low], top[column.high], column.share);
                const float b = between(bottom[column.low], bottom[column.high], column.share);
                *y++ = between(a, b, row.share);
            }
        }
}
