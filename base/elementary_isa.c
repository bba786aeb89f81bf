#include <string.h>

#include "base/elementary.h"
#include "base/elementary_inline.h"
#include "base/isa.h"

enum { BLOCK = 256 }; /* floats; a block of results lies in the first-level cache */

/* f over an array.  Results go through a block of our own: it overlaps nothing, so the compiler may widen the
 * loop even when y is x.  Inlined with a constant f, the call disappears. */
static inline void map(float *y, const float *x, size_t n, float (*f)(float))
{
    float block[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        const size_t m = n - done < BLOCK ? n - done : BLOCK;
        for (size_t i = 0; i < m; i++)
            block[i] = f(x[done + i]);
        memcpy(y + done, block, m * sizeof *y);
    }
}

/* The same for sin and cos: `near` is good up to 10^5; where larger arguments occur, `any` does them again. */
static inline void map_circle(float *y, const float *x, size_t n, float (*near)(float), float (*any)(float))
{
    float block[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        const size_t m = n - done < BLOCK ? n - done : BLOCK;
        uint32_t far = 0; /* its top bit: some |x| is larger, an infinity or a NaN */
        for (size_t i = 0; i < m; i++) {
            far |= CIRCLE_NEAR - (float_bits(x[done + i]) & 0x7fffffffu);
            block[i] = near(x[done + i]);
        }
        for (size_t i = 0; i < m && far >> 31 != 0; i++)
            if ((float_bits(x[done + i]) & 0x7fffffffu) > CIRCLE_NEAR)
                block[i] = any(x[done + i]);
        memcpy(y + done, block, m * sizeof *y);
    }
}

static void exp_map(float *y, const float *x, size_t n)
{
    map(y, x, n, exp_inline);
}

static void expm1_map(float *y, const float *x, size_t n)
{
    map(y, x, n, expm1_inline);
}

static void log_map(float *y, const float *x, size_t n)
{
    map(y, x, n, log_inline);
}

static void log1p_map(float *y, const float *x, size_t n)
{
    map(y, x, n, log1p_inline);
}

static void sin_map(float *y, const float *x, size_t n)
{
    map_circle(y, x, n, sin_near_inline, sin_f32);
}

static void cos_map(float *y, const float *x, size_t n)
{
    map_circle(y, x, n, cos_near_inline, cos_f32);
}

static void tanh_map(float *y, const float *x, size_t n)
{
    map(y, x, n, tanh_inline);
}

static void erf_map(float *y, const float *x, size_t n)
{
    map(y, x, n, erf_inline);
}

static void sigmoid_map(float *y, const float *x, size_t n)
{
    map(y, x, n, sigmoid_inline);
}

static void silu_map(float *y, const float *x, size_t n)
{
    map(y, x, n, silu_inline);
}

static void softplus_map(float *y, const float *x, size_t n)
{
    map(y, x, n, softplus_inline);
}

extern const ElementaryTable ISA_TABLE(elementary_table);
const ElementaryTable ISA_TABLE(elementary_table) = {
    .exp = exp_map,
    .expm1 = expm1_map,
    .log = log_map,
    .log1p = log1p_map,
    .sin = sin_map,
    .cos = cos_map,
    .tanh = tanh_map,
    .erf = erf_map,
    .silu = silu_map,
    .sigmoid = sigmoid_map,
    .softplus = softplus_map,
};
