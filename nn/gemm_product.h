/* nn/gemm_product.h - products of matrices that lie in memory any way round, split among the threads.
 *
 *   C[n][r][j] = sum over k of A[n][r][k] * B[n][k][j]  (+ row_bias[r]  or  + lane_bias[j])
 *
 * The caller says what plays the rows, which stay where they are, and what plays the lanes, which are packed;
 * the bits do not depend on that choice. */
#ifndef NN_GEMM_PRODUCT_H
#define NN_GEMM_PRODUCT_H

#include <stddef.h>

/* Where A or B lies: element k of row r (of A) or of lane j (of B) in product n is
 * data[n * batch + r * across + k * along]. */
typedef struct {
    const float *data;
    size_t batch, across, along;
} GemmOperand;

/* Element (n,r,j) is data[n * batch + r * row + j * lane]; row or lane is 1. */
typedef struct {
    float *data;
    size_t batch, row, lane;
} GemmResult;

typedef struct {
    size_t batch, rows, lanes, K;
    GemmOperand a, b;
    GemmResult c;
    const float *row_bias, *lane_bias; /* at most one is not NULL */
} GemmProduct;

/* Bytes of scratch for a product of that size. */
size_t gemm_product_scratch(size_t rows, size_t lanes, size_t K);

void gemm_product(const GemmProduct *product, void *scratch);

#endif
