/* nn/conv2d_gather.h - the product that both conv2d and its gradient to the input are.
 *
 *   out[n,r,oy,ox] = bias[r] + sum over k = (c,ky,kx) of A[r][k] * frame[n,c, oy*stride + row(ky), ox*stride + column(kx)]
 *
 * The frame is the source with zeros around it and, when spread > 1, spread - 1 zeros between its rows and
 * columns: source row i is frame row before_y + i*spread.  Forward, the source is x and the taps ascend;
 * backward, the source is dy and the taps descend from the far corner. */
#ifndef NN_CONV2D_GATHER_H
#define NN_CONV2D_GATHER_H

#include <stdbool.h>
#include <stddef.h>

/* Rows r and channels c are those of one group; the groups follow one another in every array. */
typedef struct {
    size_t N, groups, rows, C;
    size_t H, W, spread;
    ptrdiff_t before_y, before_x; /* negative: the frame starts inside the source */
    size_t OH, OW, stride;
    size_t KH, KW, dilation;
    bool descending; /* row(ky) = (KH - 1 - ky)*dilation, not ky*dilation */
    size_t a_group, a_row,
        a_c; /* A[r][(c,ky,kx)] of group g is a[g*a_group + r*a_row + c*a_c + ky*KW + kx] */
} Conv2dGather;

/* Is the frame under the outputs a part of the source, without zeros? */
bool conv2d_gather_direct(const Conv2dGather *g);

/* Bytes of scratch. */
size_t conv2d_gather_scratch(const Conv2dGather *g);

/* out (N,groups*rows,OH,OW), source (N,groups*C,H,W), bias (groups*rows) or NULL. */
void conv2d_gather(float *out, const float *source, const float *a, const float *bias,
                   const Conv2dGather *g, void *scratch);

#endif
