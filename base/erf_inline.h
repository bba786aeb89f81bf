/* base/erf_inline.h - the error function of a float, correctly rounded, as loops over arrays want it.
 *
 *   |x| < 1.5             erf(x) = x + x A(x^2)
 *   1.5 <= |x| <= 3.93    erf(x) = B(|x| - 2.71875), 2.71875 being the middle of the range
 *   beyond                erf(x) rounds to 1
 * and erf(-x) = -erf(x).  Both polynomials are computed for every x and one result is chosen, so that a loop
 * has no branch.  tests/verify_math.c tried all 2^32 inputs. */
#ifndef BASE_ERF_INLINE_H
#define BASE_ERF_INLINE_H

#include "base/exp_inline.h"

/* A(w) = erf(x) / x - 1, w = x^2: our own fit of degree 13 in Chebyshev nodes (tests/fit_math.c), error of erf 2^-52.5. */
static const double ERF_LOW[14] = {0x1.06eba8214db65p-3,   -0x1.812746b037893p-2,  0x1.ce2f21a03921dp-4,
                                   -0x1.b82ce310d1c7dp-6,  0x1.565bcce57bf6fp-8,   -0x1.c02daf6b438eap-11,
                                   0x1.f9a2d1b1925fdp-14,  -0x1.f4ce2339a9835p-17, 0x1.b9c14f4da3bbep-20,
                                   -0x1.5e882d9fb938cp-23, 0x1.f487bb33f4749p-27,  -0x1.3807c5ff46958p-30,
                                   0x1.306af975177e1p-34,  -0x1.526381f4424a9p-39};

static inline double erf_low(double x)
{
    const double *c = ERF_LOW;
    const double w = x * x, w2 = w * w, w4 = w2 * w2, w8 = w4 * w4;
    const double c0 = (c[0] + w * c[1]) + w2 * (c[2] + w * c[3]);
    const double c4 = (c[4] + w * c[5]) + w2 * (c[6] + w * c[7]);
    const double c8 = (c[8] + w * c[9]) + w2 * (c[10] + w * c[11]);
    const double c12 = c[12] + w * c[13];
    return x + x * ((c0 + w4 * c4) + w8 * (c8 + w4 * c12));
}

/* B(t) = erf(t + 2.71875): our own fit of degree 24 (tests/fit_math.c), error 2^-54.5. */
static const double ERF_HIGH[25] = {
    0x1.fff0312b010b5p-1,   0x1.6caa0d35828d4p-11,  -0x1.efb729f4be27dp-10, 0x1.a2da7cec09131p-9,
    -0x1.e6c27ad2b02fcp-9,  0x1.93b1f34a80ae2p-9,   -0x1.d8179ccc53cc3p-10, 0x1.5cf51cbe7666fp-11,
    -0x1.16dab20dc84efp-14, -0x1.76592c1e8791ep-14, 0x1.fa407d15f7f91p-15,  -0x1.fef0c72439458p-17,
    -0x1.2d31909e21f31p-19, 0x1.9e307f36cf222p-19,  -0x1.e4a1debb993c8p-21, -0x1.d5d7a3c14cf38p-25,
    0x1.0a3ddcb244cbcp-23,  -0x1.220a042fc189dp-25, -0x1.85620feaceb83p-29, 0x1.24d7af4478e30p-28,
    -0x1.d29f5b790645fp-31, -0x1.c35c1ee7f8d56p-33, 0x1.dab5534786a61p-34,  0x1.3c997bdef246cp-40,
    -0x1.68bf829875327p-38};

static inline double erf_high(double x)
{
    const double *c = ERF_HIGH;
    const double t = x - 2.71875, t2 = t * t, t4 = t2 * t2, t8 = t4 * t4;
    const double c1 = c[1] + t * c[2];
    const double c3 = (c[3] + t * c[4]) + t2 * (c[5] + t * c[6]);
    const double c7 = (c[7] + t * c[8]) + t2 * (c[9] + t * c[10]);
    const double c11 = (c[11] + t * c[12]) + t2 * (c[13] + t * c[14]);
    const double c15 = (c[15] + t * c[16]) + t2 * (c[17] + t * c[18]);
    const double c19 = (c[19] + t * c[20]) + t2 * (c[21] + t * c[22]);
    const double c23 = c[23] + t * c[24];
    const double from7 = (c7 + t4 * c11) + t8 * ((c15 + t4 * c19) + t8 * c23);
    return c[0] + t * ((c1 + t2 * c3) + (t2 * t4) * from7);
}

static inline float erf_inline(float x)
{
    const uint32_t u = float_bits(x), size = u & 0x7fffffffu;
    const double d = limited(size, 0x40800000u); /* 4 */
    uint32_t y =
        select_bits(size < 0x3fc00000u, float_bits((float)erf_low(d)), float_bits((float)erf_high(d)));
    y = select_bits(size > 0x407b8000u, 0x3f800000u, y); /* 3.9297 */
    return nan_kept(u, y | (u & 0x80000000u));
}

#endif
