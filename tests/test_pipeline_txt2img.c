/* Text to image as a whole: batches, seeds, guidance, hooks, errors, and two runs of diffusers. */
#include "diffusion/pipeline_txt2img.h"

#include "base/threads.h"
#include "tests/net_cases.h"
#include "tests/tiny_model.h"

enum { SAMPLE = 2 * 4 * 4 };

static const char *const PROMPTS[] = {"a red square", "two blue circles and a very long tail of words"};

static Txt2ImgOptions usual(int count)
{
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = PROMPTS;
    o.count = count;
    o.steps = 3;
    o.seed = 7;
    return o;
}

static Txt2ImgResult run(const Model *m, const Txt2ImgOptions *o, Arena *arena)
{
    Txt2ImgResult result = {0};
    Error err = {0};
    if (!CHECK(txt2img(&result, m, o, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    return result;
}

/* Two prompts with two pictures each are four runs of one: seeds 7, 8, 9, 10; any sampler, any generator. */
static void test_a_batch_is_its_pictures(RngKind rng, double eta)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    Txt2ImgOptions o = usual(2);
    o.images = 2;
    o.rng = rng;
    o.options.eta = eta;
    const Txt2ImgResult all = run(&m, &o, &arena);
    CHECK(all.count == 4 && all.channels == 2 && all.height == 4 && all.width == 4);
    for (int k = 0; k < 4; k++) {
        Txt2ImgOptions one = o;
        one.prompts = PROMPTS + k / 2;
        one.count = one.images = 1;
        one.seed = 7 + (uint64_t)k;
        const Txt2ImgResult r = run(&m, &one, &arena);
        CHECK(same_bits(r.latents, all.latents + k * SAMPLE, SAMPLE));
        CHECK(image_size(&r.pictures[0]) == 16 * 16 * 3 &&
              memcmp(r.pictures[0].pixels, all.pictures[k].pixels, 16 * 16 * 3) == 0);
    }
    CHECK(!same_bits(all.latents, all.latents + SAMPLE, SAMPLE));
    CHECK(strcmp(all.prompts[0].cut, "") == 0 && strcmp(all.prompts[2].cut, "") == 0 &&
          all.prompts[2].tokens == 2);
    CHECK_TEXT(all.prompts[1].cut, "tail of words");
    CHECK(all.prompts[1].tokens == 12);
    arena_free(&arena);
}

/* 9 pictures with guidance are 18 rows of the network, more than run at a time. */
static void test_a_large_batch_runs_in_parts(void)
{
    Arena arena = {0}, few = {0}, many = {0};
    Model m;
    tiny_model_new(&m, &arena);
    Txt2ImgOptions o = usual(1);
    o.steps = 1;
    o.images = 9;
    const Txt2ImgResult nine = run(&m, &o, &arena);
    for (int k = 0; k < 9; k += 4) {
        Txt2ImgOptions one = o;
        one.images = 1;
        one.seed = 7 + (uint64_t)k;
        CHECK(same_bits(run(&m, &one, &arena).latents, nine.latents + k * SAMPLE, SAMPLE));
    }
    o.images = 8;
    run(&m, &o, &few);
    o.images = 24;
    run(&m, &o, &many);
    CHECK(many.peak < 2 * few.peak); /* pictures and texts grow, what the network needs does not */
    arena_free(&arena);
    arena_free(&few);
    arena_free(&many);
}

static void test_latents_that_cannot_be_decoded(void)
{
    Arena arena = {0};
    Model m;
    Image picture[2];
    float z[2 * SAMPLE] = {0};
    Error err = {0};
    tiny_model_new(&m, &arena);
    z[SAMPLE + 3] = NAN;
    CHECK(decode_latents(picture, &m, z, 1, 4, 4, &arena, &err) == STATUS_OK);
    CHECK(decode_latents(picture, &m, z, 2, 4, 4, &arena, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "picture 1");
    arena_free(&arena);
}

static void test_threads_change_nothing(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    const Txt2ImgOptions o = usual(1);
    const int threads = threads_count();
    threads_set(1);
    const Txt2ImgResult one = run(&m, &o, &arena);
    threads_set(3);
    const Txt2ImgResult three = run(&m, &o, &arena);
    threads_set(threads);
    CHECK(same_bits(one.latents, three.latents, SAMPLE));
    arena_free(&arena);
}

/* w = 1 is the prompt alone; the general formula at w = 1 gives nearly the same; w = 0 is the negative prompt. */
static void test_guidance(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    Txt2ImgOptions o = usual(1);
    o.guidance = 1.0;
    const Txt2ImgResult alone = run(&m, &o, &arena);
    o.guidance = 1.0 + 1e-7;
    const Txt2ImgResult both = run(&m, &o, &arena);
    o.guidance = 0.0;
    o.negative = PROMPTS[0];
    const Txt2ImgResult negative = run(&m, &o, &arena);
    o.guidance = 4.0;
    const Txt2ImgResult same = run(&m, &o, &arena); /* prompt and negative prompt are equal: no guidance */
    o.negative = NULL;
    const Txt2ImgResult guided = run(&m, &o, &arena);
    o.rescale = 0.5;
    const Txt2ImgResult rescaled = run(&m, &o, &arena);
    for (int i = 0; i < SAMPLE; i++)
        CHECK_NEAR(both.latents[i], alone.latents[i], 1e-4);
    CHECK(same_bits(negative.latents, alone.latents, SAMPLE) &&
          same_bits(same.latents, alone.latents, SAMPLE));
    CHECK(!same_bits(guided.latents, alone.latents, SAMPLE) &&
          !same_bits(guided.latents, rescaled.latents, SAMPLE));
    o = usual(1);
    o.clip_skip = 1;
    const Txt2ImgResult skipped = run(&m, &o, &arena);
    o.clip_skip = 0;
    CHECK(!same_bits(skipped.latents, run(&m, &o, &arena).latents, SAMPLE));
    arena_free(&arena);
}

/* Latents that are given take the place of drawn ones: those of the seed give the seed's picture. */
static void test_given_latents_and_size(void)
{
    Arena arena = {0};
    Model m;
    tiny_model_new(&m, &arena);
    Txt2ImgOptions o = usual(1);
    const Txt2ImgResult drawn = run(&m, &o, &arena);
    float noise[SAMPLE];
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_NOISE, 0);
    rng_normal_fill(&rng, noise, SAMPLE);
    o.latents = noise;
    CHECK(same_bits(run(&m, &o, &arena).latents, drawn.latents, SAMPLE));
    o.latents = NULL;
    o.width = 24;
    o.height = 8;
    const Txt2ImgResult wide = run(&m, &o, &arena);
    CHECK(wide.width == 6 && wide.height == 2 && wide.pictures[0].width == 24 &&
          wide.pictures[0].height == 8);
    m.parts &= ~(unsigned)MODEL_VAE;
    o.width = o.height = 0;
    const Txt2ImgResult latents = run(&m, &o, &arena);
    CHECK(latents.pictures == NULL && same_bits(latents.latents, drawn.latents, SAMPLE));
    arena_free(&arena);
}

static bool stop_at_two(void *context, const DenoiseProgress *progress)
{
    ++*(int *)context;
    return progress->call < 1;
}

static void refuse(const Model *m, Txt2ImgOptions o, Status status, const char *why)
{
    Arena arena = {0};
    Txt2ImgResult result = {.count = -1};
    Error err = {0};
    CHECK(txt2img(&result, m, &o, &arena, &err) == status && result.count == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    static const char *const BROKEN[] = {"caf\xe9"};
    Arena arena = {0};
    Model m;
    int calls = 0;
    const DenoiseHooks stop = {.context = &calls, .progress = stop_at_two};
    tiny_model_new(&m, &arena);
    Txt2ImgOptions o = usual(1);
    o.loop = &stop;
    refuse(&m, o, STATUS_INTERRUPTED, "stopped after step 2 of 3");
    CHECK(calls == 2);
    o = usual(1);
    o.prompts = BROKEN;
    refuse(&m, o, STATUS_FORMAT, "not UTF-8");
    o = usual(0);
    refuse(&m, o, STATUS_ARGUMENT, "0 prompts with 1 pictures each");
    o = usual(1);
    o.width = 18;
    refuse(&m, o, STATUS_ARGUMENT, "width is 18 pixels, expected a multiple of 4");
    o = usual(1);
    o.steps = 0;
    refuse(&m, o, STATUS_ARGUMENT, "steps is 0");
    o = usual(1);
    o.clip_skip = 3;
    refuse(&m, o, STATUS_ARGUMENT, "clip skip leaves out 3 layers of 2");
    o = usual(1);
    strcpy(m.config.scheduler.class_name, "Unheard");
    refuse(&m, o, STATUS_ARGUMENT, "no sampler is known for the model's scheduler \"Unheard\"");
    m.config.unet.sample_height = 0;
    refuse(&m, o, STATUS_ARGUMENT, "give width and height");
    m.parts = MODEL_UNET;
    refuse(&m, o, STATUS_ARGUMENT, "txt2img needs a model's tokenizer");
    arena_free(&arena);
}

static Status attempt(void *context)
{
    static Model m;
    static Arena store;
    Arena *arena = context;
    const size_t fail = arena->fail_after;
    if (store.first == NULL)
        tiny_model_new(&m, &store);
    arena_free(arena);
    arena->fail_after = fail;
    Txt2ImgResult result;
    Txt2ImgOptions o = usual(1);
    o.steps = 1;
    const Status status = txt2img(&result, &m, &o, arena, NULL);
    if (status == STATUS_OK)
        arena_free(&store);
    return status;
}

static void test_no_memory(void)
{
    Arena arena = {0};
    check_allocations(attempt, &arena, &arena);
    arena_free(&arena);
}

/* ---- runs of diffusers ---- */

/* The latents after every step of one run, and when the network was asked. */
typedef struct {
    float *latents;
    double time[16];
    size_t sample;
    int calls;
} Watch;

static Status keep_latents(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    Watch *w = context;
    (void)err;
    memcpy(w->latents + (size_t)call * w->sample, x, w->sample * sizeof *x);
    w->time[call] = loop->time[call];
    w->calls++;
    return STATUS_OK;
}

/* The picture may differ by one level where a sample lies near the middle of two. */
static void check_picture(const Case *c, const Image *got)
{
    size_t n;
    const float *image = case_numbers(c, &c->expected, "image", &n);
    double most = 0;
    CHECK(n == image_size(got));
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(got->pixels[i] / 255.0 - (double)image[i]);
        most = off > most ? off : most;
    }
    CHECK(most <= 0.5 / 255 + 1e-4);
}

static void compare_text(const Case *c, const Model *m, const char *prompt, const char *name)
{
    float *rows = NULL;
    CHECK(text_rows(&rows, NULL, m, &prompt, 1, 0, c->arena, NULL) == STATUS_OK);
    case_compare(c, name, rows, text_rows_size(m));
}

/* One run of the whole pipeline, from torch's noise of seed 0.  What the network answers in these runs is compared in
 * test_unet_cases.c. */
static void test_reference_run(const char *name, const char *model)
{
    Arena arena = {0};
    Case c;
    Model m;
    char path[CASE_PATH];
    Error err = {0};
    size_t n;
    if (!case_exists(name) || !case_open(&c, name, &arena))
        return;
    if (!CHECK(model_open(&m, case_path(path, model), MODEL_ALL, 0, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    const char *prompt = json_text(json_get(c.json, "prompt"), "");
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    o.prompts = &prompt;
    o.count = 1;
    o.negative = json_text(json_get(c.json, "negative_prompt"), "");
    o.steps = json_int(json_get(c.json, "num_inference_steps"), 0);
    o.guidance = json_number(json_get(c.json, "guidance_scale"), 0);
    o.height = json_int(json_get(c.json, "height"), 0);
    o.width = json_int(json_get(c.json, "width"), 0);
    o.rng = RNG_TORCH;
    o.seed = 0;
    compare_text(&c, &m, prompt, "text_embeds_cond");
    compare_text(&c, &m, o.negative, "text_embeds_uncond");
    const int factor = vae_factor(&m.config.vae);
    Watch w = {.sample = 4 * (size_t)(o.height / factor) * (size_t)(o.width / factor)};
    const size_t all = (size_t)o.steps * w.sample;
    w.latents = arena_alloc(&arena, all, sizeof *w.latents);
    const DenoiseHooks hooks = {.context = &w, .after = keep_latents};
    o.loop = &hooks;
    const Txt2ImgResult r = run(&m, &o, &arena);
    CHECK(w.calls == o.steps);
    case_compare(&c, "latents_per_step", w.latents, all);
    const float *times = case_numbers(&c, &c.expected, "unet_t", &n);
    for (int i = 0; i < w.calls; i++)
        CHECK(w.time[i] == times[i]);
    check_picture(&c, &r.pictures[0]);
    arena_free(&arena);
}

int main(void)
{
    test_a_batch_is_its_pictures(RNG_PHILOX, 0.0);
    test_a_batch_is_its_pictures(RNG_TORCH, 0.7);
    test_a_large_batch_runs_in_parts();
    test_latents_that_cannot_be_decoded();
    test_threads_change_nothing();
    test_guidance();
    test_given_latents_and_size();
    test_refused();
    test_no_memory();
    test_reference_run("a-sd1-ddim-cfg7.5", "models/sd1-tiny");
    test_reference_run("b-sd2-vpred-cfg7.5", "models/sd2-tiny");
    return check_report("pipeline_txt2img");
}
