/* tests/toy_denoiser.h - networks whose answer is known, for tests of samplers.
 *
 *   published  x t / (t + 1): the stand-in of diffusers' own scheduler tests
 *   point      the data is one number c: eps = (x - a c) / s
 *   gaussian   the data is N(0, q^2) in every number: eps = s x / (q^2 a^2 + s^2)
 * The last two answer as prediction_type asks, in binary64, from the schedule of the run. */
#ifndef TESTS_TOY_DENOISER_H
#define TESTS_TOY_DENOISER_H

#include <math.h>

#include "diffusion/denoise.h"

typedef enum { TOY_PUBLISHED, TOY_POINT, TOY_GAUSSIAN } ToyKind;

typedef struct {
    ToyKind kind;
    const SamplerRun *run;
    double c, q;
    bool
        sigma_space; /* the network sees x / sqrt(1 + sigma^2) of a sigma-space sampler: the same VP state */
} Toy;

static inline Status toy_predict(void *context, float *out, const float *x, double time, Error *err)
{
    const Toy *toy = context;
    const size_t n = (size_t)toy->run->images * toy->run->sample;
    const double abar = toy->kind != TOY_PUBLISHED
                            ? 1.0 / (1.0 + pow(schedule_sigma_at(&toy->run->schedule, time), 2.0))
                            : 0.0;
    const double a = sqrt(abar), s = sqrt(1 - abar);
    (void)err;
    for (size_t i = 0; i < n; i++) {
        if (toy->kind == TOY_PUBLISHED) {
            const float p = x[i] * (float)time; /* torch: (sample * t) / (t + 1), rounded twice */
            out[i] = p / (float)(time + 1);
            continue;
        }
        const double eps =
            toy->kind == TOY_POINT ? (x[i] - a * toy->c) / s : s * x[i] / (toy->q * toy->q * a * a + s * s);
        const double x0 = (x[i] - s * eps) / a;
        const int type = toy->run->config.prediction_type;
        out[i] = (float)(type == PREDICT_EPSILON ? eps : type == PREDICT_V ? a * eps - s * x0 : x0);
    }
    return STATUS_OK;
}

static inline Denoiser toy_denoiser(Toy *toy)
{
    return (Denoiser){toy_predict, toy, 1};
}

/* The sample that diffusers' tests start from, shape (4,3,8,8): arange(768) / 768 as (3,8,8,4), with axes
 * (3,0,1,2). */
static inline void toy_sample(float x[768])
{
    for (int n = 0; n < 4; n++)
        for (int k = 0; k < 192; k++)
            x[n * 192 + k] = (float)(k * 4 + n) / 768.0f;
}

/* The noise that its "with_noise" tests add: the numbers of toy_sample from behind, dummy_noise_deter. */
static inline void toy_noise(float x[768])
{
    for (int n = 0; n < 4; n++)
        for (int k = 0; k < 192; k++)
            x[n * 192 + k] = (float)(767 - (k * 4 + n)) / 768.0f;
}

#endif
