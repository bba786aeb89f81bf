#include "diffusion/pipeline_invert.h"

#include <string.h>

static Status begin(void *context, float *x, SamplerRun *run, Arena *arena, Error *err)
{
    const InvertOptions *o = context;
    (void)arena;
    (void)err;
    memcpy(x, o->latents, (size_t)run->images * run->sample * sizeof *x);
    return STATUS_OK;
}

Status ddim_invert(float *x, const Model *m, const InvertOptions *o, Arena *arena, Error *err)
{
    InvertOptions copy = *o;
    const PipelineParts parts = {.context = &copy, .begin = begin};
    Txt2ImgOptions text = o->text;
    if (o->latents == NULL)
        return error_set(err, STATUS_ARGUMENT, "inversion needs latents of pictures");
    text.sampler = sampler_find("ddim_inverse");
    if (text.sampler == NULL)
        return error_set(err, STATUS_ARGUMENT, "there is no sampler ddim_inverse");
    text.latents = text.start = NULL;
    text.skip = 0;
    text.parts = &parts;
    return txt2img_latents(x, NULL, m, &text, arena, err);
}

Txt2ImgOptions ddim_return(const InvertOptions *o, const float *x)
{
    Txt2ImgOptions text = o->text;
    text.sampler = sampler_find("ddim");
    text.latents = x;
    text.start = NULL;
    text.skip = 0;
    text.parts = NULL;
    return text;
}
