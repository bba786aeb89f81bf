/* ldm99.h: ldm_sample, the whole way from noise to latents.
 *
 * It gives what diffusion/pipeline_txt2img.c gives; besides prompts it takes their rows, a picture's latents to
 * start from, and the caller's functions. */
#include <string.h>

#include "api/ldm_schedule.h"
#include "diffusion/denoise.h"
#include "diffusion/text_conditions.h"
#include "diffusion/unet_denoiser.h"

/* One run: x, of `pictures` latents, is the caller's. */
typedef struct {
    LdmCall call;
    const Model *m;
    ldm_sample_options o;
    int pictures, conditions, tokens;
    int channels, height, width; /* of a latent */
    size_t sample, text_size;    /* numbers in a latent, in the rows of a prompt */
    SamplerRun loop;
} SampleRun;

/* Whether no prompt is to be encoded. */
static bool all_rows_given(const ldm_sample_options *o)
{
    return o->text != NULL && (o->guidance == 1.0 || o->negative_text != NULL);
}

static unsigned parts_needed(const ldm_sample_options *o)
{
    const unsigned words = all_rows_given(o) ? 0 : MODEL_TOKENIZER | MODEL_TEXT;
    return MODEL_UNET | MODEL_SCHEDULER | words;
}

static Status check_options(const ldm_sample_options *o, Error *err)
{
    if (o->count < 1 || o->images < 1 || o->count > 65536 / o->images)
        return error_set(err, STATUS_ARGUMENT,
                         "%d prompts with %d pictures each, expected 1 to 65536 pictures", o->count,
                         o->images);
    for (int i = 0; i < o->count && o->text == NULL; i++)
        if (o->prompts == NULL || o->prompts[i] == NULL)
            return error_set(err, STATUS_ARGUMENT, "prompt %d of %d is not given", i, o->count);
    if (o->generator != LDM_PHILOX && o->generator != LDM_TORCH)
        return error_set(err, STATUS_ARGUMENT, "generator is %d, expected %d or %d", o->generator,
                         LDM_PHILOX, LDM_TORCH);
    if (o->skip < 0 || o->skip > o->steps || (o->skip > 0 && o->start == NULL))
        return error_set(err, STATUS_ARGUMENT,
                         "%d of %d steps are left out, expected 0, or up to all with latents to start from",
                         o->skip, o->steps);
    return STATUS_OK;
}

static Status set_sizes(SampleRun *run)
{
    const ModelConfig *c = &run->m->config;
    const ldm_sample_options *o = &run->o;
    const int factor = run->m->parts & MODEL_VAE ? vae_factor(&c->vae) : 8; /* 8: Stable Diffusion's */
    if (o->width < 0 || o->height < 0 || o->width % factor != 0 || o->height % factor != 0)
        return error_set(&run->call.error, STATUS_ARGUMENT,
                         "pictures of %d x %d pixels, expected multiples of %d", o->width, o->height,
                         factor);
    if (c->unet.in_channels != c->unet.out_channels)
        return error_set(&run->call.error, STATUS_SHAPE,
                         "the U-Net takes %d channels and makes %d: it is not for text alone",
                         c->unet.in_channels, c->unet.out_channels);
    run->pictures = o->count * o->images;
    run->conditions = o->guidance == 1.0 ? 1 : 2;
    run->channels = c->unet.out_channels;
    run->height = o->height > 0 ? o->height / factor : c->unet.sample_height;
    run->width = o->width > 0 ? o->width / factor : c->unet.sample_width;
    if (run->height == 0 || run->width == 0)
        return error_set(&run->call.error, STATUS_ARGUMENT,
                         "the model does not say the size of its pictures: give width and height");
    run->sample = (size_t)run->channels * (size_t)run->height * (size_t)run->width;
    run->tokens = o->text_tokens > 0 ? o->text_tokens : run->m->tokenizer.length;
    if (run->tokens < 1 || (!all_rows_given(o) && run->tokens != run->m->tokenizer.length))
        return error_set(&run->call.error, STATUS_SHAPE,
                         "%d rows of text beside encoded prompts of %d (text_tokens)", run->tokens,
                         run->m->tokenizer.length);
    run->text_size = (size_t)run->tokens * (size_t)c->unet.level[0].cross_attention_dim;
    return STATUS_OK;
}

/* The rows of `count` prompts: those that are given, or encoded ones. */
static Status rows_of(const float **out, SampleRun *run, const float *given, const char *const *prompts,
                      int count)
{
    float *rows = NULL;
    *out = given;
    if (given != NULL)
        return STATUS_OK;
    const Status status = text_rows(&rows, NULL, run->m, prompts, count, run->o.clip_skip, &run->call.arena,
                                    &run->call.error);
    *out = rows;
    return status;
}

/* The rows of the network's batch: the negative prompt for every picture, then each picture's prompt. */
static Status make_text(float **out, SampleRun *run)
{
    const ldm_sample_options *o = &run->o;
    const char *const negative = o->negative != NULL ? o->negative : "";
    const size_t size = run->text_size;
    const float *with = NULL, *without = NULL;
    float *all = arena_raw(&run->call.arena, (size_t)(run->conditions * run->pictures) * size, sizeof *all);
    if (all == NULL)
        return error_set(&run->call.error, STATUS_MEMORY, "no memory for the text of %d pictures",
                         run->pictures);
    Status status = rows_of(&with, run, o->text, o->prompts, o->count);
    if (status == STATUS_OK && run->conditions == 2)
        status = rows_of(&without, run, o->negative_text, &negative, 1);
    for (int k = 0; status == STATUS_OK && k < run->pictures; k++) {
        float *place = all + (size_t)k * size;
        if (run->conditions == 2) {
            memcpy(place, without, size * sizeof *all);
            place += (size_t)run->pictures * size;
        }
        memcpy(place, with + (size_t)(k / o->images) * size, size * sizeof *all);
    }
    *out = all;
    return status;
}

/* ---- the caller's functions ---- */

static ldm_step step_of(const SampleRun *run, int call)
{
    return (ldm_step){call,        run->loop.calls, run->loop.time[call], run->pictures, run->channels,
                      run->height, run->width};
}

static Status stopped(const SampleRun *run, int call, Error *err)
{
    return error_set(err, STATUS_INTERRUPTED, "stopped in step %d of %d", call + 1, run->loop.calls);
}

static Status on_guided(void *context, const SamplerRun *loop, int call, const float *input, float *out,
                        Error *err)
{
    const SampleRun *run = context;
    const ldm_step at = step_of(run, call);
    (void)loop;
    return run->o.guided(run->o.context, &at, input, out) == 0 ? STATUS_OK : stopped(run, call, err);
}

static Status on_latents(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    const SampleRun *run = context;
    const ldm_step at = step_of(run, call);
    (void)loop;
    return run->o.latents(run->o.context, &at, x) == 0 ? STATUS_OK : stopped(run, call, err);
}

static bool on_progress(void *context, const DenoiseProgress *progress)
{
    const SampleRun *run = context;
    const ldm_step at = step_of(run, progress->call);
    return run->o.progress(run->o.context, &at) == 0;
}

/* ---- the run ---- */

static Status begin(SampleRun *run)
{
    const ldm_sample_options *o = &run->o;
    SchedulerConfig config;
    const Sampler *sampler = NULL;
    Error *err = &run->call.error;
    Rng *rng = arena_raw(&run->call.arena, (size_t)run->pictures, sizeof *rng);
    if (rng == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures", run->pictures);
    for (int k = 0; k < run->pictures; k++)
        rng[k] = rng_stream((RngKind)o->generator, o->seed + (uint64_t)k, STREAM_NOISE, 0);
    Status status = ldm_scheduler_of(&config, run->m, o, err);
    if (status == STATUS_OK)
        status = ldm_sampler_of(&sampler, run->m, o->sampler, err);
    if (status == STATUS_OK)
        status = sampler_begin(&run->loop, sampler, &config, (SamplerOptions){.eta = o->eta}, o->steps,
                               run->pictures, run->sample, rng, &run->call.arena, err);
    return status;
}

/* The state before the first call: noise, or the given latents with the noise of that call. */
static void fill_start(float *x, SampleRun *run)
{
    const ldm_sample_options *o = &run->o;
    const size_t n = (size_t)run->pictures * run->sample;
    if (o->noise != NULL)
        memcpy(x, o->noise, n * sizeof *x);
    else
        sampler_draw(&run->loop, x);
    if (o->start == NULL) {
        sampler_start(&run->loop, x);
        return;
    }
    sampler_skip(&run->loop, o->skip);
    if (run->loop.first < run->loop.calls)
        sampler_renoise(&run->loop, run->loop.first, x, o->start, x, n);
    else
        memcpy(x, o->start, n * sizeof *x);
}

static Status sample(float *x, SampleRun *run)
{
    float *text = NULL;
    Status status = set_sizes(run);
    if (status == STATUS_OK)
        status = begin(run);
    if (status == STATUS_OK)
        status = make_text(&text, run);
    if (status != STATUS_OK)
        return status;
    fill_start(x, run);
    UnetDenoiser network = {.unet = &run->m->unet,
                            .images = run->pictures,
                            .conditions = run->conditions,
                            .height = run->height,
                            .width = run->width,
                            .text = text,
                            .tokens = run->tokens,
                            .arena = &run->call.arena};
    const Denoiser denoiser = unet_denoiser(&network);
    const DenoiseHooks hooks = {.context = run,
                                .guided = run->o.guided != NULL ? on_guided : NULL,
                                .after = run->o.latents != NULL ? on_latents : NULL,
                                .progress = run->o.progress != NULL ? on_progress : NULL};
    return denoise(x, &run->loop, &denoiser, (GuidanceOptions){run->o.guidance, run->o.rescale}, &hooks,
                   &run->call.arena, &run->call.error);
}

ldm_status ldm_sample(float *latents, const ldm_model *model, const ldm_sample_options *options,
                      ldm_error *error)
{
    SampleRun run = {.call = ldm_call_from(model->from), .m = &model->model};
    Status status = ldm_options_read(&run.o, options, &run.call.error);
    if (status == STATUS_OK)
        status = check_options(&run.o, &run.call.error);
    if (status == STATUS_OK)
        status = ldm_call_begin(&run.call, model, parts_needed(&run.o));
    if (status == STATUS_OK)
        status = sample(latents, &run);
    return ldm_call_end(&run.call, status, error);
}
