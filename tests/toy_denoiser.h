/* tests/toy_denoiser.h - networks whose answer is known, for tests of samplers.
 *
 *   published  x t / (t + 1): the stand-in of diffusers' own scheduler tests
 *   point      the data is one number c: eps = (x - a c) / s
 *   gaussian   the data is N(0, q^2) in every number: eps = s x / (q^2 a^2 + s^2)
 * The last two answer as prediction_type asks, in binary64, from the levels of the run.  What they see is x = a x0 + s eps
 * of every sampler: those in sigma space scale their state to it.  Samplers with sigma_data are answered as [Kar22] has
 * it: x = c_in y, and out makes c_skip y + c_out out the mean of x0. */
#ifndef TESTS_TOY_DENOISER_H
#define TESTS_TOY_DENOISER_H

#include <math.h>

#include "diffusion/denoise.h"
#include "diffusion/edm.h"

typedef enum { TOY_PUBLISHED, TOY_POINT, TOY_GAUSSIAN } ToyKind;

typedef struct {
    ToyKind kind;
    const SamplerRun *run;
    double c, q;
    int asked; /* how often */
} Toy;

/* alpha-bar of the level that the network is asked about: the plan's own, else the schedule's at that time. */
static inline double toy_alpha_bar(const Toy *toy, double time)
{
    const SamplerRun *run = toy->run;
    const int call = run->first + toy->asked;
    const double sigma = run->sigma != NULL && call < run->calls ? run->sigma[call]
                                                                 : schedule_sigma_at(&run->schedule, time);
    return 1.0 / (1.0 + sigma * sigma);
}

/* One number of the answer of a network of [Kar22]. */
static inline float toy_edm(const Toy *toy, float x, double sigma)
{
    const double data = toy->run->config.sigma_data, y = x * sqrt(sigma * sigma + data * data);
    const double share = toy->kind == TOY_POINT ? 0.0 : toy->q * toy->q / (toy->q * toy->q + sigma * sigma);
    const EdmScales c = edm_scales(toy->run, sigma);
    return (float)(((toy->kind == TOY_POINT ? toy->c : share * y) - c.skip * y) / c.out);
}

static inline Status toy_predict(void *context, float *out, const float *x, double time, Error *err)
{
    Toy *toy = context;
    const size_t n = (size_t)toy->run->images * toy->run->sample;
    const double abar = toy->kind != TOY_PUBLISHED ? toy_alpha_bar(toy, time) : 0.0;
    const double a = sqrt(abar), s = sqrt(1 - abar);
    toy->asked++;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        if (toy->kind == TOY_PUBLISHED) {
            const float p = x[i] * (float)time; /* torch: (sample * t) / (t + 1), rounded twice */
            out[i] = p / (float)(time + 1);
            continue;
        }
        if (sampler_takes(toy->run->sampler, "sigma_data")) {
            out[i] = toy_edm(toy, x[i], s / a);
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

/* The sample that diffusers' tests start from, shape (4,3,8,8) with n = 768 or (4,3,8) with n = 96: arange(n) / n with
 * the axis of 4 last, which is then moved to the front. */
static inline void toy_sample(float *x, size_t n)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < n / 4; k++)
            x[i * (n / 4) + k] = (float)(k * 4 + i) / (float)n;
}

/* The noise that its "with_noise" tests add: the numbers of toy_sample from behind, dummy_noise_deter. */
static inline void toy_noise(float *x, size_t n)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < n / 4; k++)
            x[i * (n / 4) + k] = (float)(n - 1 - (k * 4 + i)) / (float)n;
}

#endif
