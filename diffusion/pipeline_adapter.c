#include "diffusion/pipeline_adapter.h"

typedef struct {
    const AdapterRunOptions *options;
    AdapterFeatures features;
    bool works; /* in the call that comes next */
} AdapterRun;

static Status before(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    AdapterRun *run = context;
    const AdapterRunOptions *o = run->options;
    const double i = call - loop->first, n = loop->calls - loop->first;
    (void)x;
    (void)err;
    run->works = !(i / n < o->start || (i + 1) / n > o->end);
    return STATUS_OK;
}

static void steer(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times, Tensor *text,
                  int conditions)
{
    const AdapterRun *run = context;
    (void)tape;
    (void)x;
    (void)times;
    (void)text;
    (void)conditions;
    if (run->works)
        adapter_features_hook(hooks, &run->features);
}

static Status check(const AdapterRunOptions *o, Error *err)
{
    if (o->count < 1 || o->count > ADAPTERS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%d adapters, expected 1 to %d", o->count, ADAPTERS_MAX);
    for (int i = 0; i < o->count; i++)
        if (o->adapter[i].picture == NULL)
            return error_set(err, STATUS_ARGUMENT, "adapter %d has no picture", i);
    return control_share_check(o->start, o->end, "an adapter", err);
}

Status adapter_txt2img(Txt2ImgResult *out, const Model *m, const AdapterRunOptions *o, Arena *arena,
                       Error *err)
{
    AdapterRun run = {.options = o};
    ControlBatch batch;
    Txt2ImgOptions text = o->text;
    const DenoiseHooks loop = {.context = &run, .before = before};
    const PipelineParts parts = {.context = &run, .loop = &loop, .steer = steer};
    text.parts = &parts;
    Status status = check(o, err);
    if (status == STATUS_OK)
        status = control_batch_of(&batch, m, &text, err);
    if (status == STATUS_OK)
        status = adapter_run_features(&run.features, o->adapter, o->count, batch, arena, err);
    return status == STATUS_OK ? txt2img(out, m, &text, arena, err) : status;
}
