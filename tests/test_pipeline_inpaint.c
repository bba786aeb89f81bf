/* A part of a picture made anew: what is kept, both kinds of U-Net, the order of what is drawn, and a run of diffusers. */
#include "diffusion/pipeline_inpaint.h"

#include "tests/net_cases.h"
#include "tests/pipeline_check.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4, PLANES = 3 * 16 * 16 };

static const char *const PROMPTS[] = {"a red square", "two blue circles"};

/* The right half is made anew. */
static void half_mask(float mask[16 * 16])
{
    for (int i = 0; i < 16 * 16; i++)
        mask[i] = i % 16 < 8 ? 0.49f : 0.5f;
}

static InpaintOptions usual(const float *planes, const float *mask, double strength)
{
    InpaintOptions o = {
        .text = TXT2IMG_DEFAULTS, .picture = {planes, 1, 16, 16}, .mask = mask, .strength = strength};
    o.text.prompts = PROMPTS;
    o.text.count = 1;
    o.text.steps = 4;
    o.text.seed = 7;
    return o;
}

static Txt2ImgResult run(const Model *m, const InpaintOptions *o, Arena *arena)
{
    Txt2ImgResult result = {0};
    Error err = {0};
    if (!CHECK(inpaint(&result, m, o, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    return result;
}

/* A model whose U-Net takes mask and masked picture besides. */
static void wide_model(Model *m, Arena *arena)
{
    ModelConfig config;
    Tokenizer tokenizer;
    tiny_model_parts(&config, &tokenizer, arena);
    config.unet.in_channels = 5;
    if (!CHECK(model_create(m, &config, &tokenizer, 51, 0, arena, NULL) == STATUS_OK))
        exit(1);
    scramble(&m->text_weights, 52);
    scramble(&m->unet_weights, 53);
    scramble(&m->vae_weights, 54);
}

static void test_the_rest_is_kept(const Model *m, const float *planes, const float *mask)
{
    Arena arena = {0};
    float z[SAMPLE];
    for (int i = 1; i <= 2; i++) {
        const InpaintOptions o = usual(planes, mask, 0.5 * i);
        Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_NOISE, 0);
        CHECK(encode_pictures(z, 1, m, &o.picture, &rng, &arena, NULL) == STATUS_OK);
        const Txt2ImgResult made = run(m, &o, &arena);
        for (int k = 0; k < SAMPLE; k++) {
            const bool same = made.latents[k] == z[k];
            CHECK(same == (k % 4 < 2));
        }
    }
    arena_free(&arena);
}

/* Everything made anew from noise alone is text to image with the second noise of the generator; all of a picture with
 * strength below 1 is image to image. */
static void test_a_whole_mask(const Model *m, const float *planes)
{
    Arena arena = {0};
    float mask[16 * 16], noise[SAMPLE];
    for (int i = 0; i < 16 * 16; i++)
        mask[i] = 1.0f;
    InpaintOptions o = usual(planes, mask, 1.0);
    Txt2ImgOptions text = o.text;
    Txt2ImgResult want;
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_NOISE, 0);
    rng_normal_fill(&rng, noise, SAMPLE);
    rng_normal_fill(&rng, noise, SAMPLE);
    text.latents = noise;
    CHECK(txt2img(&want, m, &text, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(run(m, &o, &arena).latents, want.latents, SAMPLE));
    o.text.latents = noise;
    CHECK(same_bits(run(m, &o, &arena).latents, want.latents, SAMPLE));
    o.text.latents = NULL;
    o.strength = 0.5;
    const Img2ImgOptions image = {.text = o.text, .picture = o.picture, .strength = 0.5};
    CHECK(img2img(&want, m, &image, &arena, NULL) == STATUS_OK);
    CHECK(same_bits(run(m, &o, &arena).latents, want.latents, SAMPLE));
    arena_free(&arena);
}

/* After the first call noise is drawn for the masked picture, whether the U-Net sees it or not: with eta the steps'
 * noise is the fourth of the generator. */
static void test_a_batch(const Model *m, const float *planes, const float *mask, double strength)
{
    Arena arena = {0};
    InpaintOptions o = usual(planes, mask, strength);
    o.text.count = 2;
    o.text.options.eta = 1.0;
    const Txt2ImgResult two = run(m, &o, &arena);
    o.text.count = 1;
    CHECK(same_bits(run(m, &o, &arena).latents, two.latents, SAMPLE));
    o.text.prompts = PROMPTS + 1;
    o.text.seed = 8;
    CHECK(same_bits(run(m, &o, &arena).latents, two.latents + SAMPLE, SAMPLE));
    arena_free(&arena);
}

typedef struct {
    float seen[5 * 16];
    int asked;
} Seen;

static void look(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times, Tensor *text,
                 int conditions)
{
    Seen *s = context;
    (void)hooks;
    (void)times;
    (void)text;
    CHECK(tape->error.status == STATUS_OK && x->dim[0] == 2 && x->dim[1] == 5 && conditions == 2);
    if (s->asked++ == 0)
        memcpy(s->seen, x->data, sizeof s->seen);
}

/* What the network of 5 channels sees, by hand: x, the mask, and the latent of the picture with grey for the mask. */
static void test_what_the_wide_network_sees(const Model *m, const float *planes, const float *mask)
{
    Arena arena = {0};
    float grey[PLANES], noise[SAMPLE], z[SAMPLE], extra[3 * 16];
    InpaintOptions o = usual(planes, mask, 1.0);
    PicturePlanes masked = {grey, 1, 16, 16};
    Seen seen = {.asked = 0};
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_NOISE, 0);
    for (int i = 0; i < PLANES; i++)
        grey[i] = i % 16 < 8 ? planes[i] : 0.0f;
    rng_normal_fill(&rng, noise, SAMPLE);
    CHECK(encode_pictures(z, 1, m, &masked, &rng, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 16; i++)
        extra[i] = i % 4 < 2 ? 0.0f : 1.0f;
    memcpy(extra + 16, z, sizeof z);

    Txt2ImgOptions text = o.text;
    Txt2ImgResult want;
    const PipelineParts parts = {.context = &seen, .extra = extra, .extra_channels = 3, .steer = look};
    text.parts = &parts;
    text.latents = noise;
    CHECK(txt2img(&want, m, &text, &arena, NULL) == STATUS_OK && seen.asked == 4);
    CHECK(same_bits(seen.seen, noise, SAMPLE) && same_bits(seen.seen + SAMPLE, extra, 3 * 16));
    CHECK(same_bits(run(m, &o, &arena).latents, want.latents, SAMPLE));
    arena_free(&arena);
}

static void refuse(const Model *m, InpaintOptions o, Status status, const char *why)
{
    Arena arena = {0};
    Txt2ImgResult result = {.count = -1};
    Error err = {0};
    CHECK(inpaint(&result, m, &o, &arena, &err) == status && result.count == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(const Model *m, const Model *wide, const float *planes, const float *mask)
{
    InpaintOptions o = usual(planes, mask, 0.5);
    o.picture.height = 2;
    refuse(m, o, STATUS_SHAPE, "a picture of 16x2, but both sides must be multiples of 4");
    refuse(m, usual(planes, NULL, 0.5), STATUS_ARGUMENT, "inpainting needs a mask");
    refuse(m, usual(planes, mask, 0.0), STATUS_ARGUMENT, "strength is 0");
    Model other = *m;
    other.config.unet.in_channels = 3;
    refuse(&other, usual(planes, mask, 0.5), STATUS_SHAPE, "the U-Net takes 3 channels and makes 2");
    const Img2ImgOptions image = {.text = o.text, .picture = {planes, 1, 16, 16}, .strength = 0.5};
    Arena arena = {0};
    Txt2ImgResult result;
    Error err = {0};
    CHECK(img2img(&result, wide, &image, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "the U-Net takes 5 channels and makes 2, expected 0 more");
    arena_free(&arena);
}

typedef struct {
    const Model *m;
    const float *planes, *mask;
    Arena *arena;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    Txt2ImgResult result;
    InpaintOptions o = usual(a->planes, a->mask, 0.25);
    const size_t fail = a->arena->fail_after;
    arena_free(a->arena);
    a->arena->fail_after = fail;
    return inpaint(&result, a->m, &o, a->arena, NULL);
}

/* Seed 94 and the rest: case.json, "what"; prompt and guidance as in its first half. */
static void test_the_case(void)
{
    Arena arena = {0};
    Case c;
    Model m;
    size_t n;
    char name[40];
    if (!pipeline_case_open(&c, &m, "i-img2img-inpaint", &arena))
        return;
    static const char *const prompt = "a green field";
    InpaintOptions o = {.text = TXT2IMG_DEFAULTS, .strength = 0.8};
    const float *planes = case_planes(&c, &o.picture);
    o.mask = case_numbers(&c, &c.inputs, "mask", &n);
    o.text.prompts = &prompt;
    o.text.count = 1;
    o.text.steps = 10;
    o.text.guidance = 6.0;
    o.text.rng = RNG_TORCH;
    o.text.seed = 94;
    Rng rng = rng_stream(RNG_TORCH, 94, STREAM_NOISE, 0);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "inpaint4ch.noise.%d", i);
        const float *noise = case_numbers(&c, &c.expected, name, &n);
        float *drawn = arena_raw(&arena, n, sizeof *drawn);
        rng_normal_fill(&rng, drawn, noise != NULL ? n : 0);
        case_compare(&c, name, drawn, n);
    }
    if (planes == NULL || o.mask == NULL)
        return;
    StepWatch w = {.sample = n, .latents = arena_alloc(&arena, 8 * n, sizeof(float))};
    const DenoiseHooks hooks = {.context = &w, .after = keep_step};
    o.text.loop = &hooks;
    const Txt2ImgResult got = run(&m, &o, &arena);
    CHECK(w.calls == 8);
    case_compare(&c, "inpaint4ch.latents_per_step", w.latents, 8 * n);
    case_picture(&c, "inpaint4ch.image", &got.pictures[0]);
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0}, again = {0};
    Model m, wide;
    float planes[PLANES], mask[16 * 16];
    tiny_model_new(&m, &arena);
    wide_model(&wide, &arena);
    fill_planes(planes, PLANES);
    half_mask(mask);
    test_the_rest_is_kept(&m, planes, mask);
    test_a_whole_mask(&m, planes);
    test_a_batch(&m, planes, mask, 0.75);
    test_a_batch(&wide, planes, mask, 0.75);
    test_a_batch(&wide, planes, mask, 1.0);
    test_what_the_wide_network_sees(&wide, planes, mask);
    test_refused(&m, &wide, planes, mask);
    Attempt a = {&m, planes, mask, &again};
    check_allocations(attempt, &a, &again);
    a.m = &wide;
    check_allocations(attempt, &a, &again);
    test_the_case();
    arena_free(&again);
    arena_free(&arena);
    return check_report("pipeline_inpaint");
}
