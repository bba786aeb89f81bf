#include "base/isa.h"
#include "io/resize_lines.h"

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

extern const ResizeLinesTable ISA_TABLE(resize_lines);
const ResizeLinesTable ISA_TABLE(resize_lines) = {.weigh = weigh, .premultiply = premultiply};
