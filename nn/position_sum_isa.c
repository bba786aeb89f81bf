#include "nn/position_sum.h"

#include "base/isa.h"
#include "base/sum_inline.h"

/* Row r goes to lane r mod 8 of every column. */
static void column_sums(double *sum, const float *x, size_t rows, size_t stride, size_t columns)
{
    double lane[SUM_LANES][COLUMN_BLOCK] = {{0}};
    for (size_t r = 0; r < rows; r++) {
        double *to = lane[r % SUM_LANES];
        const float *row = x + r * stride;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            to[c] += (double)row[c];
    }
    for (size_t c = 0; c < columns; c++) {
        double s[SUM_LANES];
        for (size_t l = 0; l < SUM_LANES; l++)
            s[l] = lane[l][c];
        sum[c] = sum8_fold(s);
    }
}

extern const PositionSumTable ISA_TABLE(position_sum_table);
const PositionSumTable ISA_TABLE(position_sum_table) = {.columns = column_sums};
