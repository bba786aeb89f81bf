#include "diffusion/world_resample.h"

#include <assert.h>
#include <math.h>

#include "base/isa.h"
#include "io/resize_lines.h"
#include "io/resize_weights.h"

extern const WorldResampleTable world_resample_base, world_resample_avx2, world_resample_avx512;

static const WorldResampleTable *table(void)
{
#if ISA_LEVELS > 1
    static const WorldResampleTable *const tables[] = {&world_resample_base, &world_resample_avx2,
                                                       &world_resample_avx512};
    return tables[isa_level()];
#else
    return &world_resample_base;
#endif
}

/* How far the filter reaches, in pixels of the drawing. */
static double reach(int cell, int side)
{
    return 2.0 * (side < cell ? (double)cell / side : 1.0);
}

static int most_taps(int cell, int side)
{
    return (int)ceil(2.0 * reach(cell, side)) + 1;
}

/* The inputs from which an output is made: first, first + 1, ..., `taps` of them. */
typedef struct {
    int first, taps;
} Span;

/* The weights of output i on the inputs inside the drawing. */
static Span weights_of(float *weight, int i, int cell, int side)
{
    const double radius = reach(cell, side), centre = (i + 0.5) * cell / side;
    const int low = (int)floor(centre - radius), high = low + most_taps(cell, side);
    double sum = 0.0;
    for (int j = low; j < high; j++)
        sum += resize_cubic((j + 0.5 - centre) * 2.0 / radius);
    Span span = {.first = low > 0 ? low : 0};
    for (int j = span.first; j < high && j < cell; j++)
        weight[span.taps++] = (float)(resize_cubic((j + 0.5 - centre) * 2.0 / radius) / sum);
    return span;
}

size_t world_resample_scratch(int cell, int side)
{
    const size_t c = (size_t)cell, s = (size_t)side;
    return c * c * 4 + (c > s ? c : s) * s * 4 + c * s * 4 + s * (size_t)most_taps(cell, side);
}

void world_resample(float *out, const unsigned char *drawing, size_t stride, int cell, int side,
                    bool mirror, float *scratch)
{
    assert(cell >= 1 && side >= 1 && side <= WORLD_SIDE_MAX);
    const size_t c = (size_t)cell * 4, s = (size_t)side * 4, taps = (size_t)most_taps(cell, side);
    float *source = scratch;                              /* (y of the drawing, x of the drawing, 4) */
    float *low = source + (size_t)cell * c;               /* (y of the result, x of the drawing, 4) */
    float *turned = low + (size_t)side * (c > s ? c : s); /* (x of the drawing, y of the result, 4) */
    float *narrow = low;                       /* (x of the result, y of the result, 4), where low was */
    float *weight = turned + (size_t)cell * s; /* (side, taps): the same for both axes */
    Span span[WORLD_SIDE_MAX];
    for (int i = 0; i < side; i++)
        span[i] = weights_of(weight + (size_t)i * taps, i, cell, side);
    for (int y = 0; y < cell; y++)
        resize_premultiply(source + (size_t)y * c, drawing + (size_t)y * stride, (size_t)cell);
    for (int y = 0; y < side; y++)
        resize_weigh(low + (size_t)y * c, source + (size_t)span[y].first * c, weight + (size_t)y * taps,
                     span[y].taps, c, c);
    resize_transpose(turned, low, (size_t)side, (size_t)cell, 4, false);
    for (int x = 0; x < side; x++)
        resize_weigh(narrow + (size_t)x * s, turned + (size_t)span[x].first * s, weight + (size_t)x * taps,
                     span[x].taps, s, s);
    resize_transpose(out, narrow, (size_t)side, (size_t)side, 4, mirror);
    table()->clamp(out, (size_t)side * (size_t)side);
}

void world_flatten(unsigned char *out, const float *canvas, size_t count, const unsigned char background[3])
{
    table()->flatten(out, canvas, count, background);
}

void world_over(float *canvas, const float *pixel, size_t count)
{
    table()->over(canvas, pixel, count);
}
