#include "nn/resample.h"

#include "base/isa.h"

static void twice(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[2 * i] = x[i];
        y[2 * i + 1] = x[i];
    }
}

/* sum8 of four numbers; the last addition is that of its empty lanes, which make -0 a +0. */
static void fold(float *dx, const float *dy0, const float *dy1, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double left = (double)dy0[2 * i] + (double)dy1[2 * i];
        const double right = (double)dy0[2 * i + 1] + (double)dy1[2 * i + 1];
        dx[i] = (float)((left + right) + 0.0);
    }
}

extern const NearestTable ISA_TABLE(nearest_table);
const NearestTable ISA_TABLE(nearest_table) = {twice, fold};
