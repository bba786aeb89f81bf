#include "diffusion/pipeline_inpaint.h"

#include <string.h>

typedef struct {
    const Model *m;
    const InpaintOptions *options;
    int left_out;      /* steps */
    int height, width; /* of a latent */
    bool sees_mask;    /* the U-Net takes mask and masked picture */
    float *mask;       /* (height, width): 0 or 1 */
    float *extra; /* (pictures, 1 + L, height, width): mask and masked picture; NULL without sees_mask */
    float *latent, *noise; /* (pictures, L, height, width): z0, and the noise of x */
    float *kept;           /* likewise: room for z0 with noise */
} Inpaint;

/* The nearest pixel of each place of the latent, as torch's interpolate takes it: 1 from one half on. */
static void shrink_mask(Inpaint *p)
{
    const PicturePlanes *in = &p->options->picture;
    const int factor = in->width / p->width;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            const float value =
                p->options->mask[(size_t)(y * factor) * (size_t)in->width + (size_t)(x * factor)];
            p->mask[y * p->width + x] = value < 0.5f ? 0.0f : 1.0f;
        }
}

/* The pictures with 0 where they are made anew. */
static Status masked_pictures(PicturePlanes *out, const InpaintOptions *o, Arena *arena, Error *err)
{
    const size_t pixels = (size_t)o->picture.height * (size_t)o->picture.width;
    const size_t planes = 3 * (size_t)o->picture.count;
    float *masked = arena_raw(arena, planes, pixels * sizeof *masked);
    if (masked == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d masked pictures", o->picture.count);
    for (size_t i = 0; i < planes * pixels; i++)
        masked[i] = o->mask[i % pixels] < 0.5f ? o->picture.planes[i] : 0.0f;
    *out = o->picture;
    out->planes = masked;
    return STATUS_OK;
}

/* What the network sees behind x.  Without sees_mask only the noise is drawn, as diffusers draws it. */
static Status fill_extra(Inpaint *p, SamplerRun *run, Arena *arena, Error *err)
{
    const size_t n = run->sample, pixels = (size_t)p->height * (size_t)p->width;
    const ArenaMark mark = arena_mark(arena);
    float *latents = arena_raw(arena, (size_t)run->images * n, sizeof *latents);
    PicturePlanes masked;
    Status status = STATUS_OK;
    if (latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d masked latents", run->images);
    if (p->sees_mask) {
        status = masked_pictures(&masked, p->options, arena, err);
        if (status == STATUS_OK)
            status = encode_pictures(latents, run->images, p->m, &masked, run->rng, arena, err);
    } else {
        sampler_draw(run, latents);
    }
    for (int k = 0; p->sees_mask && k < run->images && status == STATUS_OK; k++) {
        float *extra = p->extra + (size_t)k * (pixels + n);
        memcpy(extra, p->mask, pixels * sizeof *extra);
        memcpy(extra + pixels, latents + (size_t)k * n, n * sizeof *extra);
    }
    arena_release(arena, mark);
    return status;
}

/* diffusers 0.27, StableDiffusionInpaintPipeline: prepare_latents, then prepare_mask_latents. */
static Status begin(void *context, float *x, SamplerRun *run, Arena *arena, Error *err)
{
    Inpaint *p = context;
    const InpaintOptions *o = p->options;
    const size_t n = (size_t)run->images * run->sample;
    const bool from_noise = o->strength == 1.0;
    Status status = STATUS_OK;
    p->latent = arena_raw(arena, n, sizeof *p->latent);
    p->noise = arena_raw(arena, n, sizeof *p->noise);
    p->kept = arena_raw(arena, n, sizeof *p->kept);
    if (p->latent == NULL || p->noise == NULL || p->kept == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the latents of %d pictures", run->images);
    shrink_mask(p);
    if (!p->sees_mask || !from_noise)
        status = encode_pictures(p->latent, run->images, p->m, &o->picture, run->rng, arena, err);
    if (status != STATUS_OK)
        return status;
    if (o->text.latents != NULL)
        memcpy(p->noise, o->text.latents, n * sizeof *p->noise);
    else
        sampler_draw(run, p->noise);
    sampler_skip(run, p->left_out);
    if (from_noise) {
        memcpy(x, p->noise, n * sizeof *x);
        sampler_start(run, x);
    } else {
        sampler_renoise(run, run->first, x, p->latent, p->noise, n);
    }
    return fill_extra(p, run, arena, err);
}

/* Behind a step: what is kept goes back to the picture. */
static Status after(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    const Inpaint *p = context;
    const size_t pixels = (size_t)p->height * (size_t)p->width, n = (size_t)run->images * run->sample;
    const float *kept = p->latent;
    (void)err;
    if (call + 1 < run->calls) {
        sampler_renoise(run, call + 1, p->kept, p->latent, p->noise, n);
        kept = p->kept;
    }
    for (size_t i = 0; i < n; i++) {
        const float m = p->mask[i % pixels], rest = 1.0f - m;
        const float old = rest * kept[i];
        const float made = m * x[i];
        x[i] = old + made;
    }
    return STATUS_OK;
}

/* Memory for mask and channels; says what the U-Net takes. */
static Status prepare(Inpaint *p, PipelineParts *parts, Arena *arena, Error *err)
{
    const InpaintOptions *o = p->options;
    const UnetConfig *unet = &p->m->config.unet;
    const int pictures = o->text.count * o->text.images, factor = vae_factor(&p->m->config.vae);
    int taken = 0;
    if (o->mask == NULL)
        return error_set(err, STATUS_ARGUMENT, "inpainting needs a mask");
    Status status = pictures_check(&o->picture, p->m, pictures, err);
    if (status == STATUS_OK)
        status = strength_read(&taken, o->text.steps, o->strength, err);
    if (status != STATUS_OK)
        return status;
    p->left_out = o->text.steps - taken;
    p->height = o->picture.height / factor;
    p->width = o->picture.width / factor;
    p->sees_mask = unet->in_channels == 2 * unet->out_channels + 1;
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    const int extra = p->sees_mask ? unet->out_channels + 1 : 0;
    p->mask = arena_raw(arena, pixels, sizeof *p->mask);
    p->extra = extra > 0 ? arena_raw(arena, (size_t)(pictures * extra), pixels * sizeof *p->extra) : NULL;
    if (p->mask == NULL || (extra > 0 && p->extra == NULL))
        return error_set(err, STATUS_MEMORY, "no memory for the masks of %d pictures", pictures);
    parts->extra = p->extra;
    parts->extra_channels = extra;
    return STATUS_OK;
}

Status inpaint(Txt2ImgResult *out, const Model *m, const InpaintOptions *o, Arena *arena, Error *err)
{
    Inpaint pipeline = {.m = m, .options = o};
    const DenoiseHooks loop = {.context = &pipeline, .after = after};
    PipelineParts parts = {.context = &pipeline, .begin = begin};
    Txt2ImgOptions text = o->text;
    text.width = o->picture.width;
    text.height = o->picture.height;
    text.start = NULL;
    text.skip = 0;
    text.parts = &parts;
    const Status status = prepare(&pipeline, &parts, arena, err);
    if (status != STATUS_OK)
        return status;
    parts.loop = pipeline.sees_mask ? NULL : &loop;
    return txt2img(out, m, &text, arena, err);
}
