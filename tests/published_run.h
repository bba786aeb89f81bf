/* tests/published_run.h - one of the full loops whose sums diffusers publishes in its scheduler tests, run by the sampler
 * of the class that the reference case names (scheduler-published in docs/formats/cases.md). */
#ifndef TESTS_PUBLISHED_RUN_H
#define TESTS_PUBLISHED_RUN_H

#include <string.h>

#include "io/json.h"
#include "tests/toy_denoiser.h"

enum { PUBLISHED_MOST = 768 };

typedef struct {
    SamplerRun run;
    Rng rng;
    Toy toy;
    size_t n;                    /* numbers in the sample */
    float x[PUBLISHED_MOST];     /* the sample; at the end the result */
    float first[PUBLISHED_MOST]; /* after the first step */
} PublishedRun;

static inline bool published_contains(const Json *test, const char *part)
{
    return strstr(json_text(json_get(test, "test"), ""), part) != NULL ||
           strstr(json_text(json_get(test, "tensor_prefix"), ""), part) != NULL;
}

/* Whether set_timesteps is given a list of its own, for which no sampler has an option. */
static inline bool published_listed(const Json *test)
{
    return json_count(json_get(json_get(json_get(test, "set_timesteps"), "kwargs"), "timesteps")) > 0;
}

static inline Status published_config(SchedulerConfig *out, const Json *test, Arena *arena, Error *err)
{
    Bytes text = {.arena = arena};
    JsonWriter w = {.out = &text};
    json_write_value(&w, NULL, json_get(test, "config"));
    return scheduler_config_parse(out, (const char *)text.data, text.size, "config", arena, err);
}

/* The plan: set_timesteps' argument or all timesteps; a loop of fewer calls than the plan starts in its middle.  The
 * sample is (4,3,8,8), of the tests "1D" (4,3,8). */
static inline Status published_plan(PublishedRun *loop, const Sampler *sampler, const Json *test,
                                    bool compat_f32, Arena *arena, Error *err)
{
    SchedulerConfig config = {0};
    const Json *arguments = json_get(json_get(test, "set_timesteps"), "args");
    const SamplerOptions options = {.compat_f32 = compat_f32};
    Status status = published_config(&config, test, arena, err);
    if (status != STATUS_OK)
        return status;
    loop->rng = rng_stream(RNG_TORCH, 0, STREAM_STEP, 0);
    loop->n = published_contains(test, "1D") ? 96 : 768;
    const int steps = json_int(json_at(arguments, 0),
                               scheduler_config_over(&config, sampler->defaults).num_train_timesteps);
    status =
        sampler_begin(&loop->run, sampler, &config, options, steps, 1, loop->n, &loop->rng, arena, err);
    const int calls = json_int(json_get(test, "step_calls"), 0);
    if (status == STATUS_OK && calls > 0 && calls < loop->run.calls)
        loop->run.first = loop->run.calls - calls;
    return status;
}

/* The loop: from the sample, scaled for the first level; "with_noise": with the noise of the level that it starts at.
 * Those tests hand the step the sample that was scaled for the network, and so does this loop; but for classes with
 * sigma_data they do not, and that of EDM's DPM-Solver scales nothing. */
static inline Status published_loop_run(PublishedRun *loop, const Json *test, Error *err)
{
    float noise[PUBLISHED_MOST], out[PUBLISHED_MOST];
    SamplerRun *run = &loop->run;
    const Sampler *sampler = run->sampler;
    const bool edm = sampler_takes(sampler, "sigma_data");
    const bool scaled = sampler->input != NULL && sampler != &SAMPLER_EDM_DPM_MULTI;
    Status status = STATUS_OK;
    toy_sample(loop->x, loop->n);
    if (sampler != &SAMPLER_EDM_DPM_MULTI)
        sampler_start(run, loop->x);
    if (published_contains(test, "with_noise")) {
        toy_noise(noise, loop->n);
        sampler_renoise(run, run->first, loop->x, loop->x, noise, loop->n);
    }
    loop->toy = (Toy){.kind = TOY_PUBLISHED, .run = run};
    for (int call = run->first; call < run->calls && status == STATUS_OK; call++) {
        float *seen = edm && scaled ? out : loop->x;
        if (scaled)
            sampler->input(run, call, seen, loop->x);
        status = toy_predict(&loop->toy, out, seen, run->time[call], err);
        sampler->step(run, call, loop->x, out);
        if (call == run->first)
            memcpy(loop->first, loop->x, loop->n * sizeof *loop->x);
    }
    return status;
}

static inline double published_number(const Json *published, size_t i)
{
    return json_number(json_get(json_at(published, i), "value"), NAN);
}

/* Whether entry i of the list `published` is the one that a result is held against: where a kind (sum, mean) has several,
 * one for each device that diffusers tests on without saying which, that is the nearest. */
static inline bool published_counts(const Json *published, size_t i, double got)
{
    const char *kind = json_text(json_get(json_at(published, i), "kind"), "sum");
    const double distance = fabs(got - published_number(published, i));
    for (size_t k = 0; k < json_count(published); k++) {
        const double other = fabs(got - published_number(published, k));
        if (strcmp(json_text(json_get(json_at(published, k), "kind"), "sum"), kind) == 0 &&
            (other < distance || (other == distance && k < i)))
            return false;
    }
    return true;
}

/* The sum and the mean of the absolute values. */
static inline double published_sum(const PublishedRun *loop)
{
    double sum = 0;
    for (size_t i = 0; i < loop->n; i++)
        sum += fabs((double)loop->x[i]);
    return sum;
}

#endif
