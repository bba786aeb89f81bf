/* nn/attention_kernels.h - the softmax of attention for a vector of queries, or of keys, at once.
 *
 * Two ways to lie in memory, `lanes` of nn/gemm.h wide: with queries as lanes a softmax runs down a column
 * (key, query), with keys as lanes it runs along many short rows (query, key) whose statistics are known. */
#ifndef NN_ATTENTION_KERNELS_H
#define NN_ATTENTION_KERNELS_H

#include <stddef.h>

/* What the softmax of one query came to: the largest score, the sum of the exponentials, and, in backward,
 * the sum of P * dP. */
typedef struct {
    float most;
    double sum, mean;
} AttentionRow;

/* Which scores a causal query sees: those with key <= query; `first` is the query of the first lane or row, and
 * SIZE_MAX where every key is seen. */
typedef struct {
    /* p (S,lanes) holds q k^T and becomes P.  mask (S,lanes) or NULL.  Writes most and sum of `lanes` rows. */
    void (*down)(float *p, AttentionRow *row, size_t S, float scale, const float *mask, size_t first);
    /* The same for p (T,lanes) with keys key, key + 1 ... as lanes; row[t] is query first + t. */
    void (*along)(float *p, const AttentionRow *row, size_t T, float scale, const float *mask, size_t first,
                  size_t key);
    /* dp (S,lanes) becomes the gradient to q k^T; writes mean of `lanes` rows. */
    void (*back_down)(float *dp, AttentionRow *row, const float *p, size_t S, float scale);
    void (*back_along)(float *dp, const AttentionRow *row, const float *p, size_t T, float scale);
} AttentionTable;

#endif
