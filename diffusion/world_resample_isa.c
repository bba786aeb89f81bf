#include "base/isa.h"
#include "diffusion/world_resample.h"

/* Coverage beyond full is taken back together with the colours, so that what is flat stays flat
 * up to its edge. */
static void clamp(float *restrict pixel, size_t count)
{
    const float full = (float)WORLD_FULL;
    for (size_t i = 0; i < count; i++) {
        float *p = pixel + 4 * i;
        const float above = p[3] > full ? p[3] : full;
        const float share = full / above;
        const float scaled = p[3] * share;
        const float low = scaled > 0.0f ? scaled : 0.0f;
        const float a = low < full ? low : full;
        for (int c = 0; c < 3; c++) {
            const float product = p[c] * share;
            const float colour = product > 0.0f ? product : 0.0f;
            p[c] = colour < a ? colour : a;
        }
        p[3] = a;
    }
}

static void over(float *restrict canvas, const float *restrict pixel, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float *to = canvas + 4 * i;
        const float *from = pixel + 4 * i;
        const float share = from[3] / (float)WORLD_FULL;
        const float left = 1.0f - share;
        for (int c = 0; c < 4; c++) {
            const float behind = to[c] * left;
            to[c] = from[c] + behind;
        }
    }
}

static void flatten(unsigned char *restrict out, const float *restrict canvas, size_t count,
                    const unsigned char background[3])
{
    for (size_t i = 0; i < count; i++) {
        const float share = canvas[4 * i + 3] / (float)WORLD_FULL;
        const float left = 1.0f - share;
        for (size_t c = 0; c < 3; c++) {
            const float behind = (float)background[c] * left;
            const float before = canvas[4 * i + c] / 255.0f;
            const float sum = before + behind;
            const float level = sum + 0.5f;
            out[3 * i + c] = (unsigned char)(int)(level < 255.0f ? level : 255.0f);
        }
    }
}

extern const WorldResampleTable ISA_TABLE(world_resample);
const WorldResampleTable ISA_TABLE(world_resample) = {.clamp = clamp, .over = over, .flatten = flatten};
