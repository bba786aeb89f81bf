/* Inversion: two steps by hand, a batch, that nothing is drawn, refusals, and the runs of diffusers. */
#include "diffusion/pipeline_invert.h"

#include "tests/net_cases.h"
#include "tests/pipeline_check.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4 };

static const char *const PROMPTS[] = {"a red square", "two blue circles"};

static InvertOptions usual(const float *z)
{
    InvertOptions o = {.text = TXT2IMG_DEFAULTS, .latents = z};
    o.text.prompts = PROMPTS;
    o.text.count = 1;
    o.text.steps = 4;
    o.text.guidance = 1.0;
    return o;
}

static void run(float *x, const Model *m, const InvertOptions *o, Arena *arena)
{
    Error err = {0};
    if (!CHECK(ddim_invert(x, m, o, arena, &err) == STATUS_OK))
        printf("    %s\n", err.text);
}

/* A batch is its latents, whatever the seed; two of guidance are not one. */
static void test_a_batch(const Model *m, const float *z)
{
    Arena arena = {0};
    float two[2 * SAMPLE], one[SAMPLE], guided[SAMPLE];
    InvertOptions o = usual(z);
    o.text.count = 2;
    o.text.seed = 1;
    run(two, m, &o, &arena);
    o = usual(z);
    run(one, m, &o, &arena);
    CHECK(same_bits(one, two, SAMPLE) && !same_bits(one, z, SAMPLE));
    o.text.guidance = 3.0;
    run(guided, m, &o, &arena);
    CHECK(!same_bits(one, guided, SAMPLE));
    o = usual(z + SAMPLE);
    o.text.prompts = PROMPTS + 1;
    o.text.options.eta = 1.0;
    o.text.skip = 3;
    run(one, m, &o, &arena);
    CHECK(same_bits(one, two + SAMPLE, SAMPLE));
    const Txt2ImgOptions back = ddim_return(&o, two);
    CHECK(back.latents == two && back.skip == 0 && strcmp(back.sampler->name, "ddim") == 0);
    arena_free(&arena);
}

/* Upwards and back by a network that does not look is exact but for rounding: with the last layer zero, eps is a
 * constant, and each step's inverse is the step. */
static void test_a_constant_network_goes_back(Model *m, const float *z)
{
    Arena arena = {0};
    float x[SAMPLE], y[SAMPLE], *weight = NULL;
    size_t count = 0;
    for (const Parameter *p = m->unet_weights.first; p != NULL; p = p->next)
        if (strcmp(p->name, "conv_out.weight") == 0) {
            weight = p->tensor->data;
            count = tensor_count(p->tensor);
        }
    if (!CHECK(weight != NULL))
        return;
    float *kept = arena_raw(&arena, count, sizeof *kept);
    memcpy(kept, weight, count * sizeof *kept);
    memset(weight, 0, count * sizeof *weight);
    const InvertOptions o = usual(z);
    run(x, m, &o, &arena);
    const Txt2ImgOptions back = ddim_return(&o, x);
    CHECK(txt2img_latents(y, NULL, m, &back, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < SAMPLE; i++)
        CHECK_NEAR(y[i], z[i], 2e-5);
    memcpy(weight, kept, count * sizeof *kept);
    arena_free(&arena);
}

static void test_refused(const Model *m, const float *z)
{
    Arena arena = {0};
    float x[SAMPLE];
    Error err = {0};
    InvertOptions o = usual(NULL);
    CHECK(ddim_invert(x, m, &o, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "inversion needs latents of pictures");
    o = usual(z);
    o.text.steps = 0;
    CHECK(ddim_invert(x, m, &o, &arena, NULL) == STATUS_ARGUMENT);
    arena_free(&arena);
}

typedef struct {
    const Model *m;
    const float *z;
    Arena *arena;
} Attempt;

static Status attempt(void *context)
{
    const Attempt *a = context;
    float x[SAMPLE];
    const InvertOptions o = usual(a->z);
    const size_t fail = a->arena->fail_after;
    arena_free(a->arena);
    a->arena->fail_after = fail;
    return ddim_invert(x, a->m, &o, a->arena, NULL);
}

/* case.json, "what"; w = 1 and 3. */
static void test_the_case(double guidance, const char *name)
{
    static const char *const prompt = "a boat";
    Arena arena = {0};
    Case c;
    Model m;
    size_t n;
    char text[60];
    if (!pipeline_case_open(&c, &m, "j-ddim-inversion", &arena))
        return;
    InvertOptions o = {.text = TXT2IMG_DEFAULTS, .latents = case_numbers(&c, &c.inputs, "latents", &n)};
    StepWatch w = {.sample = n, .latents = arena_alloc(&arena, 10 * n, sizeof(float))};
    const DenoiseHooks hooks = {.context = &w, .after = keep_step};
    o.text.prompts = &prompt;
    o.text.count = 1;
    o.text.steps = 10;
    o.text.guidance = guidance;
    o.text.loop = &hooks;
    float *x = arena_raw(&arena, n, sizeof *x), *y = arena_raw(&arena, n, sizeof *y);
    run(x, &m, &o, &arena);
    snprintf(text, sizeof text, "%s.inverse_latents", name);
    case_compare(&c, text, w.latents, 10 * n);
    w.calls = 0;
    const Txt2ImgOptions back = ddim_return(&o, x);
    CHECK(txt2img_latents(y, NULL, &m, &back, &arena, NULL) == STATUS_OK && w.calls == 10);
    snprintf(text, sizeof text, "%s.reconstruction_latents", name);
    case_compare(&c, text, w.latents, 10 * n);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0}, again = {0};
    Model m;
    float z[2 * SAMPLE];
    tiny_model_new(&m, &arena);
    fill_planes(z, 2 * SAMPLE);
    test_a_batch(&m, z);
    test_a_constant_network_goes_back(&m, z);
    test_refused(&m, z);
    Attempt a = {&m, z, &again};
    check_allocations(attempt, &a, &again);
    test_the_case(1.0, "cfg1");
    test_the_case(3.0, "cfg3");
    arena_free(&again);
    arena_free(&arena);
    return check_report("pipeline_invert");
}
