/* nn/conv2d_kernels.c - the arrays' side of nn/conv2d.h. */
#include "nn/conv2d.h"

enum { PANEL = 256 };

/* A sum by the panel rule that is fed one product after the other. */
typedef struct {
    float total, sum;
    size_t count;
} PanelSum;

static void panel_add(PanelSum *s, float a, float b)
{
    const float product = a * b;
    if (s->count > 0 && s->count % PANEL == 0) {
        s->total = s->count == PANEL ? s->sum : s->total + s->sum;
        s->sum = 0.0f;
    }
    s->sum = s->sum + product;
    s->count++;
}

static float panel_end(const PanelSum *s)
{
    return s->count > PANEL ? s->total + s->sum : s->sum;
}

/* x (H,W) at row and column, which may lie outside: 0. */
static float at(const float *x, size_t H, size_t W, size_t row, size_t column)
{
    return row < H && column < W ? x[row * W + column] : 0.0f;
}

size_t conv2d_scratch(const Conv2dShape *shape)
{
    (void)shape;
    return 0;
}

void conv2d_forward(float *y, const float *x, const float *weight, const float *bias, const Conv2dShape *s,
                    void *scratch)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups;
    (void)scratch;
    for (size_t n = 0; n < s->N; n++)
        for (size_t o = 0; o < s->O; o++)
            for (size_t p = 0; p < s->OH * s->OW; p++) {
                const size_t top = p / s->OW * s->stride - s->pad_top,
                             left = p % s->OW * s->stride - s->pad_left;
                PanelSum sum = {0};
                for (size_t c = 0; c < C; c++)
                    for (size_t t = 0; t < s->KH * s->KW; t++)
                        panel_add(&sum, weight[(o * C + c) * s->KH * s->KW + t],
                                  at(x + (n * s->C + o / O * C + c) * s->H * s->W, s->H, s->W,
                                     top + t / s->KW * s->dilation, left + t % s->KW * s->dilation));
                const float total = panel_end(&sum);
                y[(n * s->O + o) * s->OH * s->OW + p] = bias != NULL ? total + bias[o] : total;
            }
}

/* dy (OH,OW) where input row or column `at` met tap `tap`; beyond `size` when no output used it there. */
static size_t output_of(size_t position, size_t pad, size_t tap, const Conv2dShape *s, size_t size)
{
    const size_t reach = position + pad, back = tap * s->dilation;
    return reach < back || (reach - back) % s->stride != 0 ? size : (reach - back) / s->stride;
}

void conv2d_backward_input(float *dx, const float *dy, const float *weight, const Conv2dShape *s,
                           void *scratch)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    (void)scratch;
    for (size_t n = 0; n < s->N; n++)
        for (size_t c = 0; c < s->C; c++)
            for (size_t p = 0; p < s->H * s->W; p++) {
                PanelSum sum = {0};
                for (size_t o = c / C * O; o < c / C * O + O; o++)
                    for (size_t t = 0; t < taps; t++)
                        panel_add(&sum, weight[(o * C + c % C) * taps + t],
                                  at(dy + (n * s->O + o) * s->OH * s->OW, s->OH, s->OW,
                                     output_of(p / s->W, s->pad_top, t / s->KW, s, s->OH),
                                     output_of(p % s->W, s->pad_left, t % s->KW, s, s->OW)));
                dx[(n * s->C + c) * s->H * s->W + p] = panel_end(&sum);
            }
}

void conv2d_backward_weight(float *dweight, const float *dy, const float *x, const Conv2dShape *s,
                            void *scratch)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    (void)scratch;
    for (size_t n = 0; n < s->N; n++)
        for (size_t i = 0; i < s->O * C * taps; i++) {
            const size_t o = i / taps / C, c = i / taps % C, t = i % taps;
            PanelSum sum = {0};
            for (size_t p = 0; p < s->OH * s->OW; p++)
                panel_add(&sum, dy[(n * s->O + o) * s->OH * s->OW + p],
                          at(x + (n * s->C + o / O * C + c) * s->H * s->W, s->H, s->W,
                             p / s->OW * s->stride - s->pad_top + t / s->KW * s->dilation,
                             p % s->OW * s->stride - s->pad_left + t % s->KW * s->dilation));
            dweight[i] = dweight[i] + panel_end(&sum);
        }
}

void conv2d_backward_bias(float *dbias, const float *dy, size_t N, size_t O, size_t P)
{
    for (size_t n = 0; n < N; n++)
        for (size_t o = 0; o < O; o++) {
            double s[8] = {0};
            for (size_t p = 0; p < P; p++)
                s[p % 8] += (double)dy[(n * O + o) * P + p];
            const float g = (float)(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])));
            dbias[o] = dbias[o] + g;
        }
}
