/* tests/published_loops.h - all full loops of one scheduler class whose sums diffusers publishes, checked. */
#ifndef TESTS_PUBLISHED_LOOPS_H
#define TESTS_PUBLISHED_LOOPS_H

#include "tests/cases.h"
#include "tests/published_run.h"

/* Compares `got` with the tensor prefix.name, where there is one of that size: largest difference `atol`, of numbers
 * beyond 1 relative to the largest. */
static inline void published_compare(const Case *c, const char *prefix, const char *name, const float *got,
                                     size_t n, double atol)
{
    char full[200];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    const SafetensorsEntry *entry = prefix[0] != '\0' ? safetensors_find(&c->expected, full) : NULL;
    if (entry == NULL || safetensors_numbers(entry) != n)
        return;
    const float *want = case_numbers(c, &c->expected, full, &n);
    double most = 0, largest = 1;
    for (size_t i = 0; want != NULL && i < n; i++) {
        most = fabs((double)got[i] - want[i]) > most ? fabs((double)got[i] - want[i]) : most;
        largest = fabs(want[i]) > largest ? fabs(want[i]) : largest;
    }
    if (!CHECK(most <= atol * largest))
        printf("    %s: largest difference %g of %g\n", full, most, largest);
}

/* One loop: timesteps, first and last sample, and with compat_f32 the published sum and mean.  Without it these are out
 * of reach where binary32 scalars have lost digits. */
static inline void published_loop(const Sampler *sampler, const Case *c, const Json *test, bool compat_f32,
                                  double atol, Arena *arena)
{
    const char *prefix = json_text(json_get(test, "tensor_prefix"), "");
    PublishedRun loop = {0};
    Error err = {0};
    if (!CHECK(published_plan(&loop, sampler, test, compat_f32, arena, &err) == STATUS_OK &&
               published_loop_run(&loop, test, &err) == STATUS_OK)) {
        printf("    %s: %s\n", prefix, err.text);
        return;
    }
    float *time = arena_raw(arena, (size_t)loop.run.calls, sizeof *time);
    for (int i = 0; time != NULL && i < loop.run.calls; i++)
        time[i] = (float)loop.run.time[i];
    published_compare(c, prefix, "timesteps", time, (size_t)loop.run.calls, compat_f32 ? 1e-6 : 1e-5);
    published_compare(c, prefix, "first_prev_sample", loop.first, loop.n, atol);
    published_compare(c, prefix, "final_sample", loop.x, loop.n, atol);
    const Json *published = json_get(test, "published");
    for (size_t i = 0; compat_f32 && i < json_count(published); i++) {
        const Json *p = json_at(published, i);
        const bool mean = strcmp(json_text(json_get(p, "kind"), ""), "mean") == 0;
        const double got = mean ? published_sum(&loop) / (double)loop.n : published_sum(&loop);
        if (!published_counts(published, i, got))
            continue;
        if (!CHECK(fabs(got - json_number(json_get(p, "value"), NAN)) <=
                   json_number(json_get(p, "tolerance"), 0)))
            printf("    %s: %s is %.9g, published %.9g\n", json_text(json_get(test, "test"), "?"),
                   mean ? "mean" : "sum", got, json_number(json_get(p, "value"), NAN));
    }
}

/* All loops of the sampler's class. */
static inline void published_loops(const Sampler *sampler, bool compat_f32, double atol)
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
            if (strcmp(json_text(json_get(test, "scheduler"), ""), sampler->class_name) != 0 ||
                published_listed(test))
                continue;
            published_loop(sampler, &c, test, compat_f32, atol, &arena);
            found++;
        }
    }
    CHECK(found > 0);
    arena_free(&arena);
}

#endif
