/* cli/truth_products.c - matmul, linear, the convolutions and attention (see truth_ops.h), and what all share. */
#include <math.h>

#include "cli/truth_ops.h"

size_t truth_count(const TruthTensor *x)
{
    size_t n = 1;
    for (int i = 0; i < x->rank; i++)
        n *= (size_t)x->dim[i];
    return n;
}

TruthTensor *truth_tensor(Truth *t, int rank, const int *dim)
{
    TruthTensor *y = t->failed ? NULL : arena_alloc(t->arena, 1, sizeof *y);
    if (y != NULL) {
        y->rank = rank;
        for (int i = 0; i < TENSOR_RANK; i++)
            y->dim[i] = i < rank ? dim[i] : 1;
        y->id = arena_alloc(t->arena, truth_count(y) + 1, sizeof *y->id);
    }
    if (y == NULL || y->id == NULL) {
        t->failed = true;
        return NULL;
    }
    return y;
}

TruthTensor *truth_input(Truth *t, const float *data, int rank, const int *dim)
{
    TruthTensor *y = truth_tensor(t, rank, dim);
    const size_t n = y != NULL ? truth_count(y) : 0;
    for (size_t i = 0; i < n; i++)
        y->id[i] = truth_leaf(t, data[i]);
    return y;
}

/* y (M,N) = a (M,K) times b (K,N), or (N,K) when transpose_b; bias (N) or NULL. */
static void product(Truth *t, TruthId *y, const TruthId *a, const TruthId *b, const TruthId *bias, size_t M,
                    size_t N, size_t K, bool transpose_b)
{
    for (size_t m = 0; m < M; m++)
        for (size_t n = 0; n < N; n++) {
            truth_sum_begin(t);
            for (size_t k = 0; k < K; k++)
                truth_sum_multiply_add(t, a[m * K + k], transpose_b ? b[n * K + k] : b[k * N + n]);
            y[m * N + n] = truth_sum_end(t);
            if (bias != NULL)
                y[m * N + n] = truth_binary(t, TRUTH_ADD, y[m * N + n], bias[n]);
        }
}

TruthTensor *truth_matmul(Truth *t, const TruthTensor *a, const TruthTensor *b, bool transpose_b)
{
    if (a == NULL || b == NULL)
        return NULL;
    int dim[TENSOR_RANK];
    size_t batch = 1;
    for (int i = 0; i < a->rank; i++) {
        dim[i] = a->dim[i];
        batch *= i < a->rank - 2 ? (size_t)a->dim[i] : 1;
    }
    const size_t M = (size_t)a->dim[a->rank - 2], K = (size_t)a->dim[a->rank - 1];
    const size_t N = (size_t)b->dim[b->rank - (transpose_b ? 2 : 1)];
    dim[a->rank - 1] = (int)N;
    TruthTensor *y = truth_tensor(t, a->rank, dim);
    for (size_t i = 0; y != NULL && i < batch; i++)
        product(t, y->id + i * M * N, a->id + i * M * K, b->id + i * K * N, NULL, M, N, K, transpose_b);
    return y;
}

TruthTensor *truth_linear(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                          const TruthTensor *bias)
{
    if (x == NULL || weight == NULL)
        return NULL;
    int dim[TENSOR_RANK] = {x->dim[0], x->dim[1], x->dim[2], x->dim[3]};
    const size_t in = (size_t)x->dim[x->rank - 1], out = (size_t)weight->dim[0];
    dim[x->rank - 1] = (int)out;
    TruthTensor *y = truth_tensor(t, x->rank, dim);
    if (y != NULL && in > 0 && out > 0)
        product(t, y->id, x->id, weight->id, bias != NULL ? bias->id : NULL, truth_count(y) / out, out, in,
                true);
    return y;
}

static int at_least_1(int x)
{
    return x > 0 ? x : 1;
}

/* One output of conv2d at (n,o,oy,ox): the taps inside the picture. */
static TruthId convolved(Truth *t, const TruthTensor *x, const TruthTensor *w, const Conv2dOptions *c,
                         int n, int o, int oy, int ox)
{
    const int stride = at_least_1(c->stride), dilation = at_least_1(c->dilation), C = w->dim[1];
    const int first = o / (w->dim[0] / at_least_1(c->groups)) * C;
    truth_sum_begin(t);
    for (int k = 0; k < C; k++)
        for (int ky = 0; ky < w->dim[2]; ky++)
            for (int kx = 0; kx < w->dim[3]; kx++) {
                const int iy = oy * stride - c->pad_top + ky * dilation;
                const int ix = ox * stride - c->pad_left + kx * dilation;
                if (iy >= 0 && iy < x->dim[2] && ix >= 0 && ix < x->dim[3])
                    truth_sum_multiply_add(
                        t, x->id[((n * x->dim[1] + first + k) * x->dim[2] + iy) * x->dim[3] + ix],
                        w->id[((o * C + k) * w->dim[2] + ky) * w->dim[3] + kx]);
            }
    return truth_sum_end(t);
}

TruthTensor *truth_conv2d(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                          const TruthTensor *bias, Conv2dOptions c)
{
    if (x == NULL || weight == NULL)
        return NULL;
    const int stride = at_least_1(c.stride), dilation = at_least_1(c.dilation);
    const int tall = x->dim[2] + c.pad_top + c.pad_bottom - dilation * (weight->dim[2] - 1) - 1;
    const int wide = x->dim[3] + c.pad_left + c.pad_right - dilation * (weight->dim[3] - 1) - 1;
    const int dim[4] = {x->dim[0], weight->dim[0], tall / stride + 1, wide / stride + 1};
    TruthTensor *y = truth_tensor(t, 4, dim);
    for (int i = 0, count = y != NULL ? (int)truth_count(y) : 0; i < count; i++) {
        const int ox = i % dim[3], oy = i / dim[3] % dim[2], o = i / (dim[3] * dim[2]) % dim[1];
        y->id[i] = convolved(t, x, weight, &c, i / (dim[3] * dim[2] * dim[1]), o, oy, ox);
        if (bias != NULL)
            y->id[i] = truth_binary(t, TRUTH_ADD, y->id[i], bias->id[o]);
    }
    return y;
}

/* One output of conv_transpose2d: the inputs whose taps land on (oy,ox). */
static TruthId spread(Truth *t, const TruthTensor *x, const TruthTensor *w, const Conv2dOptions *c, int n,
                      int o, int oy, int ox)
{
    const int stride = at_least_1(c->stride), dilation = at_least_1(c->dilation);
    const int C = x->dim[1] / at_least_1(c->groups), group = o / w->dim[1];
    truth_sum_begin(t);
    for (int k = group * C; k < (group + 1) * C; k++)
        for (int iy = 0; iy < x->dim[2]; iy++)
            for (int ix = 0; ix < x->dim[3]; ix++) {
                const int dy = oy + c->pad_top - iy * stride, dx = ox + c->pad_left - ix * stride;
                if (dy >= 0 && dy % dilation == 0 && dy / dilation < w->dim[2] && dx >= 0 &&
                    dx % dilation == 0 && dx / dilation < w->dim[3])
                    truth_sum_multiply_add(
                        t, x->id[((n * x->dim[1] + k) * x->dim[2] + iy) * x->dim[3] + ix],
                        w->id[((k * w->dim[1] + o % w->dim[1]) * w->dim[2] + dy / dilation) * w->dim[3] +
                              dx / dilation]);
            }
    return truth_sum_end(t);
}

TruthTensor *truth_conv_transpose2d(Truth *t, const TruthTensor *x, const TruthTensor *weight,
                                    const TruthTensor *bias, ConvTranspose2dOptions options)
{
    if (x == NULL || weight == NULL)
        return NULL;
    const Conv2dOptions *c = &options.conv;
    const int stride = at_least_1(c->stride), dilation = at_least_1(c->dilation);
    const int dim[4] = {x->dim[0], weight->dim[1] * at_least_1(c->groups),
                        (x->dim[2] - 1) * stride - c->pad_top - c->pad_bottom +
                            (weight->dim[2] - 1) * dilation + 1 + options.extra_bottom,
                        (x->dim[3] - 1) * stride - c->pad_left - c->pad_right +
                            (weight->dim[3] - 1) * dilation + 1 + options.extra_right};
    TruthTensor *y = truth_tensor(t, 4, dim);
    for (int i = 0, count = y != NULL ? (int)truth_count(y) : 0; i < count; i++) {
        const int ox = i % dim[3], oy = i / dim[3] % dim[2], o = i / (dim[3] * dim[2]) % dim[1];
        y->id[i] = spread(t, x, weight, c, i / (dim[3] * dim[2] * dim[1]), o, oy, ox);
        if (bias != NULL)
            y->id[i] = truth_binary(t, TRUTH_ADD, y->id[i], bias->id[o]);
    }
    return y;
}

/* Row `row` of head h of x (B,T,heads*d): d ids, next to each other. */
static const TruthId *head_row(const TruthTensor *x, int b, int row, int h, int d)
{
    return x->id + ((size_t)b * (size_t)x->dim[1] + (size_t)row) * (size_t)x->dim[2] + (size_t)(h * d);
}

TruthTensor *truth_attention(Truth *t, const TruthTensor *q, const TruthTensor *k, const TruthTensor *v,
                             const TruthTensor *mask, int heads, bool causal, double scale)
{
    if (q == NULL || k == NULL || v == NULL)
        return NULL;
    const int B = q->dim[0], T = q->dim[1], S = k->dim[1], d = q->dim[2] / heads;
    const double factor = scale != 0.0 ? scale : (double)(float)(1.0 / sqrt(d));
    TruthTensor *y = truth_tensor(t, 3, q->dim), *score = truth_tensor(t, 1, &S);
    for (int i = 0; y != NULL && score != NULL && i < B * heads * T; i++) {
        const int row = i % T, h = i / T % heads, b = i / (T * heads);
        const TruthId *query = head_row(q, b, row, h, d);
        for (int s = 0; s < S; s++) {
            const TruthId *key = head_row(k, b, s, h, d);
            truth_sum_begin(t);
            for (int j = 0; j < d; j++)
                truth_sum_multiply_add(t, query[j], key[j]);
            score->id[s] = truth_scale(t, truth_sum_end(t), factor);
            if (mask != NULL)
                score->id[s] = truth_binary(t, TRUTH_ADD, score->id[s],
                                            mask->id[((mask->rank == 3 ? b * T : 0) + row) * S + s]);
        }
        score->dim[0] = causal && row + 1 < S ? row + 1 : S; /* later keys have no share */
        const TruthTensor *p = truth_softmax(t, score);
        for (int j = 0; p != NULL && j < d; j++) {
            truth_sum_begin(t);
            for (int s = 0; s < p->dim[0]; s++)
                truth_sum_multiply_add(t, p->id[s], head_row(v, b, s, h, d)[j]);
            y->id[((size_t)b * (size_t)T + (size_t)row) * (size_t)q->dim[2] + (size_t)(h * d + j)] =
                truth_sum_end(t);
        }
    }
    return y;
}
