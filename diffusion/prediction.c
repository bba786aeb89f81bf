#include "diffusion/prediction.h"

#include <math.h>
#include <string.h>

#include "base/sort.h"

void predict_x0(float *x0, const float *x, const float *out, size_t n, int prediction_type, float a,
                float s)
{
    switch (prediction_type) {
    case PREDICT_EPSILON:
        for (size_t i = 0; i < n; i++) {
            const float p = s * out[i];
            const float d = x[i] - p;
            x0[i] = d / a;
        }
        break;
    case PREDICT_V:
        for (size_t i = 0; i < n; i++) {
            const float p = a * x[i];
            const float q = s * out[i];
            x0[i] = p - q;
        }
        break;
    default: memmove(x0, out, n * sizeof *x0); break;
    }
}

void predict_epsilon(float *eps, const float *x, const float *out, size_t n, int prediction_type, float a,
                     float s)
{
    switch (prediction_type) {
    case PREDICT_EPSILON: memmove(eps, out, n * sizeof *eps); break;
    case PREDICT_V:
        for (size_t i = 0; i < n; i++) {
            const float p = a * out[i];
            const float q = s * x[i];
            eps[i] = p + q;
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) {
            const float p = a * out[i];
            const float d = x[i] - p;
            eps[i] = d / s;
        }
        break;
    }
}

static void clamp_to(float *x, size_t n, float most)
{
    for (size_t i = 0; i < n; i++) {
        const float low = x[i] < -most ? -most : x[i];
        x[i] = most < low ? most : low;
    }
}

/* The quantile of |x|, q in [0, 1]: between the order statistics floor and ceil of q (n - 1). */
static float quantile(const float *x, size_t n, double q, float *scratch)
{
    for (size_t i = 0; i < n; i++)
        scratch[i] = fabsf(x[i]);
    sort_floats(scratch, scratch + n, n);
    const double rank = q * (double)(n - 1), below = floor(rank);
    const size_t k = (size_t)below;
    const double low = scratch[k], high = scratch[k + 1 < n ? k + 1 : k];
    return (float)(low + (high - low) * (rank - below));
}

void limit_x0(float *x0, int images, size_t n, const SchedulerConfig *config, float *scratch)
{
    if (config->thresholding) {
        for (int k = 0; k < images; k++, x0 += n) {
            float m = quantile(x0, n, config->dynamic_thresholding_ratio, scratch);
            const float most = (float)config->sample_max_value;
            m = m < 1.0f ? 1.0f : m;
            m = most < m ? most : m;
            clamp_to(x0, n, m);
            for (size_t i = 0; i < n; i++)
                x0[i] = x0[i] / m;
        }
    } else if (config->clip_sample) {
        clamp_to(x0, (size_t)images * n, (float)config->clip_sample_range);
    }
}
