#include <math.h>

#include "base/isa.h"
#include "nn/optimizer.h"

static inline float decayed(float grad, float p, float decay)
{
    const float pull = decay * p;
    return grad + pull;
}

static void sgd(float *p, const float *grad, size_t n, SgdScalars s)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float step = s.rate * decayed(grad[i], p[i], s.decay);
        p[i] = p[i] - step;
    }
}

static void momentum(float *p, float *b, const float *grad, size_t n, SgdScalars s)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float kept = s.momentum * b[i];
        b[i] = kept + decayed(grad[i], p[i], s.decay);
        const float step = s.rate * b[i];
        p[i] = p[i] - step;
    }
}

static void nesterov(float *p, float *b, const float *grad, size_t n, SgdScalars s)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = decayed(grad[i], p[i], s.decay);
        const float kept = s.momentum * b[i];
        b[i] = kept + g;
        const float ahead = s.momentum * b[i];
        const float d = g + ahead;
        const float step = s.rate * d;
        p[i] = p[i] - step;
    }
}

/* adam has shrink 1, adamw has decay 0: neither changes p or g by a bit (but that -0 + 0 is +0). */
static void adam(float *p, float *m, float *v, const float *grad, size_t n, AdamScalars s)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const float g = decayed(grad[i], p[i], s.decay);
        const float m_kept = s.beta1 * m[i], m_new = s.rest1 * g;
        m[i] = m_kept + m_new;
        const float v_kept = s.beta2 * v[i], v_half = s.rest2 * g;
        const float v_new = v_half * g;
        v[i] = v_kept + v_new;
        const float spread = sqrtf(v[i]);
        const float corrected = spread / s.root;
        const float below = corrected + s.eps;
        const float direction = m[i] / below;
        const float step = s.size * direction;
        const float shrunk = p[i] * s.shrink;
        p[i] = shrunk - step;
    }
}

extern const OptimizerTable ISA_TABLE(optimizer_table);
const OptimizerTable ISA_TABLE(optimizer_table) = {sgd, momentum, nesterov, adam};
