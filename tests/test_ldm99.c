/* The library as other programs see it: ldm99.h alone, beside the parts that it stands on. */
#include "api/ldm99.h"

#include <pthread.h>

#include "base/contract.h"
#include "diffusion/pipeline_txt2img.h"
#include "diffusion/vae_latent.h"
#include "io/picture.h"
#include "tests/scratch.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4, PIXELS = 16 * 16 * 3, T = 12, D = 8 };

static const char *const PROMPTS[] = {"a red square", "two blue circles"};
static char folder[SCRATCH_PATH];

static int same_floats(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* ---- an allocator that counts and fails ---- */

typedef struct {
    long held, calls, fail_at; /* blocks; the call that fails, and all after it; 0: none */
} Counter;

static void *counted_alloc(void *context, size_t size)
{
    Counter *c = context;
    if (++c->calls >= c->fail_at && c->fail_at > 0)
        return NULL;
    c->held++;
    return malloc(size);
}

static void counted_free(void *context, void *memory)
{
    ((Counter *)context)->held -= memory != NULL;
    free(memory);
}

static ldm_allocator counting(Counter *c)
{
    return (ldm_allocator){counted_alloc, counted_free, c};
}

static ldm_model *open_all(const ldm_allocator *allocator)
{
    ldm_model *m = NULL;
    ldm_error error = {LDM_FORMAT, "old"};
    if (!CHECK(ldm_model_open(&m, folder, LDM_ALL, allocator, &error) == LDM_OK)) {
        printf("    %s\n", error.text);
        exit(1);
    }
    CHECK(error.status == LDM_OK && error.text[0] == '\0');
    return m;
}

static ldm_sample_options usual(void)
{
    ldm_sample_options o;
    ldm_sample_options_default(&o, sizeof o);
    o.prompts = PROMPTS;
    o.count = 2;
    o.steps = 3;
    o.seed = 7;
    return o;
}

static void test_the_library_itself(void)
{
    ldm_error error;
    CHECK(strcmp(ldm_version(), LDM_VERSION) == 0);
    CHECK(ldm_self_test(&error) == LDM_OK && ldm_self_test(NULL) == LDM_OK);
    CHECK_TEXT(ldm_status_text(LDM_MEMORY), "memory");
    CHECK_TEXT(ldm_status_text((ldm_status)99), "unknown");
    const int threads = ldm_threads();
    ldm_threads_set(2);
    CHECK(ldm_threads() == 2 || ldm_threads() == 1);
    ldm_threads_set(0);
    CHECK(ldm_threads() == threads && threads >= 1);
    CHECK(strcmp(ldm_sampler_name(0), "ddim") == 0 && ldm_sampler_name(-1) == NULL);
    CHECK(ldm_sampler_name(1000) == NULL);
}

static void test_info(void)
{
    ldm_model *m = open_all(NULL), *vae = NULL;
    ldm_model_info info, part;
    ldm_model_get_info(m, &info, sizeof info);
    CHECK(info.struct_size == sizeof info && info.parts == LDM_ALL && info.latent_channels == 2);
    CHECK(info.latent_height == 4 && info.latent_width == 4 && info.factor == 4 &&
          info.picture_width == 16);
    CHECK(info.tokens == T && info.text_width == D && info.train_timesteps == 1000);
    CHECK(info.vocabulary > 0 && info.vocabulary <= 600 && info.input_channels == 2);
    CHECK(strcmp(info.prediction, "epsilon") == 0 && strcmp(info.scheduler, "DDIMScheduler") == 0);
    CHECK(info.unet_numbers > 1000 && info.vae_numbers > 100 && info.text_numbers > 1000);
    CHECK(info.memory > 4 * (info.unet_numbers + info.vae_numbers + info.text_numbers));

    memset(&part, 7, sizeof part); /* a program of an older header, whose struct was shorter */
    ldm_model_get_info(m, &part, 2 * sizeof(size_t));
    CHECK(part.struct_size == 2 * sizeof(size_t) && part.parts == LDM_ALL && part.memory != info.memory);
    ldm_model_close(m);

    CHECK(ldm_model_open(&vae, folder, LDM_VAE, NULL, NULL) == LDM_OK);
    ldm_model_get_info(vae, &info, sizeof info);
    CHECK(info.parts == LDM_VAE && info.unet_numbers == 0 && info.tokens == 0 && info.factor == 4);
    CHECK(info.scheduler[0] == '\0' && info.latent_channels == 2);
    CHECK(ldm_token_text(vae, 3) == NULL);
    ldm_model_close(vae);
    ldm_model_close(NULL);
}

/* ---- the same bits as the program ---- */

/* Latents and pixels of txt2img, the pipeline of the program, with the options that correspond. */
static Txt2ImgResult reference(Model *m, Arena *arena, int count, double eta, RngKind rng)
{
    Txt2ImgResult result = {0};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = PROMPTS;
    o.count = count;
    o.steps = 3;
    o.seed = 7;
    o.options.eta = eta;
    o.rng = rng;
    CHECK(model_open(m, folder, MODEL_ALL, 0, arena, NULL) == STATUS_OK);
    CHECK(txt2img(&result, m, &o, arena, NULL) == STATUS_OK);
    return result;
}

static void test_a_run_has_the_bits_of_the_program(double eta, int generator)
{
    Arena arena = {0};
    Model internal;
    const Txt2ImgResult want = reference(&internal, &arena, 2, eta, (RngKind)generator);
    ldm_model *m = open_all(NULL);
    ldm_sample_options o = usual();
    ldm_error error;
    float latents[2 * SAMPLE], again[2 * SAMPLE], text[3 * T * D], noise[2 * SAMPLE], planes[2 * PIXELS];
    unsigned char pixels[PIXELS];
    o.eta = eta;
    o.generator = generator;
    CHECK(ldm_sample(latents, m, &o, &error) == LDM_OK);
    CHECK(same_floats(latents, want.latents, 2 * SAMPLE));
    CHECK(ldm_decode(planes, m, latents, 2, 4, 4, &error) == LDM_OK);
    for (int k = 0; k < 2; k++) {
        ldm_picture picture = {16, 16, 3, pixels};
        ldm_picture_from_planes(&picture, planes + k * PIXELS);
        CHECK(memcmp(pixels, want.pictures[k].pixels, PIXELS) == 0);
    }

    /* Rows in place of words, and the noise in place of the seed where no step draws more. */
    CHECK(ldm_encode_prompt(text, m, PROMPTS[0], 0, &error) == LDM_OK);
    CHECK(ldm_encode_prompt(text + T * D, m, PROMPTS[1], 0, &error) == LDM_OK);
    CHECK(ldm_encode_prompt(text + 2 * T * D, m, "", 0, &error) == LDM_OK);
    o.prompts = NULL;
    o.text = text;
    o.negative_text = text + 2 * T * D;
    if (eta == 0.0) {
        for (int k = 0; k < 2; k++)
            CHECK(ldm_noise(noise + k * SAMPLE, SAMPLE, generator, 7 + (uint64_t)k, NULL) == LDM_OK);
        o.noise = noise;
    }
    CHECK(ldm_sample(again, m, &o, &error) == LDM_OK && same_floats(again, latents, 2 * SAMPLE));
    o.text_tokens = T - 1;
    CHECK(ldm_sample(again, m, &o, &error) == LDM_OK && !same_floats(again, latents, 2 * SAMPLE));
    o.negative_text = NULL; /* to be encoded, so T rows */
    CHECK(ldm_sample(again, m, &o, &error) == LDM_SHAPE);
    CHECK_TEXT(error.text, "11 rows of text beside encoded prompts of 12");
    ldm_model_close(m);
    arena_free(&arena);
}

/* Latents of a picture: the mean, and a sample of the encoder's distribution, as vae_latent.h has them. */
static void test_latents_of_a_picture(void)
{
    Arena arena = {0};
    Model internal;
    ldm_model *m = open_all(NULL);
    float latents[SAMPLE];
    Tape tape = {.arena = &arena};
    CHECK(model_open(&internal, folder, MODEL_VAE, 0, &arena, NULL) == STATUS_OK);
    Tensor *picture = any_tensor(&arena, 41, 4, 1, 3, 16, 16),
           *noise = any_tensor(&arena, 42, 4, 1, 2, 4, 4);
    Tensor *moments = vae_encode(&tape, &internal.vae, picture);
    const Tensor *mean = latent_scale(&tape, &internal.config.vae, latent_mean(&tape, moments));
    const Tensor *sample = latent_scale(&tape, &internal.config.vae, latent_sample(&tape, moments, noise));
    CHECK(ldm_encode(latents, m, picture->data, NULL, 1, 16, 16, NULL) == LDM_OK);
    CHECK(same_floats(latents, mean->data, SAMPLE));
    CHECK(ldm_encode(latents, m, picture->data, noise->data, 1, 16, 16, NULL) == LDM_OK);
    CHECK(same_floats(latents, sample->data, SAMPLE) && !same_floats(latents, mean->data, SAMPLE));
    ldm_model_close(m);
    arena_free(&arena);
}

static void test_tokens(void)
{
    Arena arena = {0};
    Model internal;
    EncodedPrompt want;
    ldm_model *m = open_all(NULL);
    int ids[T], used = 0;
    size_t cut = 9;
    CHECK(model_open(&internal, folder, MODEL_TOKENIZER, 0, &arena, NULL) == STATUS_OK);
    CHECK(tokenizer_encode(&want, &internal.tokenizer, PROMPTS[0], &arena, NULL) == STATUS_OK);
    CHECK(ldm_tokenize(ids, &used, &cut, m, PROMPTS[0], NULL) == LDM_OK);
    CHECK(memcmp(ids, want.ids, sizeof ids) == 0 && used == want.used && cut == 0);
    CHECK(strcmp(ldm_token_text(m, ids[1]), "a</w>") == 0 && ldm_token_text(m, 100000) == NULL);
    CHECK(ldm_tokenize(ids, NULL, &cut, m, "x y z x y z x y z x y z x y tail", NULL) == LDM_OK && cut > 4);
    CHECK(ldm_tokenize(ids, NULL, NULL, m, "caf\xe9", NULL) == LDM_FORMAT);
    ldm_model_close(m);
    arena_free(&arena);
}

static void test_schedule(void)
{
    ldm_model *m = open_all(NULL);
    ldm_sample_options o = usual();
    double alpha_bar[1000], times[4] = {-1, -1, -1, -1};
    float x0[4] = {0.5f, -1, 0, 2}, noise[4] = {1, 0.25f, -1, 0}, x[4], back[4], eps[4];
    int calls = 0;
    CHECK(ldm_schedule(alpha_bar, m, NULL) == LDM_OK);
    CHECK_NEAR(alpha_bar[0], 1.0 - 0.00085, 1e-12);
    CHECK(alpha_bar[999] < 0.01 && alpha_bar[999] > 0.0);
    CHECK(ldm_add_noise(x, x0, noise, 4, m, 500, NULL) == LDM_OK);
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(x[i], sqrt(alpha_bar[500]) * x0[i] + sqrt(1.0 - alpha_bar[500]) * noise[i], 1e-6);
    CHECK(ldm_predictions(back, eps, x, noise, 4, m, 500, NULL) ==
          LDM_OK); /* a perfect network of epsilon */
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(back[i], x0[i], 1e-5);
    CHECK(same_floats(eps, noise, 4));
    CHECK(ldm_predictions(NULL, NULL, x, noise, 4, m, 1000, NULL) == LDM_ARGUMENT);
    CHECK(ldm_add_noise(x, x0, noise, 4, m, -1, NULL) == LDM_ARGUMENT);
    CHECK(ldm_timesteps(times, 2, &calls, m, &o, NULL) == LDM_OK && calls == 3);
    CHECK(times[0] == 667 && times[1] == 334 && times[2] == -1); /* leading, offset 1; room for two */
    o.spacing = "trailing";
    CHECK(ldm_timesteps(times, 4, &calls, m, &o, NULL) == LDM_OK && times[0] == 999 && times[3] == -1);
    o.spacing = "sideways";
    CHECK(ldm_timesteps(times, 4, &calls, m, &o, NULL) == LDM_ARGUMENT);
    CHECK(ldm_noise(x, 4, 2, 0, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

/* ---- callbacks ---- */

typedef struct {
    int guided, latents, progress, stop_at; /* calls so far; the step that stops */
    float add;
    float last[2 * SAMPLE];
} Watch;

static int on_guided(void *context, const ldm_step *at, const float *input, float *y)
{
    Watch *w = context;
    CHECK(w->guided == at->call && w->latents == at->call && w->progress == at->call);
    CHECK(input != y && at->images == 2 && at->channels == 2 && at->height == 4 && at->width == 4);
    w->guided++;
    return 0;
}

static int on_latents(void *context, const ldm_step *at, float *latents)
{
    Watch *w = context;
    CHECK(w->guided == at->call + 1 && w->progress == at->call && at->calls == 3);
    w->latents++;
    for (int i = 0; i < 2 * SAMPLE; i++)
        latents[i] += w->add;
    memcpy(w->last, latents, sizeof w->last);
    return 0;
}

static int on_progress(void *context, const ldm_step *at)
{
    Watch *w = context;
    CHECK(w->latents == at->call + 1 && at->time == (at->call == 0 ? 667 : at->call == 1 ? 334 : 1));
    w->progress++;
    return at->call == w->stop_at;
}

static void test_callbacks(void)
{
    ldm_model *m = open_all(NULL);
    ldm_sample_options o = usual();
    ldm_error error;
    float plain[2 * SAMPLE], watched[2 * SAMPLE];
    Watch w = {.stop_at = -1};
    CHECK(ldm_sample(plain, m, &o, NULL) == LDM_OK);
    o.guided = on_guided;
    o.latents = on_latents;
    o.progress = on_progress;
    o.context = &w;
    CHECK(ldm_sample(watched, m, &o, NULL) == LDM_OK && same_floats(plain, watched, 2 * SAMPLE));
    CHECK(w.guided == 3 && w.latents == 3 && w.progress == 3 && same_floats(w.last, plain, 2 * SAMPLE));
    w = (Watch){.stop_at = -1, .add = 0.125f};
    CHECK(ldm_sample(watched, m, &o, NULL) == LDM_OK && !same_floats(plain, watched, 2 * SAMPLE));
    CHECK(same_floats(w.last, watched, 2 * SAMPLE));
    w = (Watch){.stop_at = 1};
    CHECK(ldm_sample(watched, m, &o, &error) == LDM_INTERRUPTED && error.status == LDM_INTERRUPTED);
    CHECK_TEXT(error.text, "stopped after step 2 of 3");
    CHECK(w.progress == 2);
    ldm_model_close(m);
}

/* All steps left out: the latents themselves; some: the rest of a run from noisy latents, by hand. */
static void test_starting_from_latents(void)
{
    ldm_model *m = open_all(NULL);
    ldm_sample_options o = usual();
    float start[SAMPLE], noise[SAMPLE], whole[SAMPLE], x[SAMPLE], y[2 * SAMPLE], text[2 * T * D];
    o.count = 1;
    o.guidance = 1.0;
    fill_any(start, SAMPLE, 3);
    fill_any(noise, SAMPLE, 4);
    o.start = start;
    o.noise = noise;
    o.skip = 3;
    CHECK(ldm_sample(whole, m, &o, NULL) == LDM_OK && same_floats(whole, start, SAMPLE));
    o.skip = 2; /* one step is left, at t = 1, after which diffusers' DDIM has abar_0 */
    CHECK(ldm_sample(whole, m, &o, NULL) == LDM_OK);
    const float time = 1.0f;
    double abar[1000];
    CHECK(ldm_schedule(abar, m, NULL) == LDM_OK);
    CHECK(ldm_add_noise(x, start, noise, SAMPLE, m, 1, NULL) == LDM_OK);
    CHECK(ldm_encode_prompt(text, m, PROMPTS[0], 0, NULL) == LDM_OK);
    CHECK(ldm_unet(y, m, x, &time, text, 1, 4, 4, T, NULL) == LDM_OK);
    for (int i = 0; i < SAMPLE; i++) {
        const double x0 = (x[i] - sqrt(1.0 - abar[1]) * y[i]) / sqrt(abar[1]);
        CHECK_NEAR(whole[i], sqrt(abar[0]) * x0 + sqrt(1.0 - abar[0]) * y[i], 1e-5);
    }
    o.skip = 4;
    CHECK(ldm_sample(whole, m, &o, NULL) == LDM_ARGUMENT);
    o.skip = 1;
    o.start = NULL;
    CHECK(ldm_sample(whole, m, &o, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

/* ---- gradients ---- */

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The slope of sum(dy y) along `direction` is the gradient's product with it, to a share of what such a product
 * usually is; high and low: y at +-step. */
static void check_gradient(const float *gradient, const float *direction, size_t n, const float *dy,
                           const float *high, const float *low, size_t ny, double step)
{
    const double slope = (dot(dy, high, ny) - dot(dy, low, ny)) / (2.0 * step);
    const double usual = sqrt(dot(gradient, gradient, n) * dot(direction, direction, n) / (double)n);
    if (!CHECK(usual > 1e-3 && fabs(slope) > 0.1 * usual))
        printf("    slope %g, usually %g\n", slope, usual);
    CHECK_NEAR(dot(gradient, direction, n) / usual, slope / usual, 5e-3);
}

static void along(float *out, const float *x, const float *direction, size_t n, float step)
{
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] + step * direction[i];
}

static void test_gradient_of_the_unet(void)
{
    ldm_model *m = open_all(NULL);
    const float times[2] = {3, 700}, step = 0x1p-9f;
    float x[2 * SAMPLE], text[2 * T * D], dy[2 * SAMPLE], y[2 * SAMPLE], plain[2 * SAMPLE], dx[2 * SAMPLE];
    float dtext[2 * T * D], to[2 * T * D], moved[2 * T * D], high[2 * SAMPLE], low[2 * SAMPLE];
    fill_any(x, 2 * SAMPLE, 11);
    fill_any(text, 2 * T * D, 12);
    fill_any(dy, 2 * SAMPLE, 13);
    fill_any(to, 2 * T * D, 14);
    CHECK(ldm_unet_vjp(y, dx, dtext, m, x, times, text, dy, 2, 4, 4, T, NULL) == LDM_OK);
    CHECK(ldm_unet(plain, m, x, times, text, 2, 4, 4, T, NULL) == LDM_OK);
    CHECK(same_floats(y, plain, 2 * SAMPLE));
    CHECK(ldm_unet(high, m, x + SAMPLE, times + 1, text + T * D, 1, 4, 4, T, NULL) == LDM_OK);
    CHECK(same_floats(high, y + SAMPLE, SAMPLE));
    along(moved, x, to, 2 * SAMPLE, step);
    CHECK(ldm_unet(high, m, moved, times, text, 2, 4, 4, T, NULL) == LDM_OK);
    along(moved, x, to, 2 * SAMPLE, -step);
    CHECK(ldm_unet(low, m, moved, times, text, 2, 4, 4, T, NULL) == LDM_OK);
    check_gradient(dx, to, 2 * SAMPLE, dy, high, low, 2 * SAMPLE, step);
    along(moved, text, to, 2 * T * D, step);
    CHECK(ldm_unet(high, m, x, times, moved, 2, 4, 4, T, NULL) == LDM_OK);
    along(moved, text, to, 2 * T * D, -step);
    CHECK(ldm_unet(low, m, x, times, moved, 2, 4, 4, T, NULL) == LDM_OK);
    check_gradient(dtext, to, 2 * T * D, dy, high, low, 2 * SAMPLE, step);
    CHECK(ldm_unet(y, m, x, times, text, 0, 4, 4, T, NULL) == LDM_ARGUMENT);
    CHECK(ldm_unet_vjp(y, dx, NULL, m, x, times, text, dy, 2, 4, 4, 0, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

static void test_gradient_of_the_decoder(void)
{
    ldm_model *m = open_all(NULL);
    const float step = 0x1p-9f;
    static float picture[2 * PIXELS], plain[2 * PIXELS], dpicture[2 * PIXELS], high[2 * PIXELS],
        low[2 * PIXELS];
    float z[2 * SAMPLE], dz[2 * SAMPLE], to[2 * SAMPLE], moved[2 * SAMPLE];
    fill_any(z, 2 * SAMPLE, 21);
    fill_any(dpicture, 2 * PIXELS, 22);
    fill_any(to, 2 * SAMPLE, 26);
    CHECK(ldm_decode_vjp(picture, dz, m, z, dpicture, 2, 4, 4, NULL) == LDM_OK);
    CHECK(ldm_decode(plain, m, z, 2, 4, 4, NULL) == LDM_OK && same_floats(plain, picture, 2 * PIXELS));
    along(moved, z, to, 2 * SAMPLE, step);
    CHECK(ldm_decode(high, m, moved, 2, 4, 4, NULL) == LDM_OK);
    along(moved, z, to, 2 * SAMPLE, -step);
    CHECK(ldm_decode(low, m, moved, 2, 4, 4, NULL) == LDM_OK);
    check_gradient(dz, to, 2 * SAMPLE, dpicture, high, low, 2 * PIXELS, step);
    CHECK(ldm_decode(plain, m, z, 2, 0, 4, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

static void test_gradient_of_the_encoder(int with_noise)
{
    ldm_model *m = open_all(NULL);
    const float step = 0x1p-9f;
    static float picture[2 * PIXELS], dpicture[2 * PIXELS], to[2 * PIXELS], moved[2 * PIXELS];
    float z[2 * SAMPLE], plain[2 * SAMPLE], dz[2 * SAMPLE], high[2 * SAMPLE], low[2 * SAMPLE];
    float noise[2 * SAMPLE];
    const float *const given = with_noise ? noise : NULL;
    fill_any(picture, 2 * PIXELS, 31);
    fill_any(dz, 2 * SAMPLE, 32);
    fill_any(to, 2 * PIXELS, 36);
    fill_any(noise, 2 * SAMPLE, 34);
    CHECK(ldm_encode_vjp(z, dpicture, m, picture, given, dz, 2, 16, 16, NULL) == LDM_OK);
    CHECK(ldm_encode(plain, m, picture, given, 2, 16, 16, NULL) == LDM_OK &&
          same_floats(plain, z, 2 * SAMPLE));
    along(moved, picture, to, 2 * PIXELS, step);
    CHECK(ldm_encode(high, m, moved, given, 2, 16, 16, NULL) == LDM_OK);
    along(moved, picture, to, 2 * PIXELS, -step);
    CHECK(ldm_encode(low, m, moved, given, 2, 16, 16, NULL) == LDM_OK);
    check_gradient(dpicture, to, 2 * PIXELS, dz, high, low, 2 * SAMPLE, step);
    CHECK(ldm_encode(z, m, picture, given, 2, 16, 18, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

/* ---- files ---- */

static void test_pictures_and_arrays(void)
{
    char png[SCRATCH_PATH], npy[SCRATCH_PATH];
    Counter counter = {0};
    const ldm_allocator allocator = counting(&counter);
    unsigned char pixels[2 * 3 * 3] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 255, 254, 253, 1, 2, 3, 4, 5, 6};
    unsigned char *bytes = NULL;
    size_t size = 0;
    float planes[18];
    const ldm_picture picture = {3, 2, 3, pixels};
    ldm_picture got = {0}, back = {3, 2, 3, NULL};
    const char *const texts[] = {"parameters", "a test", NULL}, *const odd[] = {"parameters", NULL};
    ldm_error error;
    CHECK(ldm_picture_write(scratch_path(png, "api.png"), &picture, texts, &allocator, &error) == LDM_OK);
    CHECK(ldm_picture_read(&got, png, &allocator, &error) == LDM_OK && got.width == 3 && got.height == 2);
    CHECK(got.channels == 3 && memcmp(got.pixels, pixels, sizeof pixels) == 0 && counter.held == 1);
    ldm_planes_from_picture(planes, &got);
    CHECK(planes[0] == -1.0f && planes[3] == 1.0f);
    back.pixels = got.pixels;
    memset(got.pixels, 0, sizeof pixels);
    ldm_picture_from_planes(&back, planes);
    CHECK(memcmp(back.pixels, pixels, sizeof pixels) == 0);
    ldm_free(&allocator, got.pixels);
    CHECK(ldm_picture_encode(&bytes, &size, &picture, texts, &allocator, &error) == LDM_OK && size > 60);
    CHECK(ldm_picture_parse(&got, bytes, size, NULL, &error) == LDM_OK);
    CHECK(memcmp(got.pixels, pixels, sizeof pixels) == 0);
    ldm_free(NULL, got.pixels);
    CHECK(ldm_picture_parse(&got, bytes, size / 2, NULL, &error) == LDM_FORMAT);
    ldm_free(&allocator, bytes);
    CHECK(ldm_picture_encode(&bytes, &size, &picture, odd, &allocator, &error) == LDM_ARGUMENT);
    CHECK(ldm_picture_read(&got, "/nowhere.png", NULL, &error) == LDM_FILE && counter.held == 0);

    const uint64_t dim[2] = {3, 6};
    uint64_t read_dim[LDM_RANK];
    float *numbers = NULL;
    int rank = 0;
    scratch_path(npy, "api.npy");
    CHECK(ldm_array_write(npy, planes, 2, dim, &allocator, &error) == LDM_OK);
    CHECK(ldm_array_read(&numbers, &rank, read_dim, npy, &allocator, &error) == LDM_OK && rank == 2);
    CHECK(read_dim[0] == 3 && read_dim[1] == 6 && read_dim[2] == 1 && same_floats(numbers, planes, 18));
    ldm_free(&allocator, numbers);
    CHECK(ldm_array_write(npy, planes, 9, dim, &allocator, &error) == LDM_ARGUMENT);
    CHECK(ldm_array_read(&numbers, &rank, read_dim, png, &allocator, &error) == LDM_FORMAT);
    CHECK(counter.held == 0 && counter.calls > 0);
    CHECK(remove(png) == 0 && remove(npy) == 0);
}

/* The same pixels as by way of planes, whatever of its memory fails. */
static void test_decode_picture(void)
{
    ldm_model *m = open_all(NULL);
    ldm_error error;
    float latents[SAMPLE], planes[PIXELS];
    unsigned char pixels[PIXELS];
    ldm_picture want = {16, 16, 3, pixels}, got = {1, 2, 3, NULL};
    CHECK(ldm_noise(latents, SAMPLE, LDM_PHILOX, 3, NULL) == LDM_OK);
    CHECK(ldm_decode(planes, m, latents, 1, 4, 4, NULL) == LDM_OK);
    ldm_picture_from_planes(&want, planes);
    CHECK(ldm_decode_picture(&got, m, latents, 4, 4, NULL, &error) == LDM_OK);
    CHECK(got.width == 16 && got.height == 16 && got.channels == 3);
    CHECK(memcmp(got.pixels, pixels, PIXELS) == 0);
    ldm_free(NULL, got.pixels);
    CHECK(ldm_decode_picture(&got, m, latents, 2, 8, NULL, &error) == LDM_OK); /* rows and columns */
    CHECK(got.width == 32 && got.height == 8);
    ldm_free(NULL, got.pixels);

    Counter counter = {.fail_at = 1};
    const ldm_allocator allocator = counting(&counter);
    got = (ldm_picture){1, 2, 3, NULL};
    CHECK(ldm_decode_picture(&got, m, latents, 4, 4, &allocator, &error) == LDM_MEMORY);
    CHECK(got.width == 1 && got.pixels == NULL && counter.held == 0);
    CHECK(ldm_decode_picture(&got, m, latents, 0, 4, NULL, &error) == LDM_ARGUMENT);
    CHECK(ldm_decode_picture(&got, m, latents, 4, 1 << 30, NULL, &error) == LDM_ARGUMENT);
    CHECK_TEXT(error.text, "latents of 1073741824 x 4, expected sides up to 262144");
    ldm_model_close(m);
}

static void test_compare(void)
{
    const float a[3] = {1.0f, 2.0f, -0.0f}, b[3] = {1.0f, 2.5f, -0.0f}, nan[3] = {1.0f, NAN, 0.0f};
    ldm_difference d;
    const float c[3] = {-1.0f, 2.5f, -0.0f};
    ldm_compare(&d, a, b, 3);
    CHECK(d.first == 1 && d.different == 1 && d.largest == 0.5 && d.ulps == 1u << 21 && d.other_signs == 0);
    ldm_compare(&d, a, c, 3); /* steps across 0 do not count */
    CHECK(d.first == 0 && d.different == 2 && d.largest == 2.0 && d.ulps == 1u << 21 && d.other_signs == 1);
    ldm_compare(&d, a, a, 3);
    CHECK(d.first == 3 && d.largest == 0.0 && d.ulps == 0);
    ldm_compare(&d, a, nan, 3);
    CHECK(d.first == 1 && d.different == 2 && d.largest > 1e300 && d.ulps == 0xffffffffu);
    ldm_compare(&d, nan, nan, 3);
    CHECK(d.first == 3 && d.largest == 0.0);
}

static void test_metrics(void)
{
    Counter counter = {0};
    const ldm_allocator allocator = counting(&counter);
    ldm_error error;
    float a[2 * 12 * 12], b[2 * 12 * 12];
    double got = 0.0;
    for (int i = 0; i < 288; i++) {
        a[i] = (float)(i % 12) / 16.0f;
        b[i] = a[i] + (i % 2 == 0 ? 0.25f : -0.25f);
    }
    CHECK(ldm_mse(&got, a, b, 2, 12, 12, &error) == LDM_OK && got == 0.0625);
    CHECK(ldm_psnr(&got, a, b, 1, 1, 288, 2.0, &error) == LDM_OK);
    CHECK_NEAR(got, 18.0617997398389, 1e-12); /* 10 log10(64) */
    CHECK(ldm_psnr(&got, a, a, 2, 12, 12, 2.0, &error) == LDM_OK && got > 1e300);
    CHECK(ldm_ssim(&got, a, b, 2, 12, 12, 2.0, &allocator, &error) == LDM_OK && got > 0.1 && got < 0.9);
    CHECK(ldm_ssim(&got, a, a, 2, 12, 12, 2.0, NULL, NULL) == LDM_OK && got == 1.0);
    CHECK(ldm_ssim(&got, a, b, 2, 12, 10, 2.0, NULL, &error) == LDM_SHAPE);
    CHECK_TEXT(error.text, "10 x 12");
    CHECK(ldm_psnr(&got, a, b, 2, 12, 12, 0.0, &error) == LDM_ARGUMENT && got == 1.0);
    a[0] = NAN;
    CHECK(ldm_mse(&got, a, b, 2, 12, 12, &error) == LDM_NOT_FINITE && got == 1.0);
    CHECK(counter.held == 0 && counter.calls > 0);
    CHECK_TEXT(ldm_metric_recipe("ssim"), "ssim 1: ");
    CHECK_TEXT(ldm_metric_recipe("psnr"), "psnr 1: 10 log10(range^2 / mse)");
    CHECK(ldm_metric_recipe("fid") == NULL);
}

/* ---- memory, errors, versions, threads ---- */

typedef ldm_status (*Action)(const ldm_model *m, const ldm_allocator *allocator, ldm_error *error);

static ldm_status open_and_close(const ldm_model *m, const ldm_allocator *allocator, ldm_error *error)
{
    ldm_model *own = NULL;
    const ldm_status status = ldm_model_open(&own, folder, LDM_ALL, allocator, error);
    (void)m;
    CHECK((own != NULL) == (status == LDM_OK));
    ldm_model_close(own);
    return status;
}

static ldm_status sample_one(const ldm_model *m, const ldm_allocator *allocator, ldm_error *error)
{
    ldm_sample_options o = usual();
    float latents[2 * SAMPLE];
    (void)allocator;
    o.steps = 1;
    return ldm_sample(latents, m, &o, error);
}

static ldm_status walk_back(const ldm_model *m, const ldm_allocator *allocator, ldm_error *error)
{
    const float z[SAMPLE] = {0}, dpicture[PIXELS] = {0};
    float dz[SAMPLE];
    (void)allocator;
    return ldm_decode_vjp(NULL, dz, m, z, dpicture, 1, 4, 4, error);
}

static ldm_status through_memory(const ldm_model *m, const ldm_allocator *allocator, ldm_error *error)
{
    unsigned char *bytes = NULL, pixels[300 * 300] = {0};
    size_t size = 0;
    const ldm_picture picture = {300, 300, 1, pixels};
    ldm_picture got = {0};
    (void)m;
    ldm_status status = ldm_picture_encode(&bytes, &size, &picture, NULL, allocator, error);
    if (status == LDM_OK)
        status = ldm_picture_parse(&got, bytes, size, allocator, error);
    ldm_free(allocator, got.pixels);
    ldm_free(allocator, bytes);
    return status;
}

/* Every allocation (beyond the first 200 every so many) fails once, with all that follow it: nothing is held afterwards, and the sentence says why. */
static void test_no_memory(Action action)
{
    Counter counter = {0};
    const ldm_allocator allocator = counting(&counter);
    ldm_model *m = open_all(&allocator);
    const long held = counter.held;
    ldm_status status = LDM_MEMORY;
    long tries = 0;
    ldm_error error;
    while (status != LDM_OK && tries < 10000) {
        counter.calls = 0;
        tries += tries < 200 ? 1 : 1 + tries / 50;
        counter.fail_at = tries;
        status = action(m, &allocator, &error);
        if (!CHECK(status == LDM_OK || (status == LDM_MEMORY && error.status == LDM_MEMORY)))
            printf("    allocation %ld: %s\n", tries, error.text);
        CHECK(counter.held == held && (status == LDM_OK) == (error.text[0] == '\0'));
    }
    CHECK(status == LDM_OK && tries > 1);
    ldm_model_close(m);
    CHECK(counter.held == 0);
}

static void refuse(const ldm_model *m, ldm_sample_options o, ldm_status status, const char *part)
{
    float latents[4 * SAMPLE];
    ldm_error error;
    CHECK(ldm_sample(latents, m, &o, &error) == status && error.status == status);
    CHECK_TEXT(error.text, part);
}

static void test_refused(void)
{
    static const char *const HOLES[] = {"a", NULL};
    ldm_model *m = open_all(NULL), *none = NULL;
    ldm_error error;
    float latents[SAMPLE];
    ldm_sample_options o = usual();
    o.prompts = HOLES;
    refuse(m, o, LDM_ARGUMENT, "prompt 1 of 2 is not given");
    o = usual();
    o.count = 0;
    refuse(m, o, LDM_ARGUMENT, "0 prompts");
    o = usual();
    o.height = 18;
    refuse(m, o, LDM_ARGUMENT, "a multiple of 4");
    o = usual();
    o.sampler = "unheard";
    refuse(m, o, LDM_ARGUMENT, "no sampler \"unheard\" is known");
    o = usual();
    o.steps = 1001;
    refuse(m, o, LDM_ARGUMENT, "steps is 1001");
    o = usual();
    o.generator = 5;
    refuse(m, o, LDM_ARGUMENT, "generator is 5");
    o = usual();
    o.struct_size = 0;
    refuse(m, o, LDM_ARGUMENT, "ldm_sample_options_default");
    CHECK(ldm_model_open(&none, "/nowhere", LDM_ALL, NULL, &error) == LDM_FILE && none == NULL);
    CHECK_TEXT(error.text, "/nowhere");
    CHECK(ldm_model_open(&none, folder, 32, NULL, &error) == LDM_ARGUMENT && none == NULL);
    CHECK(ldm_model_open(&none, folder, LDM_UNET | LDM_SCHEDULER, NULL, &error) == LDM_OK);
    o = usual();
    CHECK(ldm_sample(latents, none, &o, &error) == LDM_ARGUMENT);
    CHECK_TEXT(error.text, "opened without its tokenizer");
    CHECK(ldm_decode(latents, none, latents, 1, 4, 4, NULL) == LDM_ARGUMENT);
    ldm_model_close(none);
    ldm_model_close(m);
}

/* Programs built with a shorter struct, and with a longer one. */
static void test_other_versions_of_the_options(void)
{
    ldm_model *m = open_all(NULL);
    struct {
        ldm_sample_options known;
        size_t unheard;
    } longer;
    float plain[2 * SAMPLE], got[2 * SAMPLE];
    ldm_sample_options o = usual(), shorter;
    CHECK(ldm_sample(plain, m, &o, NULL) == LDM_OK);

    memset(&shorter, 0x55, sizeof shorter); /* what lies behind the shorter struct is not read */
    ldm_sample_options_default(&shorter, offsetof(ldm_sample_options, noise));
    memcpy((char *)&shorter + sizeof(size_t), (char *)&o + sizeof(size_t),
           offsetof(ldm_sample_options, noise) - sizeof(size_t));
    CHECK(ldm_sample(got, m, &shorter, NULL) == LDM_OK && same_floats(got, plain, 2 * SAMPLE));

    ldm_sample_options_default(&longer.known, sizeof longer);
    CHECK(longer.unheard == 0 && longer.known.struct_size == sizeof longer);
    longer.known = o;
    longer.known.struct_size = sizeof longer;
    CHECK(ldm_sample(got, m, &longer.known, NULL) == LDM_OK && same_floats(got, plain, 2 * SAMPLE));
    longer.unheard = 1;
    CHECK(ldm_sample(got, m, &longer.known, NULL) == LDM_ARGUMENT);
    ldm_model_close(m);
}

typedef struct {
    const ldm_model *model;
    float latents[2 * SAMPLE];
    ldm_status status;
} Job;

static void *run_job(void *context)
{
    Job *job = context;
    ldm_sample_options o = usual();
    job->status = ldm_sample(job->latents, job->model, &o, NULL);
    return NULL;
}

/* Two threads on one model, a third on another. */
static void test_threads_of_the_caller(void)
{
    ldm_model *one = open_all(NULL), *other = open_all(NULL);
    Job jobs[3] = {{.model = one}, {.model = one}, {.model = other}};
    pthread_t thread[3];
    float want[2 * SAMPLE];
    ldm_sample_options o = usual();
    CHECK(ldm_sample(want, one, &o, NULL) == LDM_OK);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&thread[i], NULL, run_job, &jobs[i]) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(thread[i], NULL) == 0);
        CHECK(jobs[i].status == LDM_OK && same_floats(jobs[i].latents, want, 2 * SAMPLE));
    }
    ldm_model_close(one);
    ldm_model_close(other);
}

static void make_folder(void)
{
    Arena arena = {0}, scratch = {0};
    Model m;
    tiny_model_new(&m, &arena);
    scratch_path(folder, "api-model");
    if (!CHECK(model_save(&m, folder, F32, &scratch, NULL) == STATUS_OK))
        exit(1);
    arena_free(&arena);
    arena_free(&scratch);
}

int main(void)
{
    char line[SCRATCH_PATH + 20];
    make_folder();
    test_the_library_itself();
    test_info();
    test_a_run_has_the_bits_of_the_program(0.0, LDM_PHILOX);
    test_a_run_has_the_bits_of_the_program(0.7, LDM_TORCH);
    test_latents_of_a_picture();
    test_tokens();
    test_schedule();
    test_callbacks();
    test_starting_from_latents();
    test_gradient_of_the_unet();
    test_gradient_of_the_decoder();
    test_gradient_of_the_encoder(0);
    test_gradient_of_the_encoder(1);
    test_pictures_and_arrays();
    test_decode_picture();
    test_compare();
    test_metrics();
    test_no_memory(open_and_close);
    test_no_memory(sample_one);
    test_no_memory(walk_back);
    test_no_memory(through_memory);
    test_refused();
    test_other_versions_of_the_options();
    test_threads_of_the_caller();
    snprintf(line, sizeof line, "rm -r '%s'", folder);
    CHECK(system(line) == 0);
    return check_report("ldm99");
}
