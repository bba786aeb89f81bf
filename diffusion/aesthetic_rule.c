#include "diffusion/aesthetic_rule.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { UNLIKE = 48 };

/* Whole numbers of one kind, one a pixel. */
typedef struct {
    int64_t sum, squares;
} Moments;

static void add(Moments *m, int x)
{
    m->sum += x;
    m->squares += (int64_t)x * x;
}

static double mean(Moments m, double n)
{
    return (double)m.sum / n;
}

static double variance(Moments m, double n)
{
    const double v = (double)m.squares / n - mean(m, n) * mean(m, n);
    return v > 0.0 ? v : 0.0;
}

static double at_most_1(double x)
{
    return x < 1.0 ? x : 1.0;
}

/* Whether the pixel is unlike all four corners. */
static bool stands_out(const Image *image, const unsigned char *pixel)
{
    for (int k = 0; k < 4; k++) {
        const unsigned char *corner =
            image_at(image, k % 2 * (image->width - 1), k / 2 * (image->height - 1));
        if (abs(pixel[0] - corner[0]) + abs(pixel[1] - corner[1]) + abs(pixel[2] - corner[2]) < UNLIKE)
            return false;
    }
    return true;
}

Status aesthetic_rule(AestheticRule *out, const Image *image, Error *err)
{
    Moments rg = {0, 0}, twice_yb = {0, 0}, grey = {0, 0};
    int64_t shown = 0;
    const size_t pixels = (size_t)image->width * (size_t)image->height;
    const double n = (double)pixels;
    if (image->channels < 3)
        return error_set(err, STATUS_ARGUMENT, "the aesthetic rule is for colours, not for %d channel",
                         image->channels);
    for (size_t i = 0; i < pixels; i++) {
        const unsigned char *p = image->pixels + i * (size_t)image->channels;
        const int R = p[0], G = p[1], B = p[2];
        add(&rg, R - G);
        add(&twice_yb, R + G - 2 * B);
        add(&grey, (19595 * R + 38470 * G + 7471 * B + 32768) >> 16);
        shown += stands_out(image, p);
    }
    const double spread = sqrt(variance(rg, n) + variance(twice_yb, n) / 4.0);
    const double mean_rg = mean(rg, n), mean_yb = mean(twice_yb, n) / 2.0;
    const double colourfulness = spread + 0.3 * sqrt(mean_rg * mean_rg + mean_yb * mean_yb);
    AestheticRule rule = {.colour = at_most_1(colourfulness / 110.0),
                          .contrast = at_most_1(sqrt(variance(grey, n)) / 96.0),
                          .fill = at_most_1((double)shown / n / 0.6)};
    rule.score = 1.0 + 9.0 * (0.5 * rule.colour + 0.25 * rule.contrast + 0.25 * rule.fill);
    *out = rule;
    return STATUS_OK;
}
