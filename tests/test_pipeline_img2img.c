/* Pictures from pictures: the order of what is drawn, batches, strengths, refusals, and a run of diffusers. */
#include "diffusion/pipeline_img2img.h"

#include "tests/net_cases.h"
#include "tests/pipeline_check.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4, PLANES = 3 * 16 * 16 };

static const char *const PROMPTS[] = {"a red square", "two blue circles"};

static Img2ImgOptions usual(const float *planes, double strength)
{
    Img2ImgOptions o = {.text = TXT2IMG_DEFAULTS, .picture = {planes, 1, 16, 16}, .strength = strength};
    o.text.prompts = PROMPTS;
    o.text.count = 1;
    o.text.steps = 4;
    o.text.seed = 7;
    return o;
}

static Txt2ImgResult run(const Model *m, const Img2ImgOptions *o, Arena *arena)
{
    Txt2ImgResult result = {0};
    Error err = {0};
    if (!CHECK(img2img(&result, m, o, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    return result;
}

/* The last half of the steps from the latent that the posterior's noise makes, with the noise that comes next. */
static void test_the_parts_by_hand(const Model *m, const float *planes)
{
    Arena arena = {0};
    const Img2ImgOptions o = usual(planes, 0.5);
    float z[SAMPLE], noise[SAMPLE];
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_NOISE, 0);
    CHECK(encode_pictures(z, 1, m, &o.picture, &rng, &arena, NULL) == STATUS_OK);
    rng_normal_fill(&rng, noise, SAMPLE);
    Txt2ImgOptions same = o.text;
    Txt2ImgResult want;
    same.start = z;
    same.latents = noise;
    same.skip = 2;
    CHECK(txt2img(&want, m, &same, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(run(m, &o, &arena).latents, want.latents, SAMPLE));
    Img2ImgOptions given = o;
    given.text.latents = noise;
    CHECK(same_bits(run(m, &given, &arena).latents, want.latents, SAMPLE));
    arena_free(&arena);
}

/* A batch is its pictures, each from its own or from the one that stands for all. */
static void test_a_batch(const Model *m, const float *planes, double eta)
{
    Arena arena = {0};
    Img2ImgOptions o = usual(planes, 0.75);
    o.text.count = 2;
    o.text.options.eta = eta;
    o.picture.count = 2;
    const Txt2ImgResult two = run(m, &o, &arena);
    o.picture.count = 1;
    const Txt2ImgResult shared = run(m, &o, &arena);
    CHECK(two.count == 2 && !same_bits(two.latents + SAMPLE, shared.latents + SAMPLE, SAMPLE));
    CHECK(same_bits(two.latents, shared.latents, SAMPLE));
    o.text.count = 1;
    o.text.prompts = PROMPTS + 1;
    o.text.seed = 8;
    CHECK(same_bits(run(m, &o, &arena).latents, shared.latents + SAMPLE, SAMPLE));
    o.picture.planes = planes + PLANES;
    CHECK(same_bits(run(m, &o, &arena).latents, two.latents + SAMPLE, SAMPLE));
    arena_free(&arena);
}

static void test_strengths(void)
{
    int taken = -1;
    Error err = {0};
    CHECK(strength_steps(20, 0.75) == 15 && strength_steps(10, 0.6) == 6 && strength_steps(7, 1.0) == 7);
    CHECK(strength_steps(50, 0.58) == 28); /* as Python: 0.58 is a little less */
    CHECK(strength_read(&taken, 20, 0.05, NULL) == STATUS_OK && taken == 1);
    CHECK(strength_read(&taken, 20, 0.04, &err) == STATUS_ARGUMENT && taken == 0);
    CHECK_TEXT(err.text, "strength 0.04 of 20 steps leaves no step");
    CHECK(strength_read(&taken, 20, 0.0, NULL) == STATUS_ARGUMENT);
    CHECK(strength_read(&taken, 20, 1.01, NULL) == STATUS_ARGUMENT);
    CHECK(strength_read(&taken, 20, NAN, NULL) == STATUS_ARGUMENT);
}

static void refuse(const Model *m, Img2ImgOptions o, Status status, const char *why)
{
    Arena arena = {0};
    Txt2ImgResult result = {.count = -1};
    Error err = {0};
    CHECK(img2img(&result, m, &o, &arena, &err) == status && result.count == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(Model *m, float *planes)
{
    Img2ImgOptions o = usual(planes, 0.5);
    o.picture.width = 18;
    refuse(m, o, STATUS_SHAPE, "a picture of 18x16, but both sides must be multiples of 4");
    o = usual(planes, 0.5);
    o.picture.count = 3;
    refuse(m, o, STATUS_ARGUMENT, "3 pictures are given, expected 1 or 1");
    refuse(m, usual(NULL, 0.5), STATUS_ARGUMENT, "0 pictures are given");
    refuse(m, usual(planes, 2.0), STATUS_ARGUMENT, "strength is 2, expected more than 0 and at most 1");
    const float kept = planes[5];
    planes[5] = NAN;
    refuse(m, usual(planes, 0.5), STATUS_NOT_FINITE, "the latent of picture 0 is not finite");
    planes[5] = kept;
    m->parts &= ~(unsigned)MODEL_VAE;
    refuse(m, usual(planes, 0.5), STATUS_ARGUMENT, "pictures need a model's autoencoder");
    m->parts |= MODEL_VAE;
}

typedef struct {
    const Model *m;
    const float *planes;
    Arena *arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Txt2ImgResult result;
    Img2ImgOptions o = usual(a->planes, 0.25);
    const size_t fail = a->arena->fail_after;
    arena_free(a->arena);
    a->arena->fail_after = fail;
    return img2img(&result, a->m, &o, a->arena, NULL);
}

/* Seed 93 and the rest: case.json, "what". */
static void test_the_case(void)
{
    Arena arena = {0};
    Case c;
    Model m;
    size_t n;
    if (!pipeline_case_open(&c, &m, "i-img2img-inpaint", &arena))
        return;
    static const char *const prompt = "a green field";
    Img2ImgOptions o = {.text = TXT2IMG_DEFAULTS, .strength = 0.6};
    float *planes = case_planes(&c, &o.picture);
    o.text.prompts = &prompt;
    o.text.count = 1;
    o.text.steps = 10;
    o.text.guidance = 6.0;
    o.text.rng = RNG_TORCH;
    o.text.seed = 93;
    Rng rng = rng_stream(RNG_TORCH, 93, STREAM_NOISE, 0);
    const float *noise = case_numbers(&c, &c.expected, "img2img.noise.0", &n);
    float *drawn = arena_raw(&arena, n, sizeof *drawn);
    rng_normal_fill(&rng, drawn, n);
    case_compare(&c, "img2img.noise.0", drawn, n);
    rng_normal_fill(&rng, drawn, n);
    case_compare(&c, "img2img.noise.1", drawn, n);
    if (noise == NULL || planes == NULL)
        return;
    StepWatch w = {.sample = n, .latents = arena_alloc(&arena, 6 * n, sizeof(float))};
    const DenoiseHooks hooks = {.context = &w, .after = keep_step};
    o.text.loop = &hooks;
    const Txt2ImgResult got = run(&m, &o, &arena);
    CHECK(w.calls == 6);
    case_compare(&c, "img2img.latents_per_step", w.latents, 6 * n);
    case_picture(&c, "img2img.image", &got.pictures[0]);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0}, again = {0};
    Model m;
    float planes[2 * PLANES];
    tiny_model_new(&m, &arena);
    fill_planes(planes, 2 * PLANES);
    test_the_parts_by_hand(&m, planes);
    test_a_batch(&m, planes, 0.0);
    test_a_batch(&m, planes, 1.0);
    test_strengths();
    test_refused(&m, planes);
    Attempt a = {&m, planes, &again};
    check_allocations(attempt, &a, &again);
    test_the_case();
    arena_free(&again);
    arena_free(&arena);
    return check_report("pipeline_img2img");
}
