#include <math.h>
#include <stdint.h>

#include "base/elementary_inline.h"
#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/attention_heads.h"
#include "nn/gemm_lanes.h"

static void scores(float *p, float *most, size_t n, size_t key, float scale, const float *mask,
                   size_t first)
{
    for (size_t i = 0; i < n; i++) {
        float *restrict at = p + i * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            at[j] = at[j] * scale;
        if (mask != NULL)
#pragma omp simd
            for (size_t j = 0; j < LANES; j++)
                at[j] = at[j] + mask[i * LANES + j];
        for (size_t j = 0; first != SIZE_MAX && j < LANES && first + j < key + i; j++)
            at[j] = -INFINITY;
        if (key + i == 0)
            for (size_t j = 0; j < LANES; j++)
                most[j] = at[j];
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            most[j] = most[j] < at[j] ? at[j] : most[j];
    }
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
const AttentionTable ISA_TABLE(attention_table) = {scores, exponentials, divide, back};
