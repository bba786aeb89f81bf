/* Whole text-to-image runs: StableDiffusionPipeline of diffusers, by the pipeline of this library.
 *
 *   text_embeds_cond, text_embeds_uncond   rows of the prompts, and of the negative prompt
 *   prompt_ids, negative_ids (inputs)      what the tokenizer has to give
 *   unet_in.i, unet_out.i, unet_t          call i: input and output under all conditions, and its time
 *   latents_per_step                       (calls, images, C, h, w), the state after each call
 *   decoded, image                         the VAE's picture; the same as (N,H,W,3) in [0, 1]
 *   scheduler_timesteps, scheduler_sigmas  the plan */
#include "tests/conformance.h"

#include <stdio.h>
#include <string.h>

#include "diffusion/pipeline_txt2img.h"
#include "diffusion/vae_latent.h"
#include "tests/sigma_list.h"

typedef struct {
    CaseFile *c;
    Model model;
    Txt2ImgOptions options;
    Txt2ImgShape shape;
    SchedulerConfig scheduler;
    const char **prompts;
    size_t batch;    /* numbers in the latents of all images */
    int calls, room; /* so far, and for how many there is room */
    float *steps;    /* (room, batch) */
    double *times;   /* (room) */
    float *rows_in;  /* what the network sees, once for each condition */
    TapeWatch watch;
} Txt2ImgCase;

static bool handles(const CaseFile *c)
{
    return json_get(c->json, "scheduler_class") != NULL &&
           json_get(c->json, "num_inference_steps") != NULL && case_has_input(c, "latents") &&
           case_wants(c, "latents_per_step") &&
           strcmp(json_text(json_get(c->json, "pipeline"), "StableDiffusionPipeline"),
                  "StableDiffusionPipeline") == 0;
}

/* ---- what the case says ---- */

static bool read_scheduler(Txt2ImgCase *t)
{
    CaseFile *c = t->c;
    Error err = {0};
    Bytes text = {.arena = c->arena};
    JsonWriter w = {.out = &text};
    const char *class_name = json_text(json_get(c->json, "scheduler_class"), "");
    json_write_value(&w, NULL, json_get(c->json, "scheduler_config"));
    t->options.sampler = sampler_find(class_name);
    if (t->options.sampler == NULL) {
        case_fail(c, "scheduler_class", "no sampler of the class \"%.60s\"", class_name);
        return false;
    }
    t->options.scheduler = &t->scheduler;
    return case_went_well(c, "scheduler_config",
                          scheduler_config_parse(&t->scheduler, (const char *)text.data, text.size,
                                                 "scheduler_config", c->arena, &err),
                          &err);
}

/* One text or a list of them. */
static int read_texts(const CaseFile *c, const char *key, const char ***out)
{
    const Json *value = json_get(c->json, key);
    const bool is_list = json_kind(value) == JSON_ARRAY;
    const int count = is_list ? (int)json_count(value) : 1;
    *out = arena_alloc(c->arena, (size_t)count + 1, sizeof **out);
    for (int i = 0; *out != NULL && i < count; i++)
        (*out)[i] = json_text(is_list ? json_at(value, (size_t)i) : value, "");
    return *out != NULL ? count : 0;
}

/* "extra": further arguments of the pipeline's call. */
static bool read_extra(Txt2ImgCase *t)
{
    const Json *extra = json_get(t->c->json, "extra");
    for (size_t i = 0; i < json_count(extra); i++) {
        const char *key = json_key(extra, i);
        const Json *value = json_at(extra, i);
        if (strcmp(key, "eta") == 0)
            t->options.options.eta = json_number(value, 0.0);
        else if (strcmp(key, "guidance_rescale") == 0)
            t->options.rescale = json_number(value, 0.0);
        else if (strcmp(key, "clip_skip") == 0)
            t->options.clip_skip = json_int(value, 0);
        else if (strcmp(key, "num_images_per_prompt") == 0)
            t->options.images = json_int(value, 1);
        else if (json_kind(value) != JSON_NULL) {
            case_fail(t->c, "extra", "the argument \"%.60s\" is not known", key);
            return false;
        }
    }
    return true;
}

static bool read_options(Txt2ImgCase *t)
{
    CaseFile *c = t->c;
    const char **negatives;
    t->options = TXT2IMG_DEFAULTS;
    t->options.options.compat_f32 = true;
    t->options.count = read_texts(c, "prompt", &t->prompts);
    t->options.prompts = t->prompts;
    const int negative_count = read_texts(c, "negative_prompt", &negatives);
    for (int i = 1; i < negative_count; i++)
        if (strcmp(negatives[i], negatives[0]) != 0) {
            case_fail(c, "negative_prompt", "more than one in a run");
            return false;
        }
    t->options.negative = negative_count > 0 ? negatives[0] : "";
    t->options.steps = json_int(json_get(c->json, "num_inference_steps"), 0);
    t->options.images = json_int(json_get(c->json, "num_images_per_prompt"), 1);
    t->options.options.eta = json_number(json_get(c->json, "eta"), 0.0);
    t->options.rescale = json_number(json_get(c->json, "guidance_rescale"), 0.0);
    t->options.clip_skip = json_int(json_get(c->json, "clip_skip"), 0);
    /* diffusers guides when the scale is above 1; at 1 and below the prompt runs alone. */
    const double guidance = json_number(json_get(c->json, "guidance_scale"), 7.5);
    t->options.guidance = guidance > 1.0 ? guidance : 1.0;
    t->options.width = json_int(json_get(c->json, "width"), 0);
    t->options.height = json_int(json_get(c->json, "height"), 0);
    t->options.rng = RNG_TORCH;
    t->options.seed = (uint64_t)json_number(json_get(c->json, "noise_generator_seed"), 0.0);
    return read_extra(t) && read_scheduler(t);
}

/* The inputs step_noise.0, step_noise.1 ... one behind the other. */
static bool read_noise(Txt2ImgCase *t)
{
    CaseFile *c = t->c;
    char name[32];
    int count = 0;
    for (snprintf(name, sizeof name, "step_noise.0"); case_has_input(c, name);
         snprintf(name, sizeof name, "step_noise.%d", count))
        count++;
    float *noise = arena_raw(c->arena, (size_t)count * t->batch, sizeof *noise);
    for (int i = 0; noise != NULL && i < count; i++) {
        snprintf(name, sizeof name, "step_noise.%d", i);
        const Tensor *x = case_input(c, name);
        if (x == NULL || tensor_count(x) != t->batch) {
            case_fail(c, name, "expected %zu numbers", t->batch);
            return false;
        }
        memcpy(noise + (size_t)i * t->batch, x->data, t->batch * sizeof *noise);
    }
    t->options.options.noise = noise;
    t->options.options.noise_count = count;
    return noise != NULL;
}

static bool read_latents(Txt2ImgCase *t)
{
    Error err = {0};
    const Tensor *latents = case_input(t->c, "latents");
    if (latents == NULL ||
        !case_went_well(t->c, "shape", txt2img_shape(&t->shape, &t->model, &t->options, &err), &err))
        return false;
    t->batch = tensor_count(latents);
    const size_t sample = (size_t)t->shape.channels * (size_t)t->shape.height * (size_t)t->shape.width;
    if (latents->rank != 4 || t->batch != (size_t)t->shape.pictures * sample) {
        case_fail(t->c, "latents", "%zu numbers, expected %d x %d x %d x %d", t->batch, t->shape.pictures,
                  t->shape.channels, t->shape.height, t->shape.width);
        return false;
    }
    t->options.latents = latents->data;
    return true;
}

/* ---- the text ---- */

static void check_ids(Txt2ImgCase *t, const char *name, const char *const *prompts, int count)
{
    CaseFile *c = t->c;
    size_t n = 0;
    const int *want = case_has_input(c, name) ? case_input_ints(c, name, &n) : NULL;
    const size_t length = (size_t)t->model.tokenizer.length;
    bool right = n % length == 0 && n / length <= (size_t)count;
    Error err = {0};
    if (want == NULL)
        return;
    for (size_t i = 0; right && i < n / length; i++) {
        EncodedPrompt e;
        if (!case_went_well(c, name, tokenizer_encode(&e, &t->model.tokenizer, prompts[i], c->arena, &err),
                            &err))
            return;
        right = memcmp(e.ids, want + i * length, length * sizeof *want) == 0;
    }
    case_exact(c, name, right);
}

static void check_text(Txt2ImgCase *t)
{
    CaseFile *c = t->c;
    Error err = {0};
    float *rows = NULL;
    const int skip = t->options.clip_skip, count = t->options.count, images = t->options.images;
    const char *const *const negative = &t->options.negative;
    check_ids(t, "prompt_ids", t->prompts, count);
    check_ids(t, "negative_ids", negative, 1);
    if (case_went_well(c, "prompt",
                       text_rows(&rows, NULL, &t->model, t->prompts, count, skip, c->arena, &err), &err)) {
        const size_t size = text_rows_size(&t->model);
        float *all = arena_raw(c->arena, (size_t)(count * images) * size, sizeof *all);
        for (int k = 0; all != NULL && k < count * images; k++)
            memcpy(all + (size_t)k * size, rows + (size_t)(k / images) * size, size * sizeof *all);
        case_numbers(c, "text_embeds_cond", all, (size_t)(count * images) * size);
        if (t->options.guidance != 1.0 &&
            case_went_well(c, "negative_prompt",
                           text_rows(&rows, NULL, &t->model, negative, 1, skip, c->arena, &err), &err)) {
            for (int k = 0; all != NULL && k < count * images; k++)
                memcpy(all + (size_t)k * size, rows, size * sizeof *all);
            case_numbers(c, "text_embeds_uncond", all, (size_t)(count * images) * size);
        }
    }
}

/* ---- the run ---- */

static void see(void *context, const char *name, const Tensor *x)
{
    Txt2ImgCase *t = context;
    char wanted[32];
    if (strcmp(name, "unet.conv_out") != 0)
        return;
    snprintf(wanted, sizeof wanted, "unet_out.%d", t->calls);
    case_tensor(t->c, wanted, x);
}

static Status guided(void *context, const SamplerRun *run, int call, const float *input, float *out,
                     Error *err)
{
    Txt2ImgCase *t = context;
    char name[32];
    const int conditions = t->options.guidance != 1.0 ? 2 : 1;
    (void)out, (void)err;
    double *sigma = call == run->first ? arena_raw(t->c->arena, (size_t)run->calls + 4, sizeof *sigma) : NULL;
    if (sigma != NULL && run->sigma != NULL)
        case_doubles(t->c, "scheduler_sigmas", sigma, sigma_list(sigma, run));
    for (int k = 0; k < conditions; k++)
        memcpy(t->rows_in + (size_t)k * t->batch, input, t->batch * sizeof *input);
    snprintf(name, sizeof name, "unet_in.%d", call);
    case_numbers(t->c, name, t->rows_in, (size_t)conditions * t->batch);
    return STATUS_OK;
}

static bool progress(void *context, const DenoiseProgress *p)
{
    Txt2ImgCase *t = context;
    if (t->calls >= t->room)
        return false;
    t->times[t->calls] = p->time;
    memcpy(t->steps + (size_t)t->calls * t->batch, p->x, t->batch * sizeof *p->x);
    t->calls++;
    return true;
}

/* Decodes all pictures; image is (N,H,W,3) in [0, 1]. */
static void check_pictures(Txt2ImgCase *t, const float *latents)
{
    CaseFile *c = t->c;
    const int dim[4] = {t->shape.pictures, t->shape.channels, t->shape.height, t->shape.width};
    Tape tape = {.arena = c->arena};
    Tensor *z = tape_input(&tape, (float *)(size_t)latents, 4, dim, false);
    const Tensor *y = vae_decode(&tape, &t->model.vae, latent_unscale(&tape, &t->model.config.vae, z));
    case_tensor(c, "decoded", y);
    if (y == NULL) {
        case_fail(c, "vae", "%s", tape.error.text);
        return;
    }
    const size_t pixels = (size_t)y->dim[2] * (size_t)y->dim[3], channels = (size_t)y->dim[1];
    float *image = arena_raw(c->arena, tensor_count(y), sizeof *image);
    for (size_t i = 0; image != NULL && i < tensor_count(y); i++) {
        const size_t n = i / (channels * pixels), k = i / pixels % channels;
        const float half = y->data[i] / 2.0f, v = half + 0.5f;
        image[(n * pixels + i % pixels) * channels + k] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
    }
    case_numbers(c, "image", image, tensor_count(y));
}

static bool make_room(Txt2ImgCase *t)
{
    const SafetensorsEntry *steps = safetensors_find(&t->c->expected, "latents_per_step");
    t->room = steps->rank > 0 ? (int)steps->dim[0] + 1 : 1; /* one call too many is seen as a wrong count */
    t->steps = arena_raw(t->c->arena, (size_t)t->room * t->batch, sizeof *t->steps);
    t->times = arena_raw(t->c->arena, (size_t)t->room, sizeof *t->times);
    t->rows_in = arena_raw(t->c->arena, 2 * t->batch, sizeof *t->rows_in);
    return t->steps != NULL && t->times != NULL && t->rows_in != NULL;
}

static void run(CaseFile *c)
{
    Txt2ImgCase t = {.c = c};
    Error err = {0};
    const char *folder = case_checkpoint(c, "");
    if (folder == NULL ||
        !case_went_well(c, folder, model_open(&t.model, folder, MODEL_ALL, 0, c->arena, &err), &err) ||
        !read_options(&t) || !read_latents(&t) || !read_noise(&t) || !make_room(&t))
        return;
    check_text(&t);
    const DenoiseHooks hooks = {.context = &t, .guided = guided, .progress = progress};
    float *x = arena_raw(c->arena, t.batch, sizeof *x);
    Arena *scratch = c->arena;
    t.watch = (TapeWatch){.observe = see, .observer = &t};
    t.model.watch = &t.watch;
    t.options.loop = &hooks;
    if (x == NULL)
        return;
    const Status status = txt2img_latents(x, NULL, &t.model, &t.options, scratch, &err);
    if (status != STATUS_INTERRUPTED && !case_went_well(c, "run", status, &err))
        return;
    case_numbers(c, "latents_per_step", t.steps, (size_t)t.calls * t.batch);
    case_doubles(c, "unet_t", t.times, (size_t)t.calls);
    case_doubles(c, "scheduler_timesteps", t.times, (size_t)t.calls);
    check_pictures(&t, x);
}

const CaseKind CASES_OF_TXT2IMG = {"text-to-image run", handles, run, NULL};
