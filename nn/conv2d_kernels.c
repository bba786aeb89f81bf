/* nn/conv2d_kernels.c - the arrays' side of nn/conv2d.h. */
#include "nn/conv2d.h"
#include "nn/conv2d_gather.h"

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

static Conv2dGather forward_gather(const Conv2dShape *s)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    return (Conv2dGather){.N = s->N,
                          .groups = s->groups,
                          .rows = O,
                          .C = C,
                          .H = s->H,
                          .W = s->W,
                          .spread = 1,
                          .before_y = (ptrdiff_t)s->pad_top,
                          .before_x = (ptrdiff_t)s->pad_left,
                          .OH = s->OH,
                          .OW = s->OW,
                          .stride = s->stride,
                          .KH = s->KH,
                          .KW = s->KW,
                          .dilation = s->dilation,
                          .a_group = O * C * taps,
                          .a_row = C * taps,
                          .a_c = taps};
}

/* dx[iy] sums dy[oy] with oy*stride = iy + pad - ky*dilation: in a frame that holds dy[oy] in row
 * before + oy*stride, before = (KH - 1)*dilation - pad, that is row iy + (KH - 1 - ky)*dilation. */
static Conv2dGather input_gather(const Conv2dShape *s)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    return (Conv2dGather){.N = s->N,
                          .groups = s->groups,
                          .rows = C,
                          .C = O,
                          .H = s->OH,
                          .W = s->OW,
                          .spread = s->stride,
                          .before_y = (ptrdiff_t)((s->KH - 1) * s->dilation) - (ptrdiff_t)s->pad_top,
                          .before_x = (ptrdiff_t)((s->KW - 1) * s->dilation) - (ptrdiff_t)s->pad_left,
                          .OH = s->H,
                          .OW = s->W,
                          .stride = 1,
                          .KH = s->KH,
                          .KW = s->KW,
                          .dilation = s->dilation,
                          .descending = true,
                          .a_group = O * C * taps,
                          .a_row = taps,
                          .a_c = C * taps};
}

size_t conv2d_scratch(const Conv2dShape *s)
{
    const Conv2dGather forward = forward_gather(s), input = input_gather(s);
    const size_t a = conv2d_gather_scratch(&forward), b = conv2d_gather_scratch(&input);
    return a > b ? a : b;
}

void conv2d_forward(float *y, const float *x, const float *weight, const float *bias, const Conv2dShape *s,
                    void *scratch)
{
    const Conv2dGather g = forward_gather(s);
    conv2d_gather(y, x, weight, bias, &g, scratch);
}

void conv2d_backward_input(float *dx, const float *dy, const float *weight, const Conv2dShape *s,
                           void *scratch)
{
    const Conv2dGather g = input_gather(s);
    conv2d_gather(dx, dy, weight, NULL, &g, scratch);
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
