/* tests/published_loops.h - the full loops whose sums diffusers publishes in its scheduler tests, for a sampler.
 *
 * Read from the reference case scheduler-published: configuration, steps, first and last sample. */
#ifndef TESTS_PUBLISHED_LOOPS_H
#define TESTS_PUBLISHED_LOOPS_H

#include "tests/cases.h"
#include "tests/toy_denoiser.h"

/* Runs the loop of tests/schedulers/... named `prefix` ("ddim.full_loop_no_noise") and compares timesteps, the
 * last sample (largest difference `atol`, relative where numbers are larger than 1) and the published sum and mean.
 * A loop with fewer calls than the plan starts in its middle; "with_noise": from the sample with toy_noise.  compat_f32 repeats diffusers' arithmetic; without it the
 * published sums are out of reach where binary32 scalars have lost digits, so they are not compared. */
static inline void published_loop(const Sampler *sampler, const Case *c, const Json *test,
                                  bool compat_f32, double atol, Arena *arena)
{
    const char *prefix = json_text(json_get(test, "tensor_prefix"), "?");
    Bytes text = {.arena = arena};
    JsonWriter w = {.out = &text};
    json_write_value(&w, NULL, json_get(test, "config"));
    SchedulerConfig config = {0};
    SamplerRun run = {0};
    Rng rng = rng_stream(RNG_TORCH, 0, STREAM_STEP, 0);
    const int T = json_int(json_get(json_get(test, "config"), "num_train_timesteps"), 1000);
    const Json *arguments = json_get(json_get(test, "set_timesteps"), "args");
    Error err = {0};
    CHECK(scheduler_config_parse(&config, (const char *)text.data, text.size, prefix, arena, &err) ==
          STATUS_OK);
    const SamplerOptions options = {.compat_f32 = compat_f32};
    if (!CHECK(sampler_begin(&run, sampler, &config, options, json_int(json_at(arguments, 0), T), 1, 768,
                             &rng, arena, &err) == STATUS_OK)) {
        printf("    %s: %s\n", prefix, err.text);
        return;
    }
    char name[200];
    size_t n;
    snprintf(name, sizeof name, "%s.timesteps", prefix);
    const float *times = case_numbers(c, &c->expected, name, &n);
    CHECK(times != NULL && n == (size_t)run.calls);
    for (size_t i = 0; times != NULL && i < n; i++)
        CHECK_NEAR(run.time[i], times[i], 1e-6);

    float x[768], noise[768];
    toy_sample(x);
    if (noisy_from > 0) {
        toy_noise(noise);
        run.first = noisy_from;
        sampler_renoise(&run, noisy_from, x, x, noise, 768);
    } else {
        sampler_start(&run, x);
    }
    Toy toy = {.kind = TOY_PUBLISHED, .run = &run};
    const Denoiser network = toy_denoiser(&toy);
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.guidance = 1}, NULL, arena, &err) == STATUS_OK);

    snprintf(name, sizeof name, "%s.final_sample", prefix);
    const float *want = case_numbers(c, &c->expected, name, &n);
    double most = 0, sum = 0;
    for (int i = 0; i < 768 && want != NULL; i++) {
        most = fabs(x[i] - want[i]) > most ? fabs(x[i] - want[i]) : most;
        sum += fabs(x[i]);
    }
    if (!CHECK(most <= atol))
        printf("    %s: largest difference %g\n", prefix, most);
    const Json *published = json_get(test, "published");
    for (size_t i = 0; compat_f32 && i < json_count(published); i++) {
        const Json *p = json_at(published, i);
        const bool mean = strcmp(json_text(json_get(p, "kind"), ""), "mean") == 0;
        CHECK(fabs((mean ? sum / 768 : sum) - json_number(json_get(p, "value"), NAN)) <=
              json_number(json_get(p, "tolerance"), 0));
    }
}

/* All loops of one scheduler class that have tensors. */
static inline void published_loops(const Sampler *sampler, int noisy_from, bool compat_f32, double atol)
{
    if (!case_exists("scheduler-published"))
        return;
    Arena arena = {0};
    Case c;
    int found = 0;
    if (case_open(&c, "scheduler-published", &arena)) {
        const Json *tests = json_get(c.json, "tests");
        for (size_t i = 0; i < json_count(tests); i++) {
            const Json *test = json_at(tests, i);
            const char *prefix = json_text(json_get(test, "tensor_prefix"), NULL);
            if (strcmp(json_text(json_get(test, "scheduler"), ""), sampler->class_name) != 0 ||
                prefix == NULL)
                continue;
            published_loop(sampler, &c, test, strstr(prefix, "with_noise") != NULL ? noisy_from : 0,
                           compat_f32, atol, &arena);
            found++;
        }
    }
    CHECK(found > 0);
    arena_free(&arena);
}

#endif
