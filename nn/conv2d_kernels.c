/* nn/conv2d_kernels.c - the arrays' side of nn/conv2d.h. */
#include "nn/conv2d.h"
#include "nn/conv2d_gather.h"
#include "nn/conv2d_weight.h"
#include "nn/conv2d_wide.h"
#include "nn/gemm.h"

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

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t gather_scratch(const Conv2dGather *g)
{
    return most(conv2d_gather_scratch(g), conv2d_wide_scratch(g));
}

/* Whole vectors of samples the one way, the rest the other; the bits are the same. */
static void gather(float *out, const float *source, const float *a, const float *bias, Conv2dGather g,
                   void *scratch)
{
    const size_t wide = gemm_finite(a, g.groups * g.a_group) ? conv2d_wide_samples(&g) : 0;
    if (wide > 0)
        conv2d_wide(out, source, a, bias, &g, scratch);
    g.N -= wide;
    if (g.N > 0)
        conv2d_gather(out + wide * g.groups * g.rows * g.OH * g.OW,
                      source + wide * g.groups * g.C * g.H * g.W, a, bias, &g, scratch);
}

size_t conv2d_forward_scratch(const Conv2dShape *s)
{
    const Conv2dGather g = forward_gather(s);
    return gather_scratch(&g);
}

size_t conv2d_backward_scratch(const Conv2dShape *s)
{
    const Conv2dGather g = input_gather(s);
    return most(gather_scratch(&g), conv2d_weight_scratch(s));
}

void conv2d_forward(float *y, const float *x, const float *weight, const float *bias, const Conv2dShape *s,
                    void *scratch)
{
    gather(y, x, weight, bias, forward_gather(s), scratch);
}

void conv2d_backward_input(float *dx, const float *dy, const float *weight, const Conv2dShape *s,
                           void *scratch)
{
    gather(dx, dy, weight, NULL, input_gather(s), scratch);
}
