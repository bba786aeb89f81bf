#include "nn/softmax.h"

#include "base/elementary.h"
#include "base/isa.h"
#include "base/sum_inline.h"

enum { LANES = 16 };

/* The largest number of the row.  Its value does not depend on the order in which the numbers are compared, and a
 * NaN anywhere turns the whole row into NaN below, whatever the maximum is. */
static float row_maximum(const float *x, size_t n)
{
    float lane[LANES], most = x[0];
    for (size_t l = 0; l < LANES; l++)
        lane[l] = x[0];
    const size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] = lane[l] < x[i + l] ? x[i + l] : lane[l];
    for (size_t l = 0; l < LANES; l++)
        most = most < lane[l] ? lane[l] : most;
    for (size_t i = whole; i < n; i++)
        most = most < x[i] ? x[i] : most;
    return most;
}

static double forward(float *y, const float *x, size_t n)
{
    const float most = row_maximum(x, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] - most;
    exp_array(y, y, n);
    const double sum = sum8_inline(y, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)y[i] / sum);
    return sum;
}

static void backward(float *dx, const float *dy, const float *y, size_t n)
{
    const double mean = sum8_dot_inline(dy, y, n);
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = (float)((double)y[i] * ((double)dy[i] - mean));
}

extern const SoftmaxTable ISA_TABLE(softmax_table);
const SoftmaxTable ISA_TABLE(softmax_table) = {forward, backward};
