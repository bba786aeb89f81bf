#include "cli/prompt_pictures.h"

static bool on_step(void *context, const DenoiseProgress *at)
{
    (void)context;
    (void)at;
    return !interrupted();
}

static Status make_batch(Image *out, const PromptPictures *p, const char *const *prompts, int count,
                         Arena *arena, Error *err)
{
    Arena scratch = {.account = arena->account};
    const DenoiseHooks hooks = {.progress = on_step};
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    Txt2ImgResult made;
    o.prompts = prompts;
    o.count = count;
    o.steps = p->steps;
    o.guidance = p->guidance;
    o.seed = p->seed + (uint64_t)p->done;
    o.loop = &hooks;
    Status status = txt2img(&made, p->model, &o, &scratch, err);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const Image *picture = &made.pictures[i];
        status = image_crop(&out[i], picture, 0, 0, picture->width, picture->height, arena, err);
    }
    arena_free(&scratch);
    return status;
}

Status prompt_pictures(Image *out, PromptPictures *p, const char *const *prompts, int count, Arena *arena,
                       Error *err)
{
    Status status = STATUS_OK;
    for (int first = 0; first < count && status == STATUS_OK; first += PROMPT_PICTURES_BATCH) {
        const int left = count - first, batch = left < PROMPT_PICTURES_BATCH ? left : PROMPT_PICTURES_BATCH;
        status = make_batch(out + first, p, prompts + first, batch, arena, err);
        p->done += batch;
        if (p->progress != NULL && status == STATUS_OK)
            progress_show(p->progress, (uint64_t)p->done, (uint64_t)p->total, "", true);
    }
    return status;
}
