/* Guidance by a one-step estimate: its gradient against slopes, the sign, and what must change nothing. */
#include "guidance/one_step.h"

#include "base/rng.h"
#include "diffusion/pipeline_txt2img.h"
#include "nn/elementwise.h"
#include "nn/reduce.h"
#include "tests/tiny_model.h"

enum { L = 2, SIDE = 4, N = L * SIDE * SIDE, PIXELS = 16, STEPS = 4 };

static Arena arena, work;
static Model model;
static Schedule schedule;
static float wanted[3 * PIXELS * PIXELS];
static PixelLoss pixels = {wanted, PIXELS, PIXELS};

static OneStepGuide guide_of(double factor)
{
    OneStepGuide g = ONE_STEP_GUIDE;
    g.model = &model;
    g.decoded.vae = &model.vae;
    g.decoded.loss = pixel_loss(&pixels);
    g.decoded.factor = factor;
    g.height = g.width = SIDE;
    g.seed = 7;
    g.arena = &work;
    CHECK(one_step_begin(&g, &arena, NULL) == STATUS_OK);
    return g;
}

static void draw(float *z, uint64_t seed)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_NOISE, 0);
    rng_normal_fill(&rng, z, N);
}

/* The loss that the gradient is of, at z. */
static double loss_at(const OneStepGuide *g, const float *z, int t, int type)
{
    float G[N];
    GuideReport r = {.call = 0};
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_CROPS, 0);
    CHECK(one_step_gradient(G, &r, g, z, schedule_signal(&schedule, t), schedule_noise(&schedule, t), t,
                            type, &schedule, &rng, NULL) == STATUS_OK);
    return r.loss;
}

static void test_slopes(void)
{
    float z[N], d[N], G[N], moved[N];
    for (int k = 0; k < 6; k++) {
        const int type = k % 3, t = k < 3 ? 300 : 700;
        OneStepGuide g = guide_of(2.0);
        g.on = k % 2 == 0 ? GUIDE_BLEND : GUIDE_X0;
        GuideReport r = {.call = 0};
        Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_CROPS, 0);
        double along = 0.0, h = 2e-3, value[2];
        draw(z, 100 + (uint64_t)k);
        draw(d, 200 + (uint64_t)k);
        CHECK(one_step_gradient(G, &r, &g, z, schedule_signal(&schedule, t), schedule_noise(&schedule, t),
                                t, type, &schedule, &rng, NULL) == STATUS_OK);
        for (int i = 0; i < N; i++)
            along += (double)G[i] * (double)d[i];
        for (int s = 0; s < 2; s++) {
            for (int i = 0; i < N; i++)
                moved[i] = z[i] + (s == 0 ? (float)h : -(float)h) * d[i];
            value[s] = loss_at(&g, moved, t, type);
        }
        const double slope = (value[0] - value[1]) / (2.0 * h);
        CHECK(fabs(along - slope) <= 1e-2 * fabs(slope) + 1e-4);
        CHECK(work.used == 0);
        g.through_unet = false; /* another gradient, unless the network said a constant */
        float H[N];
        CHECK(one_step_gradient(H, &r, &g, z, schedule_signal(&schedule, t), schedule_noise(&schedule, t),
                                t, type, &schedule, &rng, NULL) == STATUS_OK);
        CHECK(memcmp(G, H, sizeof G) != 0);
    }
}

static Status run(float *x, const OneStepGuide *g, uint64_t seed, Error *err)
{
    static const char *const PROMPT[1] = {"a red square"};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    OneStepGuide copy = *g;
    const DenoiseHooks hooks = one_step_hooks(&copy);
    const PipelineParts parts = {.context = &copy, .loop = &hooks};
    o.prompts = PROMPT;
    o.count = 1;
    o.steps = STEPS;
    o.seed = seed;
    o.parts = &parts;
    return txt2img_latents(x, NULL, &model, &o, &arena, err);
}

static double pixel_distance(const float *latent)
{
    double z[N], loss = NAN;
    DecodedLoss d = {.vae = &model.vae, .loss = pixel_loss(&pixels), .factor = 1.0};
    for (int i = 0; i < N; i++)
        z[i] = (double)latent[i];
    CHECK(decoded_loss(&loss, NULL, NULL, NULL, &d, z, SIDE, SIDE, NULL, &arena, NULL) == STATUS_OK);
    return loss;
}

static void test_downhill(void)
{
    float plain[N], guided[N], again[N];
    static const char *const PROMPT[1] = {"a red square"};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = PROMPT;
    o.count = 1;
    o.steps = STEPS;
    o.seed = 3;
    CHECK(txt2img_latents(plain, NULL, &model, &o, &arena, NULL) == STATUS_OK);
    OneStepGuide g = guide_of(0.0);
    CHECK(run(guided, &g, 3, NULL) == STATUS_OK);
    CHECK(same_bits(plain, guided, N)); /* nothing is asked */
    double before = pixel_distance(plain);
    for (int k = 0; k < 3; k++) {
        g = guide_of(0.5 * (double)(1 << k));
        CHECK(run(guided, &g, 3, NULL) == STATUS_OK);
        const double now = pixel_distance(guided);
        CHECK(now < before); /* the more, the nearer */
        before = now;
    }
    CHECK(run(again, &g, 3, NULL) == STATUS_OK && same_bits(guided, again, N));
    g = guide_of(-2.0);
    CHECK(run(guided, &g, 3, NULL) == STATUS_OK);
    CHECK(pixel_distance(guided) > pixel_distance(plain)); /* uphill */
}

/* A batch gives what its pictures give alone. */
static void test_batch(void)
{
    float both[2 * N], one[N];
    static const char *const PROMPT[1] = {"a red square"};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    OneStepGuide g = guide_of(1.0);
    const DenoiseHooks hooks = one_step_hooks(&g);
    const PipelineParts parts = {.context = &g, .loop = &hooks};
    o.prompts = PROMPT;
    o.count = 1;
    o.images = 2;
    o.steps = STEPS;
    o.seed = 7;
    o.parts = &parts;
    CHECK(txt2img_latents(both, NULL, &model, &o, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 2; i++) {
        OneStepGuide alone = guide_of(1.0);
        alone.seed = 7 + (uint64_t)i;
        CHECK(run(one, &alone, 7 + (uint64_t)i, NULL) == STATUS_OK);
        CHECK(same_bits(both + i * N, one, N));
    }
}

static Tensor *no_number(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    (void)context, (void)rng;
    return scale(tape, mean_all(tape, x), HUGE_VALF);
}

static Tensor *no_scalar(Tape *tape, const void *context, Tensor *x, Rng *rng)
{
    (void)tape, (void)context, (void)rng;
    return x;
}

static void test_refusals(void)
{
    float x[N];
    Error err = {0};
    OneStepGuide g = guide_of(1.0);
    g.decoded.loss = (PictureLoss){NULL, no_number};
    CHECK(run(x, &g, 1, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "not a number");
    err = (Error){0};
    g.decoded.loss = (PictureLoss){NULL, no_scalar};
    CHECK(run(x, &g, 1, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "expected one");
    err = (Error){0};
    g.decoded.factor = NAN;
    CHECK(one_step_begin(&g, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "scale of guidance");
    err = (Error){0};
    Vgg v = {.config = {.in_channels = 3, .noise_levels = 0}};
    g = guide_of(1.0);
    g.noisy.vgg = &v;
    CHECK(one_step_begin(&g, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "noise-aware");
}

int main(void)
{
    tiny_model_new(&model, &arena);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        wanted[i] = i % 3 == 0 ? 0.5f : -0.25f;
    CHECK(schedule_make(&schedule, &model.config.scheduler, false, &arena, NULL) == STATUS_OK);
    test_slopes();
    test_downhill();
    test_batch();
    test_refusals();
    arena_free(&arena);
    arena_free(&work);
    return check_report("one_step");
}
