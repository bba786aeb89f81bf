/* The loop: order of what is called, guidance, hooks, errors. */
#include "diffusion/denoise.h"
#include "tests/check.h"

enum { N = 4, IMAGES = 2, STEPS = 3 };

/* A sampler that makes the loop visible: the network sees 2 x, and x becomes x + out. */
static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    static double TIME[] = {900.5, 600.25, 1};
    (void)arena;
    (void)err;
    run->calls = STEPS;
    run->time = TIME;
    run->start_scale = 3.0f;
    return STATUS_OK;
}

static void input(const SamplerRun *run, int call, float *out, const float *x)
{
    (void)call;
    for (size_t i = 0; i < (size_t)run->images * run->sample; i++)
        out[i] = 2 * x[i];
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    (void)call;
    for (size_t i = 0; i < (size_t)run->images * run->sample; i++) {
        x[i] = x[i] + out[i];
        out[i] = NAN; /* the loop does not look at it again */
    }
}

static const char *const KEYS[] = {NULL};
static const Sampler VISIBLE = {.name = "visible",
                                .class_name = "Visible",
                                .defaults = &SCHEDULER_DEFAULTS,
                                .keys = KEYS,
                                .order = 2,
                                .plan = plan,
                                .input = input,
                                .step = step};

static SamplerRun begin(Arena *arena)
{
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &VISIBLE, &SCHEDULER_DEFAULTS, (SamplerOptions){0}, 2, IMAGES, N, NULL, arena,
                        NULL) == STATUS_OK);
    return run;
}

typedef struct {
    int calls, conditions;
    double time[STEPS];
    float seen[STEPS];
    float stretch; /* of condition 1; 0: 1 */
    int spoil;     /* call whose output holds infinity; -1: none */
    bool fail;
} Script;

/* Condition c answers x / 2 + c. */
static Status predict(void *context, float *out, const float *x, double time, Error *err)
{
    Script *s = context;
    s->time[s->calls] = time;
    s->seen[s->calls] = x[0];
    if (s->fail)
        return error_set(err, STATUS_SHAPE, "the network says no");
    for (int c = 0; c < s->conditions; c++)
        for (int i = 0; i < IMAGES * N; i++)
            out[c * IMAGES * N + i] = (x[i] / 2 + (float)c) * (c == 1 && s->stretch > 0 ? s->stretch : 1);
    if (s->spoil == s->calls)
        out[N] = INFINITY; /* the second image, condition 0 */
    s->calls++;
    return STATUS_OK;
}

static void test_order_of_the_loop(void)
{
    Arena arena = {0};
    Script script = {.conditions = 1, .spoil = -1};
    SamplerRun run = begin(&arena);
    const Denoiser network = {predict, &script, 1};
    float x[IMAGES * N] = {1, 1, 1, 1, 1, 1, 1, 1};
    sampler_start(&run, x);
    CHECK(x[0] == 3);
    const size_t used = arena.used;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.guidance = 7}, NULL, &arena, NULL) == STATUS_OK);
    CHECK(arena.used == used);
    CHECK(script.calls == 3 && script.time[0] == 900.5 && script.time[1] == 600.25 && script.time[2] == 1);
    CHECK(script.seen[0] == 6 && script.seen[1] == 12 && script.seen[2] == 24 && x[0] == 24 && x[7] == 24);
    run.first = 2; /* left out steps: the loop starts later */
    script.calls = 0;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
    CHECK(script.calls == 1 && script.time[0] == 1 && x[0] == 48);
    sampler_skip(&run, 1);
    CHECK(run.first == 2);
    sampler_skip(&run, 2);
    CHECK(run.first == 3);
    arena_free(&arena);
}

/* out = out_0 + w (out_1 - out_0) = x / 2 + w. */
static void test_guidance(void)
{
    Arena arena = {0};
    Script script = {.conditions = 2, .spoil = -1};
    SamplerRun run = begin(&arena);
    const Denoiser network = {predict, &script, 2};
    float x[IMAGES * N] = {0};
    run.first = 2;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.guidance = 7.5}, NULL, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < IMAGES * N; i++)
        CHECK(x[i] == 7.5f);
    const float without[2] = {1, -2}, with[2] = {2, 2};
    float out[2];
    guide_classifier_free(out, without, with, 2, 3.0f);
    CHECK(out[0] == 4 && out[1] == 10);
    guide_classifier_free(out, without, with, 2, 0.0f);
    CHECK(out[0] == 1 && out[1] == -2);
    guide_classifier_free(out, without, with, 2, 1.0f);
    CHECK(out[0] == 2 && out[1] == 2);
    arena_free(&arena);
}

/* Deviations 1 and 3: phi = 0.5 shrinks halfway, per image. */
static void test_rescale(void)
{
    float out[2] = {3, -3};
    const float with[2] = {1, -1};
    guide_rescale(out, with, 2, 0.5f);
    CHECK_NEAR(out[0], 2, 1e-6);
    CHECK_NEAR(out[1], -2, 1e-6);
    float constant[2] = {5, 5};
    guide_rescale(constant, with, 2, 0.5f);
    CHECK(constant[0] == 5);

    /* In the loop: condition 1 has the same deviation as the guided output, so nothing changes. */
    Arena arena = {0};
    Script script = {.conditions = 2, .spoil = -1};
    SamplerRun run = begin(&arena);
    const Denoiser network = {predict, &script, 2};
    float x[IMAGES * N] = {1, 2, 3, 4, 5, 6, 7, 80};
    run.first = 2;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.guidance = 2, .rescale = 1}, NULL, &arena, NULL) ==
          STATUS_OK);
    CHECK_NEAR(x[0], 4, 1e-6);
    CHECK_NEAR(x[7], 162, 1e-6);
    script.stretch =
        3; /* condition 1 is 3 (x / 2 + 1): w = 2 gives 5 x / 2 + 6, scaled down to x's 3 / 2 */
    for (int i = 0; i < IMAGES * N; i++)
        x[i] = (float)i;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.guidance = 2, .rescale = 1}, NULL, &arena, NULL) ==
          STATUS_OK);
    for (int i = 0; i < IMAGES * N; i++)
        CHECK_NEAR(x[i], i + (2.0 * i * 2.5 + 6) * 0.6, 1e-5);
    Error err = {0};
    CHECK(denoise(x, &run, &network, (GuidanceOptions){.rescale = 1.5}, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "guidance rescale is 1.5");
    arena_free(&arena);
}

typedef struct {
    char log[100];
    int stop; /* after this call */
    Status refuse;
} Watcher;

static Status before(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    (void)run;
    (void)err;
    strcat(((Watcher *)context)->log, "b");
    x[0] = call == 0 ? 10 : x[0];
    return STATUS_OK;
}

static Status guided(void *context, const SamplerRun *run, int call, const float *seen, float *out,
                     Error *err)
{
    Watcher *w = context;
    (void)run;
    (void)call;
    strcat(w->log, "g");
    out[0] = out[0] + seen[0]; /* 3 x in all: x becomes 4 x */
    return w->refuse != STATUS_OK ? error_set(err, w->refuse, "the guide says no") : STATUS_OK;
}

static Status after(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    (void)run;
    (void)call;
    (void)err;
    strcat(((Watcher *)context)->log, "a");
    x[1] = -1;
    return STATUS_OK;
}

static bool progress(void *context, const DenoiseProgress *p)
{
    Watcher *w = context;
    CHECK(p->calls == STEPS && p->x[1] == -1 &&
          p->time == (p->call == 0   ? 900.5
                      : p->call == 1 ? 600.25
                                     : 1));
    strcat(w->log, "p ");
    return p->call != w->stop;
}

static void test_hooks(void)
{
    Arena arena = {0};
    Script script = {.conditions = 1, .spoil = -1};
    SamplerRun run = begin(&arena);
    const Denoiser network = {predict, &script, 1};
    Watcher w = {.stop = -1};
    const DenoiseHooks hooks = {&w, before, guided, after, progress};
    float x[IMAGES * N] = {0};
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, &hooks, &arena, NULL) == STATUS_OK);
    CHECK(strcmp(w.log, "bgap bgap bgap ") == 0 && x[0] == 640 && x[1] == -1);
    Error err = {0};
    w = (Watcher){.stop = 1};
    script.calls = 0;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, &hooks, &arena, &err) == STATUS_INTERRUPTED);
    CHECK(script.calls == 2);
    CHECK_TEXT(err.text, "stopped after step 2 of 3");
    w = (Watcher){.stop = -1, .refuse = STATUS_SHAPE};
    script.calls = 0;
    err = (Error){0};
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, &hooks, &arena, &err) == STATUS_SHAPE);
    CHECK(strcmp(w.log, "bg") == 0);
    arena_free(&arena);
}

static void test_errors(void)
{
    Arena arena = {0};
    Script script = {.conditions = 1, .spoil = 1};
    SamplerRun run = begin(&arena);
    Denoiser network = {predict, &script, 1};
    float x[IMAGES * N] = {0};
    Error err = {0};
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "step 2 of 3 (t = 600.25): the network's output for image 1 is not finite");
    script = (Script){.conditions = 1, .spoil = -1, .fail = true};
    err = (Error){0};
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "the network says no");
    network.conditions = 3;
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_ARGUMENT);
    network.conditions = 1;
    for (size_t n = 1; n <= 2; n++) {
        Arena scratch = {.fail_after = n};
        CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &scratch, NULL) == STATUS_MEMORY);
        CHECK(scratch.used == 0);
        arena_free(&scratch);
    }
    arena_free(&arena);
}

static void test_finding_samplers(void)
{
    CHECK(sampler_find("ddim") == &SAMPLER_DDIM && sampler_find("DDPMScheduler") == &SAMPLER_DDPM);
    CHECK(sampler_find("ddi") == NULL && sampler_find("") == NULL);
    for (int i = 0; SAMPLERS[i] != NULL; i++)
        for (int k = 0; k < i; k++)
            CHECK(strcmp(SAMPLERS[i]->name, SAMPLERS[k]->name) != 0);
}

int main(void)
{
    test_order_of_the_loop();
    test_guidance();
    test_rescale();
    test_hooks();
    test_errors();
    test_finding_samplers();
    return check_report("denoise");
}
