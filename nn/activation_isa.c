#include "nn/activation.h"

#include "base/elementary.h"
#include "base/isa.h"

/* Intermediate results stay in the first-level cache. */
enum { PIECE = 512 };

static const float GELU_C = 0x1.6a09e6p-1f;    /* 1 / sqrt 2 */
static const float GELU_K = 0x1.988454p-2f;    /* 1 / sqrt(2 pi) */
static const float QUICK_GELU = 0x1.b3b646p0f; /* 1.702 */

static size_t piece(size_t at, size_t n)
{
    return n - at < PIECE ? n - at : PIECE;
}

/* ---- forward ---- */

static void silu_loop(float *y, const float *x, size_t n)
{
    silu_array(y, x, n);
}

static void gelu_loop(float *y, const float *x, size_t n)
{
    float t[PIECE];
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t m = piece(at, n);
        for (size_t i = 0; i < m; i++)
            t[i] = x[at + i] * GELU_C;
        erf_array(t, t, m);
#pragma omp simd
        for (size_t i = 0; i < m; i++) {
            const float half = 0.5f * x[at + i];
            const float twice = 1.0f + t[i];
            y[at + i] = half * twice;
        }
    }
}

static void quick_gelu_loop(float *y, const float *x, size_t n)
{
    float t[PIECE];
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t m = piece(at, n);
        for (size_t i = 0; i < m; i++)
            t[i] = QUICK_GELU * x[at + i];
        sigmoid_array(t, t, m);
#pragma omp simd
        for (size_t i = 0; i < m; i++)
            y[at + i] = x[at + i] * t[i];
    }
}

static void relu_loop(float *y, const float *x, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void sigmoid_loop(float *y, const float *x, size_t n)
{
    sigmoid_array(y, x, n);
}

static void tanh_loop(float *y, const float *x, size_t n)
{
    tanh_array(y, x, n);
}

/* ---- backward: the column dx of the header ---- */

/* dy * (s * (1 + u * (1 - s))) */
static inline float sigmoid_gate_slope(float dy, float u, float s)
{
    const float rest = 1.0f - s;
    const float curve = u * rest;
    const float sum = 1.0f + curve;
    const float slope = s * sum;
    return dy * slope;
}

static void silu_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    float s[PIECE];
    (void)y;
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t m = piece(at, n);
        sigmoid_array(s, x + at, m);
#pragma omp simd
        for (size_t i = 0; i < m; i++)
            dx[at + i] = sigmoid_gate_slope(dy[at + i], x[at + i], s[i]);
    }
}

static void quick_gelu_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    float u[PIECE], s[PIECE];
    (void)y;
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t m = piece(at, n);
        for (size_t i = 0; i < m; i++)
            u[i] = QUICK_GELU * x[at + i];
        sigmoid_array(s, u, m);
#pragma omp simd
        for (size_t i = 0; i < m; i++)
            dx[at + i] = sigmoid_gate_slope(dy[at + i], u[i], s[i]);
    }
}

static void gelu_both(float *y, float *slope, const float *x, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float square = x[i] * x[i];
        y[i] = x[i] * GELU_C;
        slope[i] = -0.5f * square;
    }
    erf_array(y, y, n);
    exp_array(slope, slope, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float twice = 1.0f + y[i];
        const float half = 0.5f * x[i];
        const float share = 0.5f * twice;
        const float density = slope[i] * GELU_K;
        const float curve = x[i] * density;
        y[i] = half * twice;
        slope[i] = share + curve;
    }
}

static void gelu_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    float value[PIECE], slope[PIECE];
    (void)y;
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t m = piece(at, n);
        gelu_both(value, slope, x + at, m);
#pragma omp simd
        for (size_t i = 0; i < m; i++)
            dx[at + i] = dy[at + i] * slope[i];
    }
}

static void relu_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    (void)y;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0.0f ? dy[i] : 0.0f;
}

static void sigmoid_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    (void)x;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float rest = 1.0f - y[i];
        const float slope = y[i] * rest;
        dx[i] = dy[i] * slope;
    }
}

static void tanh_slope(float *dx, const float *dy, const float *x, const float *y, size_t n)
{
    (void)x;
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float square = y[i] * y[i];
        const float slope = 1.0f - square;
        dx[i] = dy[i] * slope;
    }
}

extern const ActivationTable ISA_TABLE(activation_table);
const ActivationTable ISA_TABLE(activation_table) = {
    .forward = {silu_loop, gelu_loop, quick_gelu_loop, relu_loop, sigmoid_loop, tanh_loop},
    .backward = {silu_slope, gelu_slope, quick_gelu_slope, relu_slope, sigmoid_slope, tanh_slope},
    .gelu_both = gelu_both,
};
