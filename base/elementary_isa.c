#include "base/elementary.h"
#include "base/elementary_inline.h"
#include "base/isa.h"

static void exp_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_inline(x[i]);
}

static void expm1_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = expm1_inline(x[i]);
}

static void log_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = log_inline(x[i]);
}

static void log1p_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = log1p_inline(x[i]);
}

static void tanh_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = tanh_inline(x[i]);
}

static void erf_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = erf_inline(x[i]);
}

static void sigmoid_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = sigmoid_inline(x[i]);
}

static void silu_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = silu_inline(x[i]);
}

static void softplus_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = softplus_inline(x[i]);
}

static int is_far(float x)
{
    return (float_bits(x) & 0x7fffffffu) > CIRCLE_NEAR;
}

/* Whether any |x| is too large for the near functions, an infinity or a NaN. */
static int any_far(const float *x, size_t n)
{
    uint32_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= CIRCLE_NEAR - (float_bits(x[i]) & 0x7fffffffu); /* the top bit: it wrapped around */
    return any >> 31 != 0;
}

static void sin_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = sin_near_inline(x[i]);
    if (any_far(x, n))
        for (size_t i = 0; i < n; i++)
            if (is_far(x[i]))
                y[i] = sin_f32(x[i]);
}

static void cos_loop(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = cos_near_inline(x[i]);
    if (any_far(x, n))
        for (size_t i = 0; i < n; i++)
            if (is_far(x[i]))
                y[i] = cos_f32(x[i]);
}

extern const ElementaryTable ISA_TABLE(elementary_table);
const ElementaryTable ISA_TABLE(elementary_table) = {
    .exp = exp_loop,
    .expm1 = expm1_loop,
    .log = log_loop,
    .log1p = log1p_loop,
    .sin = sin_loop,
    .cos = cos_loop,
    .tanh = tanh_loop,
    .erf = erf_loop,
    .silu = silu_loop,
    .sigmoid = sigmoid_loop,
    .softplus = softplus_loop,
};
