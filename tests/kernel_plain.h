/* tests/kernel_plain.h - the product kernels written as their definitions, one output after the other.
 *
 * They are the oracle: the fast kernels must give the same bits at every instruction set, with every number of
 * threads, for every shape. */
#ifndef TESTS_KERNEL_PLAIN_H
#define TESTS_KERNEL_PLAIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "nn/attention.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/matmul.h"
#include "nn/softmax.h"
#include "tests/gradcheck.h"

/* ---- the panel rule ---- */

typedef struct {
    float total, sum;
    size_t count;
} PanelSum;

static inline void panel_add(PanelSum *s, float a, float b)
{
    const float product = a * b;
    if (s->count > 0 && s->count % 256 == 0) {
        s->total = s->count == 256 ? s->sum : s->total + s->sum;
        s->sum = 0.0f;
    }
    s->sum = s->sum + product;
    s->count++;
}

static inline float panel_end(const PanelSum *s)
{
    return s->count > 256 ? s->total + s->sum : s->sum;
}

/* ---- matmul, linear ---- */

/* c (M,N): c[i][j] = sum over k of a[i*a_row + k*a_k] * b[j*b_lane + k*b_k]. */
static inline void product_plain(float *c, const float *a, size_t a_row, size_t a_k, const float *b,
                                 size_t b_lane, size_t b_k, size_t M, size_t N, size_t K)
{
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            PanelSum sum = {0};
            for (size_t k = 0; k < K; k++)
                panel_add(&sum, a[i * a_row + k * a_k], b[j * b_lane + k * b_k]);
            c[i * N + j] = panel_end(&sum);
        }
}

static inline void matmul_plain(float *c, const float *a, const float *b, const MatmulShape *s)
{
    for (size_t n = 0; n < s->batch; n++)
        product_plain(c + n * s->M * s->N, a + n * s->M * s->K, s->K, 1, b + n * s->N * s->K,
                      s->transpose_b ? s->K : 1, s->transpose_b ? 1 : s->N, s->M, s->N, s->K);
}

static inline void matmul_backward_plain(float *da, float *db, const float *dc, const float *a,
                                         const float *b, const MatmulShape *s)
{
    const size_t M = s->M, N = s->N, K = s->K;
    for (size_t n = 0; n < s->batch; n++) {
        const float *dcn = dc + n * M * N, *an = a + n * M * K, *bn = b + n * N * K;
        product_plain(da + n * M * K, dcn, N, 1, bn, s->transpose_b ? 1 : N, s->transpose_b ? K : 1, M, K,
                      N);
        if (s->transpose_b)
            product_plain(db + n * N * K, dcn, 1, N, an, 1, K, N, K, M);
        else
            product_plain(db + n * N * K, an, 1, K, dcn, 1, N, K, N, M);
    }
}

static inline void linear_plain(float *y, const float *x, const float *weight, const float *bias,
                                const LinearShape *s)
{
    product_plain(y, x, s->in, 1, weight, s->in, 1, s->N * s->T, s->out, s->in);
    for (size_t i = 0; bias != NULL && i < s->N * s->T * s->out; i++)
        y[i] = y[i] + bias[i % s->out];
}

static inline void linear_backward_weight_plain(float *dweight, const float *dy, const float *x,
                                                const LinearShape *s)
{
    for (size_t n = 0; n < s->N; n++)
        for (size_t o = 0; o < s->out; o++)
            for (size_t i = 0; i < s->in; i++) {
                PanelSum sum = {0};
                for (size_t t = 0; t < s->T; t++)
                    panel_add(&sum, dy[(n * s->T + t) * s->out + o], x[(n * s->T + t) * s->in + i]);
                dweight[o * s->in + i] = dweight[o * s->in + i] + panel_end(&sum);
            }
}

/* dbias[o] += sum8 over the P values of dy[n][o], `step` apart. */
static inline void bias_plain(float *dbias, const float *dy, size_t N, size_t n_step, size_t O,
                              size_t o_step, size_t P, size_t step)
{
    for (size_t n = 0; n < N; n++)
        for (size_t o = 0; o < O; o++) {
            double s[8] = {0};
            for (size_t p = 0; p < P; p++)
                s[p % 8] += (double)dy[n * n_step + o * o_step + p * step];
            const float g = (float)(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])));
            dbias[o] = dbias[o] + g;
        }
}

/* ---- conv2d ---- */

/* x (H,W) at row and column, which may lie outside (also before 0: huge when unsigned): 0. */
static inline float pixel_or_zero(const float *x, size_t H, size_t W, size_t row, size_t column)
{
    return row < H && column < W ? x[row * W + column] : 0.0f;
}

static inline void conv2d_plain(float *y, const float *x, const float *weight, const float *bias,
                                const Conv2dShape *s)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    for (size_t n = 0; n < s->N; n++)
        for (size_t o = 0; o < s->O; o++)
            for (size_t p = 0; p < s->OH * s->OW; p++) {
                const size_t top = p / s->OW * s->stride - s->pad_top,
                             left = p % s->OW * s->stride - s->pad_left;
                PanelSum sum = {0};
                for (size_t c = 0; c < C; c++)
                    for (size_t t = 0; t < taps; t++)
                        panel_add(&sum, weight[(o * C + c) * taps + t],
                                  pixel_or_zero(x + (n * s->C + o / O * C + c) * s->H * s->W, s->H, s->W,
                                                top + t / s->KW * s->dilation,
                                                left + t % s->KW * s->dilation));
                const float total = panel_end(&sum);
                y[(n * s->O + o) * s->OH * s->OW + p] = bias != NULL ? total + bias[o] : total;
            }
}

/* The output that met this input position with this tap; SIZE_MAX when there is none between 0 and infinity. */
static inline size_t output_of(size_t position, size_t pad, size_t tap, const Conv2dShape *s)
{
    const size_t reach = position + pad, back = tap * s->dilation;
    return reach < back || (reach - back) % s->stride != 0 ? SIZE_MAX : (reach - back) / s->stride;
}

static inline void conv2d_backward_input_plain(float *dx, const float *dy, const float *weight,
                                               const Conv2dShape *s)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    for (size_t n = 0; n < s->N; n++)
        for (size_t c = 0; c < s->C; c++)
            for (size_t p = 0; p < s->H * s->W; p++) {
                PanelSum sum = {0};
                for (size_t o = c / C * O; o < c / C * O + O; o++)
                    for (size_t t = 0; t < taps; t++)
                        panel_add(&sum, weight[(o * C + c % C) * taps + t],
                                  pixel_or_zero(dy + (n * s->O + o) * s->OH * s->OW, s->OH, s->OW,
                                                output_of(p / s->W, s->pad_top, t / s->KW, s),
                                                output_of(p % s->W, s->pad_left, t % s->KW, s)));
                dx[(n * s->C + c) * s->H * s->W + p] = panel_end(&sum);
            }
}

static inline void conv2d_backward_weight_plain(float *dweight, const float *dy, const float *x,
                                                const Conv2dShape *s)
{
    const size_t C = s->C / s->groups, O = s->O / s->groups, taps = s->KH * s->KW;
    for (size_t n = 0; n < s->N; n++)
        for (size_t i = 0; i < s->O * C * taps; i++) {
            const size_t o = i / taps / C, c = i / taps % C, t = i % taps;
            PanelSum sum = {0};
            for (size_t p = 0; p < s->OH * s->OW; p++)
                panel_add(&sum, dy[(n * s->O + o) * s->OH * s->OW + p],
                          pixel_or_zero(x + (n * s->C + o / O * C + c) * s->H * s->W, s->H, s->W,
                                        p / s->OW * s->stride - s->pad_top + t / s->KW * s->dilation,
                                        p % s->OW * s->stride - s->pad_left + t % s->KW * s->dilation));
            dweight[i] = dweight[i] + panel_end(&sum);
        }
}

/* ---- attention, as the composition that it stands for ---- */

/* scores (T,S) of one head, before the softmax. */
static inline void scores_plain(float *scores, const float *q, const float *k, const float *mask,
                                const AttentionShape *s)
{
    const size_t width = s->heads * s->d;
    product_plain(scores, q, width, 1, k, width, 1, s->T, s->S, s->d);
    for (size_t i = 0; i < s->T * s->S; i++) {
        scores[i] = scores[i] * s->scale;
        if (mask != NULL)
            scores[i] = scores[i] + mask[i];
        if (s->causal && i % s->S > i / s->S)
            scores[i] = -INFINITY;
    }
}

/* Where a head of a sample starts in q and y (length T) or k and v (length S). */
static inline size_t head_start(const AttentionShape *s, size_t i, size_t length)
{
    return i / s->heads * length * s->heads * s->d + i % s->heads * s->d;
}

/* Rows (n,d) that lie one after the other, to or from the columns of a head. */
static inline void rows_to_head(float *head, const float *rows, size_t n, const AttentionShape *s)
{
    for (size_t i = 0; i < n * s->d; i++)
        head[i / s->d * s->heads * s->d + i % s->d] = rows[i];
}

/* All of it: y, and dq, dk, dv unless dy is NULL.  room has 2*T*S + (T + S)*d numbers. */
static inline void attention_plain(float *y, float *dq, float *dk, float *dv, const float *dy,
                                   const float *q, const float *k, const float *v, const float *mask,
                                   const AttentionShape *s, float *room)
{
    const size_t T = s->T, S = s->S, d = s->d, width = s->heads * d;
    float *P = room, *dS = P + T * S, *rows = dS + T * S;
    for (size_t i = 0; i < s->B * s->heads; i++) {
        const size_t at_q = head_start(s, i, T), at_k = head_start(s, i, S);
        scores_plain(P, q + at_q, k + at_k,
                     mask != NULL && s->mask_per_sample ? mask + i / s->heads * T * S : mask, s);
        softmax_forward(P, P, T, S);
        product_plain(rows, P, S, 1, v + at_k, 1, width, T, d, S);
        rows_to_head(y + at_q, rows, T, s);
        if (dy == NULL)
            continue;
        product_plain(rows, P, 1, S, dy + at_q, 1, width, S, d, T);
        rows_to_head(dv + at_k, rows, S, s);
        product_plain(dS, dy + at_q, width, 1, v + at_k, width, 1, T, S, d);
        softmax_backward(dS, dS, P, T, S);
        for (size_t j = 0; j < T * S; j++)
            dS[j] = dS[j] * s->scale;
        product_plain(rows, dS, S, 1, k + at_k, 1, width, T, d, S);
        rows_to_head(dq + at_q, rows, T, s);
        product_plain(rows, dS, 1, S, q + at_q, 1, width, S, d, T);
        rows_to_head(dk + at_k, rows, S, s);
    }
}

/* ---- running a kernel in every setting ---- */

static inline float *filled(Arena *arena, size_t n, uint64_t seed)
{
    float *x = arena_raw(arena, n, sizeof *x);
    test_fill(x, n, seed);
    return x;
}

/* Setting i of the sweep: every instruction set of this machine with 1 thread, and 2 and 3 threads with the
 * best one.  False when there are no more; the settings are then back to normal. */
static inline bool kernel_setting(int i)
{
    isa_limit(ISA_AVX512);
    const int levels = (int)isa_level() + 1;
    if (i < levels)
        isa_limit((IsaLevel)i);
    threads_set(i < levels ? 1 : i - levels + 2);
    if (i < levels + 2)
        return true;
    threads_set(0);
    return false;
}

#endif
