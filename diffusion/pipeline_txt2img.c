#include "diffusion/pipeline_txt2img.h"

#include <string.h>

#include "diffusion/unet_denoiser.h"
#include "diffusion/vae_latent.h"

/* diffusers 0.27, StableDiffusionPipeline.__call__. */
const Txt2ImgOptions TXT2IMG_DEFAULTS = {.images = 1, .steps = 50, .guidance = 7.5, .rng = RNG_PHILOX};

/* Everything that one run needs. */
typedef struct {
    const Model *m;
    const Txt2ImgOptions *options;
    int pictures;                /* count * images */
    int conditions;              /* 1 without guidance, else 2 */
    int channels, height, width; /* of a latent */
    size_t sample;               /* numbers in a latent */
    Rng *rng;                    /* (pictures) */
} Run;

static Status set_sizes(Run *run, Error *err)
{
    const ModelConfig *c = &run->m->config;
    const Txt2ImgOptions *o = run->options;
    const bool has_vae = (run->m->parts & MODEL_VAE) != 0;
    const int factor = has_vae ? vae_factor(&c->vae) : 8; /* 8: Stable Diffusion's */
    if (o->count < 1 || o->images < 1 || o->count > 65536 / o->images)
        return error_set(err, STATUS_ARGUMENT,
                         "%d prompts with %d pictures each, expected 1 to 65536 pictures", o->count,
                         o->images);
    if (o->width < 0 || o->height < 0 || o->width % factor != 0 || o->height % factor != 0)
        return error_set(err, STATUS_ARGUMENT, "pictures of %d x %d pixels, expected multiples of %d",
                         o->width, o->height, factor);
    run->pictures = o->count * o->images;
    run->conditions = o->guidance == 1.0 ? 1 : 2;
    run->channels = c->unet.out_channels;
    run->height = o->height > 0 ? o->height / factor : c->unet.sample_height;
    run->width = o->width > 0 ? o->width / factor : c->unet.sample_width;
    if (run->height == 0 || run->width == 0)
        return error_set(err, STATUS_ARGUMENT,
                         "the model does not say the size of its pictures: give width and height");
    if (c->unet.in_channels != c->unet.out_channels)
        return error_set(err, STATUS_SHAPE,
                         "the U-Net takes %d channels and makes %d: it is not for text alone",
                         c->unet.in_channels, c->unet.out_channels);
    run->sample = (size_t)run->channels * (size_t)run->height * (size_t)run->width;
    return STATUS_OK;
}

/* Rows for the network's batch: the negative prompt for every picture, then each picture's prompt. */
static Status make_text(float **out, PromptReport *report, const Run *run, Arena *arena, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const size_t size = text_rows_size(run->m);
    const char *const negative = o->negative != NULL ? o->negative : "";
    float *all = arena_raw(arena, (size_t)(run->conditions * run->pictures) * size, sizeof *all);
    float *with, *without = NULL;
    if (all == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the text of %d pictures", run->pictures);
    Status status = text_rows(&with, report, run->m, o->prompts, o->count, o->clip_skip, arena, err);
    if (status == STATUS_OK)
        status = text_rows(&without, report + o->count, run->m, &negative, 1, o->clip_skip, arena, err);
    if (status != STATUS_OK)
        return status;
    for (int k = 0; k < run->pictures; k++) {
        float *place = all + (size_t)k * size;
        if (run->conditions == 2) {
            memcpy(place, without, size * sizeof *all);
            place += (size_t)run->pictures * size;
        }
        memcpy(place, with + (size_t)(k / o->images) * size, size * sizeof *all);
    }
    *out = all;
    return STATUS_OK;
}

/* From noise to latents, in place. */
static Status sample_latents(float *x, const Run *run, const float *text, Arena *arena, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const SchedulerConfig *scheduler = &run->m->config.scheduler;
    const Sampler *sampler = o->sampler != NULL ? o->sampler : sampler_find(scheduler->class_name);
    if (sampler == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "no sampler is known for the model's scheduler \"%s\": choose one",
                         scheduler->class_name);
    SamplerRun loop = {0};
    Status status = sampler_begin(&loop, sampler, scheduler, o->options, o->steps, run->pictures,
                                  run->sample, run->rng, arena, err);
    if (status != STATUS_OK)
        return status;
    if (o->latents != NULL)
        memcpy(x, o->latents, (size_t)run->pictures * run->sample * sizeof *x);
    else
        sampler_draw(&loop, x);
    sampler_start(&loop, x);
    UnetDenoiser network = {.unet = &run->m->unet,
                            .images = run->pictures,
                            .conditions = run->conditions,
                            .height = run->height,
                            .width = run->width,
                            .text = text,
                            .tokens = run->m->tokenizer.length,
                            .hooks = o->unet,
                            .watch = run->m->watch,
                            .arena = arena};
    const Denoiser denoiser = unet_denoiser(&network);
    return denoise(x, &loop, &denoiser, (GuidanceOptions){o->guidance, o->rescale}, o->loop, arena, err);
}

Status decode_latents(Image *out, const Model *m, const float *latents, int count, int height, int width,
                      Arena *arena, Error *err)
{
    const VaeConfig *c = &m->config.vae;
    const int shape[4] = {1, c->latent_channels, height, width};
    const size_t sample = (size_t)c->latent_channels * (size_t)height * (size_t)width;
    for (int k = 0; k < count; k++) {
        const int factor = vae_factor(c);
        const Status status =
            image_new(&out[k], width * factor, height * factor, c->out_channels, arena, err);
        if (status != STATUS_OK)
            return status;
        const ArenaMark mark = arena_mark(arena);
        Tape tape = {.arena = arena};
        tape_watch(&tape, m->watch, "vae");
        Tensor *z = tape_input(&tape, (float *)(size_t)(latents + (size_t)k * sample), 4, shape, false);
        const Tensor *picture = vae_decode(&tape, &m->vae, latent_unscale(&tape, c, z));
        if (picture == NULL)
            return error_set(err, tape.error.status, "%s", tape.error.text);
        if (!tensor_finite(picture))
            return error_set(err, STATUS_NOT_FINITE, "the decoder's output for picture %d is not finite",
                             k);
        image_from_planes(&out[k], picture->data);
        arena_release(arena, mark);
    }
    return STATUS_OK;
}

static Status check_parts(const Model *m, Error *err)
{
    const unsigned needed = MODEL_TOKENIZER | MODEL_TEXT | MODEL_UNET | MODEL_SCHEDULER;
    if ((m->parts & needed) == needed)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT,
                     "txt2img needs a model's tokenizer, text encoder, U-Net and scheduler");
}

Status txt2img(Txt2ImgResult *out, const Model *m, const Txt2ImgOptions *options, Arena *arena, Error *err)
{
    Run run = {.m = m, .options = options};
    Status status = check_parts(m, err);
    if (status == STATUS_OK)
        status = set_sizes(&run, err);
    if (status != STATUS_OK)
        return status;
    Txt2ImgResult result = {
        .count = run.pictures, .channels = run.channels, .height = run.height, .width = run.width};
    result.latents = arena_raw(arena, (size_t)run.pictures * run.sample, sizeof *result.latents);
    result.prompts = arena_alloc(arena, (size_t)options->count + 1, sizeof *result.prompts);
    result.pictures = arena_alloc(arena, (size_t)run.pictures, sizeof *result.pictures);
    run.rng = arena_raw(arena, (size_t)run.pictures, sizeof *run.rng);
    if (result.latents == NULL || result.prompts == NULL || result.pictures == NULL || run.rng == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", run.pictures);
    for (int k = 0; k < run.pictures; k++)
        run.rng[k] = rng_stream(options->rng, options->seed + (uint64_t)k, STREAM_NOISE, 0);
    float *text = NULL;
    status = make_text(&text, result.prompts, &run, arena, err);
    if (status == STATUS_OK)
        status = sample_latents(result.latents, &run, text, arena, err);
    if (status == STATUS_OK && (m->parts & MODEL_VAE))
        status = decode_latents(result.pictures, m, result.latents, run.pictures, run.height, run.width,
                                arena, err);
    else
        result.pictures = NULL;
    if (status == STATUS_OK)
        *out = result;
    return status;
}
