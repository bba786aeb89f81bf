#include "nn/attention_kernels.h"

#include <math.h>
#include <stdint.h>

#include "base/elementary_inline.h"
#include "base/isa.h"
#include "base/sum_inline.h"
#include "nn/gemm_lanes.h"

/* scale * p, plus the mask, -infinity where a causal query cannot see; the largest of each lane. */
static void scores_down(float *p, float *most, size_t S, float scale, const float *mask, size_t first)
{
    for (size_t s = 0; s < S; s++) {
        float *restrict at = p + s * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            at[j] = at[j] * scale;
        if (mask != NULL)
#pragma omp simd
            for (size_t j = 0; j < LANES; j++)
                at[j] = at[j] + mask[s * LANES + j];
        for (size_t j = 0; first != SIZE_MAX && j < LANES && first + j < s; j++)
            at[j] = -INFINITY;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            most[j] = s == 0 || most[j] < at[j] ? at[j] : most[j];
    }
}

static void down(float *p, AttentionRow *row, size_t S, float scale, const float *mask, size_t first)
{
    float most[LANES];
    double sums[SUM_LANES][LANES] = {{0}}, sum[LANES];
    scores_down(p, most, S, scale, mask, first);
    for (size_t s = 0; s < S; s++) {
        float *restrict at = p + s * LANES;
        double *restrict to = sums[s % SUM_LANES];
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
        row[j].most = most[j];
        row[j].sum = sum[j];
    }
    for (size_t s = 0; s < S; s++) {
        float *restrict at = p + s * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            at[j] = (float)((double)at[j] / sum[j]);
    }
}

static void along(float *p, const AttentionRow *row, size_t T, float scale, const float *mask, size_t first,
                  size_t key)
{
    for (size_t t = 0; t < T; t++) {
        float *restrict at = p + t * LANES;
        const float most = row[t].most;
        const double sum = row[t].sum;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            at[j] = at[j] * scale;
        if (mask != NULL)
#pragma omp simd
            for (size_t j = 0; j < LANES; j++)
                at[j] = at[j] + mask[t * LANES + j];
        for (size_t j = 0; first != SIZE_MAX && j < LANES; j++)
            at[j] = key + j > first + t ? -INFINITY : at[j];
#pragma omp simd
        for (size_t j = 0; j < LANES; j++) {
            const float below = at[j] - most;
            const float e = exp_inline(below);
            at[j] = (float)((double)e / sum);
        }
    }
}

/* nn/softmax.h's backward, then the scale. */
static void back_down(float *dp, AttentionRow *row, const float *p, size_t S, float scale)
{
    double sums[SUM_LANES][LANES] = {{0}}, mean[LANES];
    for (size_t s = 0; s < S; s++) {
        const float *restrict a = p + s * LANES, *restrict b = dp + s * LANES;
        double *restrict to = sums[s % SUM_LANES];
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            to[j] = to[j] + (double)a[j] * (double)b[j];
    }
    for (size_t j = 0; j < LANES; j++) {
        double lane[SUM_LANES];
        for (size_t l = 0; l < SUM_LANES; l++)
            lane[l] = sums[l][j];
        mean[j] = sum8_fold(lane);
        row[j].mean = mean[j];
    }
    for (size_t s = 0; s < S; s++) {
        const float *restrict a = p + s * LANES;
        float *restrict b = dp + s * LANES;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++) {
            const float d = (float)((double)a[j] * ((double)b[j] - mean[j]));
            b[j] = d * scale;
        }
    }
}

static void back_along(float *dp, const AttentionRow *row, const float *p, size_t T, float scale)
{
    for (size_t t = 0; t < T; t++) {
        const float *restrict a = p + t * LANES;
        float *restrict b = dp + t * LANES;
        const double mean = row[t].mean;
#pragma omp simd
        for (size_t j = 0; j < LANES; j++) {
            const float d = (float)((double)a[j] * ((double)b[j] - mean));
            b[j] = d * scale;
        }
    }
}

extern const AttentionTable ISA_TABLE(attention_table);
const AttentionTable ISA_TABLE(attention_table) = {down, along, back_down, back_along};
