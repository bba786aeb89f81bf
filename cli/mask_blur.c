#include "cli/mask_blur.h"

#include <math.h>

#include "base/elementary64.h"

/* One line of n numbers, `step` apart. */
static void blur_line(float *line, int n, size_t step, const double *weight, int reach, double *out)
{
    for (int i = 0; i < n; i++) {
        double sum = 0.0;
        for (int k = -reach; k <= reach; k++) {
            const int at = i + k < 0 ? 0 : i + k >= n ? n - 1 : i + k;
            sum += weight[k + reach] * (double)line[(size_t)at * step];
        }
        out[i] = sum;
    }
    for (int i = 0; i < n; i++)
        line[(size_t)i * step] = (float)out[i];
}

Status mask_blur(float *mask, int width, int height, int pixels, Arena *arena, Error *err)
{
    const int reach = 3 * pixels;
    double *weight = arena_raw(arena, (size_t)(2 * reach + 1), sizeof *weight), sum = 0.0;
    double *line = arena_raw(arena, (size_t)(width > height ? width : height), sizeof *line);
    if (weight == NULL || line == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to blur a mask of %dx%d", width, height);
    for (int k = -reach; k <= reach; k++) {
        const double u = (double)k / pixels;
        weight[k + reach] = exp_f64(-0.5 * u * u);
        sum += weight[k + reach];
    }
    for (int k = 0; k <= 2 * reach; k++)
        weight[k] /= sum;
    for (int y = 0; y < height; y++)
        blur_line(mask + (size_t)y * (size_t)width, width, 1, weight, reach, line);
    for (int x = 0; x < width; x++)
        blur_line(mask + x, height, (size_t)width, weight, reach, line);
    return STATUS_OK;
}

void mask_lay_over(Image *made, const Image *kept, const float *mask)
{
    for (size_t i = 0; i < image_size(made); i++) {
        const double m = (double)mask[i / 3];
        made->pixels[i] = (unsigned char)rint(m * made->pixels[i] + (1.0 - m) * kept->pixels[i]);
    }
}
