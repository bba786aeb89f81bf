/* nn/conv2d_kernels.c - the arrays' side of nn/conv2d.h. */
#include "nn/conv2d.h"
#include "nn/conv2d_gather.h"
#include "nn/conv2d_weight.h"

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
    const size_t need[3] = {conv2d_gather_scratch(&forward), conv2d_gather_scratch(&input),
                            conv2d_weight_scratch(s)};
    size_t most = need[0];
    for (int i = 1; i < 3; i++)
        most = need[i] > most ? need[i] : most;
    return most;
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
