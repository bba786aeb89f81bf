#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/elementary_inline.h"
#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/attention_heads.h"
#include "nn/gemm_lanes.h"

/* One pass a step: only in loops as small as these do compilers keep `largest` in registers. */
static void scores(float *restrict p, float *restrict most, size_t n, size_t key, float scale,
                   const float *restrict mask, size_t first)
{
#pragma omp simd
    for (size_t i = 0; i < n * LANES; i++)
        p[i] = p[i] * scale;
    if (mask != NULL)
#pragma omp simd
        for (size_t i = 0; i < n * LANES; i++)
            p[i] = p[i] + mask[i];
    for (size_t i = 0; first != SIZE_MAX && i < n; i++)
        for (size_t j = 0; j < LANES && first + j < key + i; j++)
            p[i * LANES + j] = -INFINITY;
    float largest[LANES];
    memcpy(largest, key == 0 ? p : most, sizeof largest);
    for (size_t i = 0; i < n; i++)
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            largest[j] = largest[j] < p[i * LANES + j] ? p[i * LANES + j] : largest[j];
    memcpy(most, largest, sizeof largest);
}

static void exponentials(float *p, double *sum, const float *most, size_t S)
{
    double sums[SUM_LANES][LANES] = {{0}};
    for (size_t i = 0; i < S; i++) {
        float *restrict at = p + i * LANES;
        double *restrict to = sums[i % SUM_LANES];
#pragma omp simd
        for (size_t j = 0; j < LANES; j++) {
            const float below = at[j] - most[j];
            at[j] = exp_inline(below);
            to[j] = to[j] + (double)at[j];
        }
    }
    for (size_t j = 0; j < LANES; j++) {
        double lane[SUM_LANES];
        for (size_t l = 0; l < SUM_LANES; l++)
            lane[l] = sums[l][j];
        sum[j] = sum8_fold(lane);
    }
}

static void divide(float *p, const double *sum, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float *restrict at = p + i * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            at[j] = (float)((double)at[j] / sum[j]);
    }
}

/* The last numbers of a row in pieces of constant size: a call of memcpy would cost more than they do. */
static void copy_piece(float *restrict to, const float *restrict from, size_t rest)
{
    size_t c = 0;
    if ((rest & 8) != 0) {
        memcpy(to, from, 8 * sizeof *to);
        c = 8;
    }
    if ((rest & 4) != 0) {
        memcpy(to + c, from + c, 4 * sizeof *to);
        c += 4;
    }
    if ((rest & 2) != 0) {
        memcpy(to + c, from + c, 2 * sizeof *to);
        c += 2;
    }
    if ((rest & 1) != 0)
        to[c] = from[c];
}

/* A vector of some rows at a time: compilers turn a row of constant pieces into one call of memcpy. */
static void copy_rows(float *restrict to, size_t pitch, const float *restrict from, size_t row, size_t n,
                      size_t d, size_t zeros)
{
    enum { TOGETHER = 16 };
    const size_t rest = d % LANES, whole = d - rest;
    for (size_t first = 0; first < n; first += TOGETHER) {
        const size_t end = gemm_least(first + TOGETHER, n);
        for (size_t c = 0; c < whole; c += LANES)
            for (size_t i = first; i < end; i++)
                memcpy(to + i * pitch + c, from + i * row + c, LANES * sizeof *to);
        for (size_t c = whole; c < zeros; c += LANES)
            for (size_t i = first; i < end; i++)
                memset(to + i * pitch + c, 0, LANES * sizeof *to);
        for (size_t i = first; i < end && rest > 0; i++)
            copy_piece(to + i * pitch + whole, from + i * row + whole, rest);
    }
}

static void back(float *dp, const float *p, size_t S, float scale)
{
    double sums[SUM_LANES][LANES] = {{0}}, mean[LANES];
    for (size_t i = 0; i < S; i++) {
        const float *restrict a = p + i * LANES, *restrict b = dp + i * LANES;
        double *restrict to = sums[i % SUM_LANES];
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            to[j] = to[j] + (double)a[j] * (double)b[j];
    }
    for (size_t j = 0; j < LANES; j++) {
        double lane[SUM_LANES];
        for (size_t l = 0; l < SUM_LANES; l++)
            lane[l] = sums[l][j];
        mean[j] = sum8_fold(lane);
    }
    for (size_t i = 0; i < S; i++) {
        const float *restrict a = p + i * LANES;
        float *restrict b = dp + i * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++) {
            const float d = (float)((double)a[j] * ((double)b[j] - mean[j]));
            b[j] = d * scale;
        }
    }
}

extern const AttentionTable ISA_TABLE(attention_table);
const AttentionTable ISA_TABLE(attention_table) = {scores, exponentials, divide, copy_rows, back};
