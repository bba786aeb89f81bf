/* tests/pipeline_check.h - what the tests of the pipelines share: inputs, a watch over the steps, reference runs. */
#ifndef TESTS_PIPELINE_CHECK_H
#define TESTS_PIPELINE_CHECK_H

#include "diffusion/pipeline_txt2img.h"
#include "tests/net_cases.h"

/* Numbers in [-1, 1]. */
static inline void fill_planes(float *planes, size_t n)
{
    Rng rng = rng_stream(RNG_PHILOX, 3, STREAM_TEST, 11);
    rng_uniform_fill(&rng, planes, n);
    for (size_t i = 0; i < n; i++)
        planes[i] = 2.0f * planes[i] - 1.0f;
}

/* The latents after every call of one run of one picture. */
typedef struct {
    float *latents;
    double time[64];
    size_t sample;
    int calls;
} StepWatch;

static inline Status keep_step(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    StepWatch *w = context;
    (void)err;
    memcpy(w->latents + (size_t)w->calls * w->sample, x, w->sample * sizeof *x);
    w->time[w->calls++] = loop->time[call];
    return STATUS_OK;
}

/* A case of models/sd1-tiny; false when it is not there. */
static inline bool pipeline_case_open(Case *c, Model *m, const char *name, Arena *arena)
{
    char path[CASE_PATH];
    Error err = {0};
    if (!case_exists(name) || !case_open(c, name, arena))
        return false;
    const bool good =
        model_open(m, case_path(path, "models/sd1-tiny"), MODEL_ALL, 0, arena, &err) == STATUS_OK;
    if (!CHECK(good))
        printf("    %s\n", err.text);
    return good;
}

/* The case's "image" (1, 3, H, W) in [0, 1] as the pipelines take it; NULL, with a failed check, when it is missing. */
static inline float *case_planes(const Case *c, PicturePlanes *out)
{
    size_t n = 0;
    float *planes = case_numbers(c, &c->inputs, "image", &n);
    const SafetensorsEntry *entry = safetensors_find(&c->inputs, "image");
    for (size_t i = 0; planes != NULL && i < n; i++)
        planes[i] = 2.0f * planes[i] - 1.0f;
    if (planes != NULL)
        *out = (PicturePlanes){planes, 1, (int)entry->dim[2], (int)entry->dim[3]};
    return planes;
}

/* A picture against (1, H, W, 3) in [0, 1]; it may differ by one level where a sample lies near the middle of two. */
static inline void case_picture(const Case *c, const char *name, const Image *got)
{
    size_t n;
    const float *image = case_numbers(c, &c->expected, name, &n);
    double most = 0;
    if (image == NULL || !CHECK(n == image_size(got)))
        return;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(got->pixels[i] / 255.0 - (double)image[i]);
        most = off > most ? off : most;
    }
    CHECK(most <= 0.5 / 255 + 1e-4);
}

#endif
