/* tests/plain_layers.h - the layers of the networks in binary64 and in the most obvious loops: what they are
 * compared with.  Every function writes y; sizes as in the comments of nn/. */
#ifndef TESTS_PLAIN_LAYERS_H
#define TESTS_PLAIN_LAYERS_H

#include <math.h>
#include <stdlib.h>

#include "nn/tensor.h"
#include "weights/weights.h"

static inline double *plain_new(size_t count)
{
    double *x = calloc(count + 1, sizeof *x);
    if (x == NULL)
        abort();
    return x;
}

static inline double *plain_copy(const float *x, size_t count)
{
    double *y = plain_new(count);
    for (size_t i = 0; i < count; i++)
        y[i] = x[i];
    return y;
}

/* x (N,C,H,W), 3x3 or 1x1 with stride; pads `before` at the top and left, as much as needed elsewhere. */
static inline double *plain_conv2d(const double *x, const Affine *layer, int N, int C, int H, int W,
                                   int stride, int before, int OH, int OW)
{
    const int O = layer->weight->dim[0], K = layer->weight->dim[2];
    double *y = plain_new((size_t)N * O * OH * OW);
    for (int n = 0; n < N; n++)
        for (int o = 0; o < O; o++)
            for (int p = 0; p < OH * OW; p++) {
                double sum = layer->bias != NULL ? layer->bias->data[o] : 0.0;
                for (int c = 0; c < C; c++)
                    for (int ky = 0; ky < K; ky++)
                        for (int kx = 0; kx < K; kx++) {
                            const int iy = p / OW * stride - before + ky,
                                      ix = p % OW * stride - before + kx;
                            if (iy >= 0 && iy < H && ix >= 0 && ix < W)
                                sum += x[((n * C + c) * H + iy) * W + ix] *
                                       layer->weight->data[((o * C + c) * K + ky) * K + kx];
                        }
                y[(n * O + o) * OH * OW + p] = sum;
            }
    return y;
}

/* rows of `in` numbers to rows of as many as the layer has outputs. */
static inline double *plain_linear(const double *x, const Affine *layer, int rows)
{
    const int out = layer->weight->dim[0], in = (int)(tensor_count(layer->weight) / (size_t)out);
    double *y = plain_new((size_t)rows * out);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < out; o++) {
            double sum = layer->bias != NULL ? layer->bias->data[o] : 0.0;
            for (int i = 0; i < in; i++)
                sum += x[r * in + i] * layer->weight->data[o * in + i];
            y[r * out + o] = sum;
        }
    return y;
}

/* Normalises runs of `run` numbers; position i of a run has the scale and shift number (first + i) / per. */
static inline void plain_normalise(double *x, int run, const Affine *norm, int first, int per, double eps)
{
    double mean = 0.0, var = 0.0;
    for (int i = 0; i < run; i++)
        mean += x[i] / run;
    for (int i = 0; i < run; i++)
        var += (x[i] - mean) * (x[i] - mean) / run;
    for (int i = 0; i < run; i++) {
        const int c = first + i / per;
        x[i] = (x[i] - mean) / sqrt(var + eps) * norm->weight->data[c] + norm->bias->data[c];
    }
}

static inline double *plain_group_norm(const double *x, const Affine *norm, int N, int C, int HW,
                                       int groups, double eps)
{
    const int run = C / groups * HW;
    double *y = plain_new((size_t)N * C * HW);
    for (int i = 0; i < N * C * HW; i++)
        y[i] = x[i];
    for (int ng = 0; ng < N * groups; ng++)
        plain_normalise(y + ng * run, run, norm, ng % groups * (C / groups), HW, eps);
    return y;
}

static inline double *plain_layer_norm(const double *x, const Affine *norm, int rows, int C)
{
    double *y = plain_new((size_t)rows * C);
    for (int i = 0; i < rows * C; i++)
        y[i] = x[i];
    for (int r = 0; r < rows; r++)
        plain_normalise(y + r * C, C, norm, 0, 1, 1e-5);
    return y;
}

static inline void plain_silu(double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = x[i] / (1.0 + exp(-x[i]));
}

/* rows of 2C numbers (h, g) to rows of C: h * gelu(g). */
static inline double *plain_geglu(const double *x, int rows, int C)
{
    double *y = plain_new((size_t)rows * C);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < C; c++) {
            const double g = x[r * 2 * C + C + c];
            y[r * C + c] = x[r * 2 * C + c] * 0.5 * g * (1.0 + erf(g / sqrt(2.0)));
        }
    return y;
}

/* q (N,T,C), k and v (N,S,C), head by head. */
static inline double *plain_attention(const double *q, const double *k, const double *v, int N, int T,
                                      int S, int C, int heads)
{
    const int d = C / heads;
    double *y = plain_new((size_t)N * T * C), *p = plain_new((size_t)S);
    for (int n = 0; n < N; n++)
        for (int h = 0; h < heads; h++)
            for (int t = 0; t < T; t++) {
                double total = 0.0;
                for (int s = 0; s < S; s++) {
                    double dot = 0.0;
                    for (int i = h * d; i < (h + 1) * d; i++)
                        dot += q[(n * T + t) * C + i] * k[(n * S + s) * C + i];
                    total += p[s] = exp(dot / sqrt((double)d));
                }
                for (int s = 0; s < S; s++)
                    for (int i = h * d; i < (h + 1) * d; i++)
                        y[(n * T + t) * C + i] += p[s] / total * v[(n * S + s) * C + i];
            }
    free(p);
    return y;
}

static inline void plain_add(double *x, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
}

/* (N,C,P) to (N,P,C) for P positions; with C and P exchanged the way back. */
static inline double *plain_transpose(const double *x, int N, int C, int P)
{
    double *y = plain_new((size_t)N * C * P);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < P; p++)
                y[(n * P + p) * C + c] = x[(n * C + c) * P + p];
    return y;
}

#endif
