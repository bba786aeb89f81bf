/* ldm99.h: ldm_sample, the whole way from noise to latents: the caller's options as diffusion/pipeline_txt2img.h
 * has them, and the caller's functions as hooks of its loop. */
#include "api/ldm_schedule.h"
#include "diffusion/pipeline_txt2img.h"

typedef struct {
    ldm_sample_options o;
    Txt2ImgShape shape;
} Watched;

static ldm_step step_of(const Watched *w, int call, int calls, double time)
{
    return (ldm_step){call,          calls, time, w->shape.pictures, w->shape.channels, w->shape.height,
                      w->shape.width};
}

static Status stopped(const SamplerRun *loop, int call, Error *err)
{
    return error_set(err, STATUS_INTERRUPTED, "stopped in step %d of %d", call + 1, loop->calls);
}

static Status on_guided(void *context, const SamplerRun *loop, int call, const float *input, float *out,
                        Error *err)
{
    const Watched *w = context;
    const ldm_step at = step_of(w, call, loop->calls, loop->time[call]);
    return w->o.guided(w->o.context, &at, input, out) == 0 ? STATUS_OK : stopped(loop, call, err);
}

static Status on_latents(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    const Watched *w = context;
    const ldm_step at = step_of(w, call, loop->calls, loop->time[call]);
    return w->o.latents(w->o.context, &at, x) == 0 ? STATUS_OK : stopped(loop, call, err);
}

static bool on_progress(void *context, const DenoiseProgress *progress)
{
    const Watched *w = context;
    const ldm_step at = step_of(w, progress->call, progress->calls, progress->time);
    return w->o.progress(w->o.context, &at) == 0;
}

/* What needs no model; the scheduler and the sampler follow with it. */
static Status translate(Txt2ImgOptions *out, const ldm_sample_options *o, Error *err)
{
    if (o->generator != LDM_PHILOX && o->generator != LDM_TORCH)
        return error_set(err, STATUS_ARGUMENT, "generator is %d, expected %d or %d", o->generator,
                         LDM_PHILOX, LDM_TORCH);
    *out = (Txt2ImgOptions){.prompts = o->prompts,
                            .negative = o->negative,
                            .count = o->count,
                            .images = o->images,
                            .width = o->width,
                            .height = o->height,
                            .steps = o->steps,
                            .guidance = o->guidance,
                            .rescale = o->rescale,
                            .clip_skip = o->clip_skip,
                            .rng = (RngKind)o->generator,
                            .seed = o->seed,
                            .options = {.eta = o->eta},
                            .latents = o->noise,
                            .text = o->text,
                            .negative_text = o->negative_text,
                            .text_tokens = o->text_tokens,
                            .start = o->start,
                            .skip = o->skip};
    return STATUS_OK;
}

ldm_status ldm_sample(float *latents, const ldm_model *model, const ldm_sample_options *options,
                      ldm_error *error)
{
    const Model *m = &model->model;
    LdmCall call = ldm_call_from(model->from);
    Watched w;
    Txt2ImgOptions o;
    SchedulerConfig scheduler;
    Error *err = &call.error;
    Status status = ldm_options_read(&w.o, options, err);
    if (status == STATUS_OK)
        status = translate(&o, &w.o, err);
    if (status == STATUS_OK)
        status = ldm_call_begin(&call, model, txt2img_parts(&o));
    if (status == STATUS_OK)
        status = ldm_scheduler_of(&scheduler, m, &w.o, err);
    if (status == STATUS_OK)
        status = ldm_sampler_of(&o.sampler, m, w.o.sampler, err);
    if (status == STATUS_OK)
        status = txt2img_shape(&w.shape, m, &o, err);
    if (status == STATUS_OK) {
        const DenoiseHooks hooks = {.context = &w,
                                    .guided = w.o.guided != NULL ? on_guided : NULL,
                                    .after = w.o.latents != NULL ? on_latents : NULL,
                                    .progress = w.o.progress != NULL ? on_progress : NULL};
        o.scheduler = &scheduler;
        o.loop = &hooks;
        status = txt2img_latents(latents, NULL, m, &o, &call.arena, err);
    }
    return ldm_call_end(&call, status, error);
}
