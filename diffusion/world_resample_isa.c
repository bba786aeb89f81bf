#include "base/isa.h"
#include "diffusion/world_resample.h"

enum { LANES = 16 }; /* outputs that are summed side by side */

static void weigh(float *restrict out, const float *restrict in, const float *restrict weight, int taps,
                  size_t stride, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        float sum[LANES] = {0.0f};
        for (int k = 0; k < taps; k++) {
            const float *x = in + (size_t)k * stride + i;
            for (int j = 0; j < LANES; j++) {
                const float product = weight[k] * x[j];
                sum[j] = sum[j] + product;
            }
        }
        for (int j = 0; j < LANES; j++)
            out[i + (size_t)j] = sum[j];
    }
    for (; i < n; i++) {
        float sum = 0.0f;
        for (int k = 0; k < taps; k++) {
            const float product = weight[k] * in[(size_t)k * stride + i];
            sum = sum + product;
        }
        out[i] = sum;
    }
}

/* out (count, 4): R a, G a, B a, 255 a of straight 8-bit pixels. */
static void premultiply(float *restrict out, const unsigned char *restrict pixel, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int a = pixel[4 * i + 3];
        out[4 * i] = (float)(pixel[4 * i] * a);
        out[4 * i + 1] = (float)(pixel[4 * i + 1] * a);
        out[4 * i + 2] = (float)(pixel[4 * i + 2] * a);
        out[4 * i + 3] = (float)(255 * a);
    }
}

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
const WorldResampleTable ISA_TABLE(world_resample) = {
    .weigh = weigh, .premultiply = premultiply, .clamp = clamp, .over = over, .flatten = flatten};
