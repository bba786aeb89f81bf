#include "diffusion/pipeline_img2img.h"

typedef struct {
    const Model *m;
    const Img2ImgOptions *options;
    int left_out; /* steps */
} Img2Img;

int strength_steps(int steps, double strength)
{
    const int taken = (int)((double)steps * strength);
    return taken < steps ? taken : steps;
}

Status strength_read(int *taken, int steps, double strength, Error *err)
{
    if (!(strength > 0.0 && strength <= 1.0))
        return error_set(err, STATUS_ARGUMENT, "strength is %g, expected more than 0 and at most 1",
                         strength);
    *taken = strength_steps(steps, strength);
    if (steps >= 1 && *taken < 1)
        return error_set(err, STATUS_ARGUMENT, "strength %g of %d steps leaves no step to take", strength,
                         steps);
    return STATUS_OK;
}

/* diffusers 0.27, StableDiffusionImg2ImgPipeline.prepare_latents. */
static Status begin(void *context, float *x, SamplerRun *run, Arena *arena, Error *err)
{
    const Img2Img *p = context;
    const Img2ImgOptions *o = p->options;
    const size_t n = (size_t)run->images * run->sample;
    float *noise = arena_raw(arena, n, sizeof *noise);
    if (noise == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the noise of %d pictures", run->images);
    const Status status = encode_pictures(x, run->images, p->m, &o->picture, run->rng, arena, err);
    if (status != STATUS_OK)
        return status;
    if (o->text.latents == NULL)
        sampler_draw(run, noise);
    sampler_skip(run, p->left_out);
    sampler_renoise(run, run->first, x, x, o->text.latents != NULL ? o->text.latents : noise, n);
    return STATUS_OK;
}

Status img2img(Txt2ImgResult *out, const Model *m, const Img2ImgOptions *o, Arena *arena, Error *err)
{
    Img2Img pipeline = {.m = m, .options = o};
    const PipelineParts parts = {.context = &pipeline, .begin = begin};
    Txt2ImgOptions text = o->text;
    int taken = 0;
    text.width = o->picture.width;
    text.height = o->picture.height;
    text.start = NULL;
    text.skip = 0;
    text.parts = &parts;
    Status status = pictures_check(&o->picture, m, text.count * text.images, err);
    if (status == STATUS_OK)
        status = strength_read(&taken, text.steps, o->strength, err);
    pipeline.left_out = text.steps - taken;
    return status == STATUS_OK ? txt2img(out, m, &text, arena, err) : status;
}
