#include "diffusion/pipeline_edict.h"

#include <string.h>

#include "diffusion/text_conditions.h"
#include "diffusion/unet_noise.h"

typedef struct {
    const Model *m;
    const EdictEdit *options;
    int pictures, height, width;
    size_t n; /* numbers of all latents */
    Schedule schedule;
    Edict edict;
    EdictPair pair;
    float *rows; /* (3, T, D): of the negative prompt, the base and the edit */
    Arena *arena;
} Edit;

static Status plan(Edit *e, Error *err)
{
    const unsigned needed = MODEL_TOKENIZER | MODEL_TEXT | MODEL_UNET | MODEL_SCHEDULER;
    const EdictEdit *o = e->options;
    const SchedulerConfig *scheduler = &e->m->config.scheduler;
    const char *const prompts[3] = {o->negative != NULL ? o->negative : "", o->base != NULL ? o->base : "",
                                    o->edit != NULL ? o->edit : ""};
    if ((e->m->parts & needed) != needed)
        return error_set(err, STATUS_ARGUMENT,
                         "edict needs a model's tokenizer, text encoder, U-Net and scheduler");
    Status status = schedule_make(&e->schedule, scheduler, false, e->arena, err);
    if (status == STATUS_OK)
        status = edict_plan(&e->edict, &e->schedule, &o->steps, e->arena, err);
    return status == STATUS_OK ? text_rows(&e->rows, NULL, e->m, prompts, 3, 0, e->arena, err) : status;
}

/* The text of both conditions for all pictures. */
static float *batch_text(const Edit *e, int prompt, int conditions)
{
    const size_t size = text_rows_size(e->m);
    float *all = arena_raw(e->arena, (size_t)(conditions * e->pictures) * size, sizeof *all);
    for (int i = 0; all != NULL && i < conditions * e->pictures; i++) {
        const bool negative = conditions == 2 && i < e->pictures;
        memcpy(all + (size_t)i * size, e->rows + (negative ? 0 : (size_t)prompt * size),
               size * sizeof *all);
    }
    return all;
}

/* One way, under prompt 1 or 2. */
static Status go(const Edit *e, int prompt, bool back, Error *err)
{
    const int conditions = e->options->guidance == 1.0 ? 1 : 2;
    UnetNoise unet = {.network = {.unet = &e->m->unet,
                                  .images = e->pictures,
                                  .conditions = conditions,
                                  .height = e->height,
                                  .width = e->width,
                                  .text = batch_text(e, prompt, conditions),
                                  .tokens = e->m->tokenizer.length,
                                  .watch = e->m->watch,
                                  .arena = e->arena},
                      .schedule = &e->schedule,
                      .prediction_type = e->m->config.scheduler.prediction_type,
                      .guidance = e->options->guidance};
    if (unet.network.text == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the text of %d pictures", e->pictures);
    const NoiseOracle noise = unet_noise(&unet);
    return back ? edict_invert(&e->pair, &e->edict, &noise, e->options->invert, e->arena, err)
                : edict_generate(&e->pair, &e->edict, &noise, e->options->generate, e->arena, err);
}

static Status edit(Edit *e, float *latents, float *noise, Error *err)
{
    Status status = plan(e, err);
    double *numbers = arena_raw(e->arena, 2 * e->n, sizeof *numbers);
    if (status == STATUS_OK && numbers == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for a pair of latents");
    if (status != STATUS_OK)
        return status;
    e->pair = (EdictPair){numbers, numbers + e->n};
    for (size_t i = 0; i < 2 * e->n; i++)
        numbers[i] = (double)latents[i % e->n];
    status = go(e, 1, true, err);
    for (size_t i = 0; status == STATUS_OK && noise != NULL && i < 2 * e->n; i++)
        noise[i] = (float)numbers[i];
    if (status == STATUS_OK)
        status = go(e, 2, false, err);
    for (size_t i = 0; status == STATUS_OK && i < e->n; i++)
        latents[i] = (float)numbers[i];
    return status;
}

Status edict_edit(float *latents, float *noise, const Model *m, int pictures, int height, int width,
                  const EdictEdit *options, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Edit e = {.m = m,
              .options = options,
              .pictures = pictures,
              .height = height,
              .width = width,
              .n = (size_t)pictures * (size_t)m->config.unet.out_channels * (size_t)height * (size_t)width,
              .arena = arena};
    const Status status = edit(&e, latents, noise, err);
    arena_release(arena, mark);
    return status;
}
