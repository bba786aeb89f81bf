/* Text to image under ControlNets and T2I-Adapters: when they work, guess mode, sums, refusals, and runs of diffusers. */
#include "diffusion/pipeline_control.h"

#include "diffusion/control_files.h"
#include "diffusion/pipeline_adapter.h"
#include "tests/net_cases.h"
#include "tests/pipeline_check.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4, PLANES = 3 * 16 * 16 };

static const char *const PROMPTS[] = {"a red square", "two blue circles"};

static Txt2ImgOptions usual_text(void)
{
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = PROMPTS;
    o.count = 1;
    o.steps = 4;
    o.seed = 7;
    o.width = o.height = 16;
    return o;
}

/* A ControlNet and an adapter for the tiny model, all parameters drawn. */
typedef struct {
    Model m;
    ControlNet net;
    T2iAdapter adapter;
    Weights net_weights, adapter_weights;
    float planes[PLANES];
} World;

static void world_new(World *w, Arena *arena)
{
    static const char *const ADAPTER =
        "{\"adapter_type\": \"full_adapter\", \"channels\": [4, 8], \"in_channels\": 3, "
        "\"num_res_blocks\": 1, \"downscale_factor\": 4}";
    ControlNetConfig config;
    AdapterConfig adapter;
    Error err = {0};
    tiny_model_new(&w->m, arena);
    Status status = controlnet_config_for(&config, &w->m.config.unet, arena, &err);
    config.embedding_levels = 3;
    for (int i = 0; i < 3; i++)
        config.embedding_channels[i] = 4 + i;
    w->net_weights = weights_create(arena, 60);
    controlnet_load(&w->net, &config, &w->net_weights, "");
    if (status == STATUS_OK)
        status = weights_finish(&w->net_weights, &err);
    if (status == STATUS_OK)
        status = t2i_adapter_config_read(&adapter, json_of(arena, ADAPTER), "adapter", arena, &err);
    w->adapter_weights = weights_create(arena, 61);
    if (status == STATUS_OK)
        t2i_adapter_load(&w->adapter, &adapter, &w->adapter_weights, "");
    if (status == STATUS_OK)
        status = weights_finish(&w->adapter_weights, &err);
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    scramble(&w->net_weights, 62);
    scramble(&w->adapter_weights, 63);
    fill_planes(w->planes, PLANES);
    for (int i = 0; i < PLANES; i++)
        w->planes[i] = 0.5f + 0.5f * w->planes[i];
}

static void control_run(float *latents, const World *w, const ControlRunOptions *o, int count, Arena *arena)
{
    Txt2ImgResult r = {0};
    Error err = {0};
    if (CHECK(control_txt2img(&r, &w->m, o, arena, &err) == STATUS_OK))
        memcpy(latents, r.latents, (size_t)count * SAMPLE * sizeof *latents);
    else
        printf("    %s\n", err.text);
}

static void adapter_run(float *latents, const World *w, const AdapterRunOptions *o, Arena *arena)
{
    Txt2ImgResult r = {0};
    Error err = {0};
    if (CHECK(adapter_txt2img(&r, &w->m, o, arena, &err) == STATUS_OK))
        memcpy(latents, r.latents, SAMPLE * sizeof *latents);
    else
        printf("    %s\n", err.text);
}

/* Scale 0 and no share are text to image; two halves of one net are the whole; a batch is its pictures. */
static void test_control(const World *w)
{
    Arena arena = {0};
    float plain[SAMPLE], got[2 * SAMPLE], other[2 * SAMPLE];
    Txt2ImgResult text;
    Control c[2] = {{&w->net, w->planes, 1, 1.0f, 0.0, 1.0}, {&w->net, w->planes, 1, 0.5f, 0.0, 1.0}};
    ControlRunOptions o = {.text = usual_text(), .control = c, .count = 1};
    CHECK(txt2img(&text, &w->m, &o.text, &arena, NULL) == STATUS_OK);
    memcpy(plain, text.latents, sizeof plain);
    control_run(other, w, &o, 1, &arena);
    CHECK(!same_bits(other, plain, SAMPLE));
    c[0].scale = 0.0f;
    control_run(got, w, &o, 1, &arena);
    CHECK(same_bits(got, plain, SAMPLE));
    c[0].scale = 1.0f;
    c[0].end = 0.2; /* less than a step of four */
    control_run(got, w, &o, 1, &arena);
    CHECK(same_bits(got, plain, SAMPLE));
    c[0].end = 1.0;
    c[0].scale = 0.5f;
    o.count = 2;
    control_run(got, w, &o, 1, &arena);
    CHECK(same_bits(got, other, SAMPLE)); /* halves are exact */
    o.count = 1;
    o.text.count = 2;
    control_run(other, w, &o, 2, &arena);
    o.text.count = 1;
    o.text.prompts = PROMPTS + 1;
    o.text.seed = 8;
    control_run(got, w, &o, 1, &arena);
    CHECK(same_bits(got, other + SAMPLE, SAMPLE));
    arena_free(&arena);
}

/* In guess mode the rows of the negative prompt are those of the plain network: with guidance 0 nothing else counts. */
static void test_guess_mode(const World *w)
{
    Arena arena = {0};
    float got[SAMPLE], with[SAMPLE];
    Txt2ImgResult text;
    const Control c = {&w->net, w->planes, 1, 1.0f, 0.0, 1.0};
    ControlRunOptions o = {.text = usual_text(), .control = &c, .count = 1, .guess_mode = true};
    o.text.guidance = 0.0;
    CHECK(txt2img(&text, &w->m, &o.text, &arena, NULL) == STATUS_OK);
    control_run(got, w, &o, 1, &arena);
    CHECK(same_bits(got, text.latents, SAMPLE));
    o.guess_mode = false;
    control_run(with, w, &o, 1, &arena);
    CHECK(!same_bits(with, got, SAMPLE));
    o.text.guidance = 1.0;
    o.guess_mode = true;
    control_run(got, w, &o, 1, &arena); /* without guidance the prompt's rows get the guess */
    CHECK(txt2img(&text, &w->m, &o.text, &arena, NULL) == STATUS_OK);
    CHECK(!same_bits(got, text.latents, SAMPLE));
    arena_free(&arena);
}

static void test_adapter(const World *w)
{
    Arena arena = {0};
    float one[SAMPLE], got[SAMPLE];
    Txt2ImgResult text;
    Adapter a[2] = {{&w->adapter, w->planes, 1, 16, 16, 1.0f}, {&w->adapter, w->planes, 1, 16, 16, 0.5f}};
    AdapterRunOptions o = {.text = usual_text(), .adapter = a, .count = 1, .end = 1.0};
    CHECK(txt2img(&text, &w->m, &o.text, &arena, NULL) == STATUS_OK);
    adapter_run(one, w, &o, &arena);
    CHECK(!same_bits(one, text.latents, SAMPLE));
    a[0].scale = 0.5f;
    o.count = 2;
    adapter_run(got, w, &o, &arena);
    CHECK(same_bits(got, one, SAMPLE));
    o.count = 1;
    a[0].scale = 0.0f;
    adapter_run(got, w, &o, &arena);
    CHECK(same_bits(got, text.latents, SAMPLE));
    a[0].scale = 1.0f;
    o.end = 0.1;
    adapter_run(got, w, &o, &arena);
    CHECK(same_bits(got, text.latents, SAMPLE));
    arena_free(&arena);
}

static void refuse(const World *w, ControlRunOptions o, Status status, const char *why)
{
    Arena arena = {0};
    Txt2ImgResult r = {.count = -1};
    Error err = {0};
    CHECK(control_txt2img(&r, &w->m, &o, &arena, &err) == status && r.count == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(World *w)
{
    Control c = {&w->net, w->planes, 1, 1.0f, 0.5, 0.5};
    ControlRunOptions o = {.text = usual_text(), .control = &c, .count = 1};
    refuse(w, o, STATUS_ARGUMENT, "a ControlNet works from 0.5 to 0.5, expected");
    c.start = 0.0;
    o.count = 0;
    refuse(w, o, STATUS_ARGUMENT, "0 ControlNets, expected 1 to 8");
    o.count = 1;
    o.text.width = 18;
    refuse(w, o, STATUS_ARGUMENT, "width is 18 pixels, expected a multiple of 4");
    o.text.width = 16;
    w->planes[7] = INFINITY;
    refuse(w, o, STATUS_NOT_FINITE, "not finite");
    w->planes[7] = 0.5f;
    c.picture = NULL;
    refuse(w, o, STATUS_ARGUMENT, "ControlNet 0 has no picture");
    Arena arena = {0};
    Txt2ImgResult r;
    Error err = {0};
    const Adapter a = {&w->adapter, w->planes, 1, 16, 16, 1.0f};
    const AdapterRunOptions adapter = {.text = usual_text(), .adapter = &a, .count = 1, .end = 1.5};
    CHECK(adapter_txt2img(&r, &w->m, &adapter, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "an adapter works from 0 to 1.5");
    ControlNet net;
    err = (Error){0};
    CHECK(controlnet_open(&net, "/no/such/folder", &arena, &err) == STATUS_FILE);
    CHECK_TEXT(err.text, "/no/such/folder/config.json");
    T2iAdapter none;
    CHECK(t2i_adapter_open(&none, "/no/such/folder", &arena, NULL) == STATUS_FILE);
    arena_free(&arena);
}

typedef struct {
    const World *w;
    Arena *arena;
} Attempt;

static Status attempt(void *context)
{
    const Attempt *a = context;
    const Control c = {&a->w->net, a->w->planes, 1, 1.0f, 0.0, 1.0};
    const Adapter p = {&a->w->adapter, a->w->planes, 1, 16, 16, 1.0f};
    ControlRunOptions o = {.text = usual_text(), .control = &c, .count = 1, .guess_mode = true};
    AdapterRunOptions adapter = {.text = usual_text(), .adapter = &p, .count = 1, .end = 1.0};
    Txt2ImgResult r;
    const size_t fail = a->arena->fail_after;
    o.text.steps = adapter.text.steps = 1;
    arena_free(a->arena);
    a->arena->fail_after = fail;
    const Status status = control_txt2img(&r, &a->w->m, &o, a->arena, NULL);
    return status == STATUS_OK ? adapter_txt2img(&r, &a->w->m, &adapter, a->arena, NULL) : status;
}

/* ---- runs of diffusers; the settings are in case.json, "what" ---- */

static Txt2ImgOptions case_options(const Case *c, const char *const *prompt, int steps, StepWatch *w,
                                   DenoiseHooks *hooks)
{
    size_t n = 0;
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.latents = case_numbers(c, &c->inputs, "pipe_latents", &n);
    *w = (StepWatch){.sample = n, .latents = arena_alloc(c->arena, (size_t)steps * n, sizeof(float))};
    *hooks = (DenoiseHooks){.context = w, .after = keep_step};
    o.prompts = prompt;
    o.count = 1;
    o.steps = steps;
    o.loop = hooks;
    o.width = o.height = 64;
    return o;
}

static void test_the_case_of_control(void)
{
    static const char *const prompt = "a house";
    Arena arena = {0};
    Case c;
    Model m;
    StepWatch w;
    DenoiseHooks hooks;
    ControlNet net;
    char path[CASE_PATH];
    size_t n;
    if (!pipeline_case_open(&c, &m, "f-controlnet", &arena) ||
        !CHECK(controlnet_open(&net, case_path(path, "f-controlnet/controlnet"), &arena, NULL) ==
               STATUS_OK))
        return;
    const Control control = {&net, case_numbers(&c, &c.inputs, "cond", &n), 1, 0.8f, 0.0, 0.7};
    ControlRunOptions o = {
        .text = case_options(&c, &prompt, 6, &w, &hooks), .control = &control, .count = 1};
    Txt2ImgResult r;
    o.text.negative = "bad";
    if (CHECK(control_txt2img(&r, &m, &o, &arena, NULL) == STATUS_OK)) {
        case_compare(&c, "pipe.latents_per_step", w.latents, 6 * w.sample);
        case_picture(&c, "pipe.image", &r.pictures[0]);
    }
    arena_free(&arena);
}

static void test_the_case_of_the_adapter(const char *name)
{
    static const char *const prompt = "a tree";
    Arena arena = {0};
    Case c;
    Model m;
    StepWatch w;
    DenoiseHooks hooks;
    T2iAdapter adapter;
    char path[CASE_PATH], below[100];
    size_t n;
    snprintf(below, sizeof below, "%s/adapter", name);
    if (!pipeline_case_open(&c, &m, name, &arena) ||
        !CHECK(t2i_adapter_open(&adapter, case_path(path, below), &arena, NULL) == STATUS_OK))
        return;
    const Adapter picture = {&adapter, case_numbers(&c, &c.inputs, "cond", &n), 1, 64, 64, 0.9f};
    const AdapterRunOptions o = {
        .text = case_options(&c, &prompt, 5, &w, &hooks), .adapter = &picture, .count = 1, .end = 1.0};
    Txt2ImgResult r;
    if (CHECK(adapter_txt2img(&r, &m, &o, &arena, NULL) == STATUS_OK)) {
        case_compare(&c, "pipe.latents_per_step", w.latents, 5 * w.sample);
        case_picture(&c, "pipe.image", &r.pictures[0]);
    }
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0}, again = {0};
    World w;
    world_new(&w, &arena);
    test_control(&w);
    test_guess_mode(&w);
    test_adapter(&w);
    test_refused(&w);
    Attempt a = {&w, &again};
    check_allocations(attempt, &a, &again);
    test_the_case_of_control();
    test_the_case_of_the_adapter("g-t2iadapter-full");
    test_the_case_of_the_adapter("g-t2iadapter-light");
    arena_free(&again);
    arena_free(&arena);
    return check_report("pipeline_control");
}
