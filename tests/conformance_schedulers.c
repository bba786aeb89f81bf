/* The full loops whose sums diffusers publishes in its scheduler tests, by the sampler of each class that the case names.
 *
 *   tests[]                    class, its whole configuration, the argument of set_timesteps, how many calls the loop has,
 *                              and the published sums and means of |sample| with their tolerances
 *   PREFIX.timesteps, .sigmas  the plan: what the network is told, and the noise levels
 *   PREFIX.first_prev_sample   the state after the first step of the loop
 *   PREFIX.final_sample        and after the last
 *
 * Sums and means are held against the tolerance of the case, tensors against 2e-6 of their largest number (at least
 * 2e-6).  Coefficients have diffusers' bits (compat_f32). */
#include "tests/conformance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/published_run.h"
#include "tests/sigma_list.h"

static bool handles(const CaseFile *c)
{
    const Json *tests = json_get(c->json, "tests");
    return json_count(tests) > 0 && json_get(json_at(tests, 0), "scheduler") != NULL &&
           json_get(json_at(tests, 0), "published") != NULL;
}

/* The last part of "file.py::Class::test_name". */
static const char *test_name(const Json *test)
{
    const char *name = json_text(json_get(test, "test"), "?"), *last = name;
    for (const char *p = strstr(name, "::"); p != NULL; p = strstr(p + 2, "::"))
        last = p + 2;
    return last;
}

/* One tensor of the loop.  Tests that share a prefix (pictures and their "1D" form) have the tensors of the last: others
 * have another size and are not compared. */
static void compare(CaseFile *c, const char *prefix, const char *part, const double *got, size_t n)
{
    char name[200];
    double largest = 1.0;
    snprintf(name, sizeof name, "%s.%s", prefix, part);
    const SafetensorsEntry *entry = safetensors_find(&c->expected, name);
    if (prefix[0] == '\0' || entry == NULL || safetensors_numbers(entry) != n)
        return;
    for (size_t i = 0; i < n; i++)
        largest = fabs(got[i]) > largest ? fabs(got[i]) : largest;
    case_doubles_within(c, name, got, n, 2e-6 * largest);
}

static void compare_samples(CaseFile *c, const char *prefix, const char *part, const float *x, size_t n)
{
    double wide[PUBLISHED_MOST];
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)x[i];
    compare(c, prefix, part, wide, n);
}

static void compare_sums(CaseFile *c, const Json *test, const PublishedRun *loop)
{
    const Json *published = json_get(test, "published");
    for (size_t i = 0; i < json_count(published); i++) {
        const Json *p = json_at(published, i);
        const char *kind = json_text(json_get(p, "kind"), "sum");
        const double sum = published_sum(loop),
                     got = strcmp(kind, "mean") == 0 ? sum / (double)loop->n : sum;
        char name[300];
        if (!published_counts(published, i, got))
            continue;
        snprintf(name, sizeof name, "%s %s %s", loop->run.sampler->name, test_name(test), kind);
        case_value(c, name, got, json_number(json_get(p, "value"), 0.0),
                   json_number(json_get(p, "tolerance"), 0.0));
    }
}

/* A loop of a class that is none of this library's: its tensors and sums are listed as waiting, not as failed. */
static void wait_for(CaseFile *c, const Json *test, const char *what)
{
    const char *prefix = json_text(json_get(test, "tensor_prefix"), "");
    const size_t length = strlen(prefix);
    for (size_t i = 0; length > 0 && i < c->expected.count; i++)
        if (strncmp(c->expected.entries[i].name, prefix, length) == 0 &&
            c->expected.entries[i].name[length] == '.')
            c->done[i] = 1;
    printf("%-28s %-36s %11s %11s  waiting: %s\n", c->name, test_name(test), "-", "-", what);
    c->count->waiting++;
}

static void run_test(CaseFile *c, const Json *test)
{
    PublishedRun loop = {0};
    Error err = {0};
    const char *class_name = json_text(json_get(test, "scheduler"), "");
    const char *prefix = json_text(json_get(test, "tensor_prefix"), "");
    const Sampler *sampler = sampler_find(class_name);
    if (sampler == NULL || strstr(test_name(test), "batch_step") != NULL) {
        wait_for(c, test, sampler == NULL ? class_name : "steps of many timesteps at once");
        return;
    }
    if (published_listed(test)) {
        wait_for(c, test, "a list of timesteps of its own");
        return;
    }
    if (!case_went_well(c, test_name(test), published_plan(&loop, sampler, test, true, c->arena, &err),
                        &err) ||
        !case_went_well(c, test_name(test), published_loop_run(&loop, test, &err), &err))
        return;
    compare(c, prefix, "timesteps", loop.run.time, (size_t)loop.run.calls);
    double *sigma = arena_raw(c->arena, (size_t)loop.run.calls + 4, sizeof *sigma);
    if (sigma != NULL && loop.run.sigma != NULL)
        compare(c, prefix, "sigmas", sigma, sigma_list(sigma, &loop.run));
    compare_samples(c, prefix, "first_prev_sample", loop.first, loop.n);
    compare_samples(c, prefix, "final_sample", loop.x, loop.n);
    compare_sums(c, test, &loop);
}

static void run(CaseFile *c)
{
    const Json *tests = json_get(c->json, "tests");
    for (size_t i = 0; i < json_count(tests); i++)
        run_test(c, json_at(tests, i));
}

const CaseKind CASES_OF_SCHEDULERS = {"published scheduler loops", handles, run, NULL};
