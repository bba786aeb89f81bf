#include "diffusion/pipeline_txt2img.h"

#include <string.h>

/* diffusers 0.27, StableDiffusionPipeline.__call__. */
const Txt2ImgOptions TXT2IMG_DEFAULTS = {.images = 1, .steps = 50, .guidance = 7.5, .rng = RNG_PHILOX};

/* Everything that one run needs. */
typedef struct {
    const Model *m;
    const Txt2ImgOptions *options;
    Txt2ImgShape shape;
    int conditions;           /* 1 without guidance, else 2 */
    int tokens;               /* rows of a prompt */
    size_t sample, text_size; /* numbers in a latent, in the rows of a prompt */
    SamplerRun loop;
} Run;

/* Whether no prompt is to be encoded. */
static bool all_rows_given(const Txt2ImgOptions *o)
{
    return o->text != NULL && (o->guidance == 1.0 || o->negative_text != NULL);
}

unsigned txt2img_parts(const Txt2ImgOptions *o)
{
    return MODEL_UNET | MODEL_SCHEDULER | (all_rows_given(o) ? 0 : MODEL_TOKENIZER | MODEL_TEXT);
}

static Status check_options(const Model *m, const Txt2ImgOptions *o, Error *err)
{
    const unsigned needed = txt2img_parts(o);
    if ((m->parts & needed) != needed)
        return error_set(err, STATUS_ARGUMENT,
                         "txt2img needs a model's tokenizer, text encoder, U-Net and scheduler");
    for (int i = 0; i < o->count && o->text == NULL; i++)
        if (o->prompts == NULL || o->prompts[i] == NULL)
            return error_set(err, STATUS_ARGUMENT, "prompt %d of %d is not given", i, o->count);
    if (o->skip < 0 || o->skip > o->steps || (o->skip > 0 && o->start == NULL))
        return error_set(err, STATUS_ARGUMENT,
                         "%d of %d steps are left out, expected 0, or up to all with latents to start from",
                         o->skip, o->steps);
    return STATUS_OK;
}

Status txt2img_shape(Txt2ImgShape *out, const Model *m, const Txt2ImgOptions *o, Error *err)
{
    const ModelConfig *c = &m->config;
    const int factor = m->parts & MODEL_VAE ? vae_factor(&c->vae) : 8; /* 8: Stable Diffusion's */
    if (o->count < 1 || o->images < 1 || o->count > 65536 / o->images)
        return error_set(err, STATUS_ARGUMENT,
                         "%d prompts with %d pictures each, expected 1 to 65536 pictures", o->count,
                         o->images);
    const bool wide = o->width < 0 || o->width % factor != 0;
    if (wide || o->height < 0 || o->height % factor != 0)
        return error_set(err, STATUS_ARGUMENT, "%s is %d pixels, expected a multiple of %d",
                         wide ? "width" : "height", wide ? o->width : o->height, factor);
    const int extra = o->parts != NULL ? o->parts->extra_channels : 0;
    if (c->unet.in_channels != c->unet.out_channels + extra)
        return error_set(
            err, STATUS_SHAPE,
            "the U-Net takes %d channels and makes %d, expected %d more to take than to make: it is "
            "for another pipeline",
            c->unet.in_channels, c->unet.out_channels, extra);
    const Txt2ImgShape shape = {.pictures = o->count * o->images,
                                .channels = c->unet.out_channels,
                                .height = o->height > 0 ? o->height / factor : c->unet.sample_height,
                                .width = o->width > 0 ? o->width / factor : c->unet.sample_width};
    if (shape.height == 0 || shape.width == 0)
        return error_set(err, STATUS_ARGUMENT,
                         "the model does not say the size of its pictures: give width and height");
    *out = shape;
    return STATUS_OK;
}

static Status set_sizes(Run *run, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const Txt2ImgShape *s = &run->shape;
    const int length = run->m->tokenizer.length;
    Status status = check_options(run->m, o, err);
    if (status == STATUS_OK)
        status = txt2img_shape(&run->shape, run->m, o, err);
    if (status != STATUS_OK)
        return status;
    run->tokens = o->text_tokens > 0 ? o->text_tokens : length;
    if (run->tokens < 1 || (!all_rows_given(o) && run->tokens != length))
        return error_set(err, STATUS_SHAPE, "%d rows of text beside encoded prompts of %d (text_tokens)",
                         run->tokens, length);
    run->conditions = o->guidance == 1.0 ? 1 : 2;
    run->sample = (size_t)s->channels * (size_t)s->height * (size_t)s->width;
    run->text_size = (size_t)run->tokens * (size_t)run->m->config.unet.level[0].cross_attention_dim;
    return STATUS_OK;
}

/* The rows of `count` prompts: those that are given, or encoded ones. */
static Status rows_of(const float **out, PromptReport *report, const Run *run, const float *given,
                      const char *const *prompts, int count, Arena *arena, Error *err)
{
    float *rows = NULL;
    *out = given;
    if (given != NULL)
        return STATUS_OK;
    const Status status =
        text_rows(&rows, report, run->m, prompts, count, run->options->clip_skip, arena, err);
    *out = rows;
    return status;
}

/* Rows for the network's batch: the negative prompt for every picture, then each picture's prompt. */
static Status make_text(float **out, PromptReport *report, const Run *run, Arena *arena, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const size_t size = run->text_size;
    const int pictures = run->shape.pictures;
    const char *const negative = o->negative != NULL ? o->negative : "";
    const bool has_negative = run->conditions == 2 || report != NULL;
    const float *with = NULL, *without = NULL;
    float *all = arena_raw(arena, (size_t)(run->conditions * pictures) * size, sizeof *all);
    if (all == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the text of %d pictures", pictures);
    Status status = rows_of(&with, report, run, o->text, o->prompts, o->count, arena, err);
    if (status == STATUS_OK && has_negative)
        status = rows_of(&without, report != NULL ? report + o->count : NULL, run, o->negative_text,
                         &negative, 1, arena, err);
    if (status != STATUS_OK)
        return status;
    for (int k = 0; k < pictures; k++) {
        float *place = all + (size_t)k * size;
        if (run->conditions == 2) {
            memcpy(place, without, size * sizeof *all);
            place += (size_t)pictures * size;
        }
        memcpy(place, with + (size_t)(k / o->images) * size, size * sizeof *all);
    }
    *out = all;
    return STATUS_OK;
}

/* Plans the steps; picture i draws from a generator of its own. */
static Status plan(Run *run, Arena *arena, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const SchedulerConfig *scheduler = o->scheduler != NULL ? o->scheduler : &run->m->config.scheduler;
    const Sampler *sampler = o->sampler != NULL ? o->sampler : sampler_find(scheduler->class_name);
    if (sampler == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "no sampler is known for the model's scheduler \"%s\": choose one",
                         scheduler->class_name);
    Rng *rng = arena_raw(arena, (size_t)run->shape.pictures, sizeof *rng);
    if (rng == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", run->shape.pictures);
    for (int k = 0; k < run->shape.pictures; k++)
        rng[k] = rng_stream(o->rng, o->seed + (uint64_t)k, STREAM_NOISE, 0);
    return sampler_begin(&run->loop, sampler, scheduler, o->options, o->steps, run->shape.pictures,
                         run->sample, rng, arena, err);
}

/* The state before the first call: noise, the given latents with the noise of that call, or a pipeline's own. */
static Status fill_start(float *x, Run *run, Arena *arena, Error *err)
{
    const Txt2ImgOptions *o = run->options;
    const size_t n = (size_t)run->shape.pictures * run->sample;
    if (o->parts != NULL && o->parts->begin != NULL)
        return o->parts->begin(o->parts->context, x, &run->loop, arena, err);
    if (o->latents != NULL)
        memcpy(x, o->latents, n * sizeof *x);
    else
        sampler_draw(&run->loop, x);
    if (o->start == NULL) {
        sampler_start(&run->loop, x);
        return STATUS_OK;
    }
    sampler_skip(&run->loop, o->skip);
    if (run->loop.first < run->loop.calls)
        sampler_renoise(&run->loop, run->loop.first, x, o->start, x, n);
    else
        memcpy(x, o->start, n * sizeof *x);
    return STATUS_OK;
}

Status txt2img_latents(float *x, PromptReport *report, const Model *m, const Txt2ImgOptions *o,
                       Arena *arena, Error *err)
{
    static const PipelineParts NONE = {0};
    const PipelineParts *parts = o->parts != NULL ? o->parts : &NONE;
    Run run = {.m = m, .options = o};
    float *text = NULL;
    Status status = set_sizes(&run, err);
    if (status == STATUS_OK)
        status = make_text(&text, report, &run, arena, err);
    if (status == STATUS_OK)
        status = plan(&run, arena, err);
    if (status == STATUS_OK)
        status = fill_start(x, &run, arena, err);
    if (status != STATUS_OK)
        return status;
    UnetDenoiser network = {.unet = &m->unet,
                            .images = run.shape.pictures,
                            .conditions = run.conditions,
                            .height = run.shape.height,
                            .width = run.shape.width,
                            .extra = parts->extra,
                            .extra_channels = parts->extra_channels,
                            .text = text,
                            .tokens = run.tokens,
                            .hooks = o->unet,
                            .steer = parts->steer,
                            .steer_context = parts->context,
                            .watch = m->watch,
                            .arena = arena};
    const Denoiser denoiser = unet_denoiser(&network);
    DenoiseHookPair pair = {.outer = o->loop, .inner = parts->loop};
    const DenoiseHooks hooks = denoise_hooks_pair(&pair);
    return denoise(x, &run.loop, &denoiser, (GuidanceOptions){o->guidance, o->rescale}, &hooks, arena, err);
}

Status txt2img(Txt2ImgResult *out, const Model *m, const Txt2ImgOptions *options, Arena *arena, Error *err)
{
    Txt2ImgShape shape;
    Status status = check_options(m, options, err);
    if (status == STATUS_OK)
        status = txt2img_shape(&shape, m, options, err);
    if (status != STATUS_OK)
        return status;
    Txt2ImgResult result = {
        .count = shape.pictures, .channels = shape.channels, .height = shape.height, .width = shape.width};
    const size_t sample = (size_t)shape.channels * (size_t)shape.height * (size_t)shape.width;
    result.latents = arena_raw(arena, (size_t)shape.pictures * sample, sizeof *result.latents);
    result.prompts = arena_alloc(arena, (size_t)options->count + 1, sizeof *result.prompts);
    result.pictures = arena_alloc(arena, (size_t)shape.pictures, sizeof *result.pictures);
    if (result.latents == NULL || result.prompts == NULL || result.pictures == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", shape.pictures);
    status = txt2img_latents(result.latents, result.prompts, m, options, arena, err);
    if (status == STATUS_OK && (m->parts & MODEL_VAE))
        status = decode_latents(result.pictures, m, result.latents, shape.pictures, shape.height,
                                shape.width, arena, err);
    else
        result.pictures = NULL;
    if (status == STATUS_OK)
        *out = result;
    return status;
}
