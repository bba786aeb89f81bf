#include "diffusion/pipeline_adapter.h"

typedef struct {
    const AdapterRunOptions *options;
    int call, calls;                        /* that comes next */
    AdapterFeatures features[ADAPTERS_MAX]; /* of one picture each, in the arena */
} AdapterRun;

/* What depends on the pictures alone. */
static Status make_features(AdapterRun *run, Arena *arena, Error *err)
{
    const AdapterRunOptions *o = run->options;
    for (int i = 0; i < o->count; i++) {
        const T2iAdapter *adapter = o->adapter[i].adapter;
        const int shape[4] = {1, adapter->config.in_channels, o->text.height, o->text.width};
        Tape *tape = arena_alloc(arena, 1, sizeof *tape); /* the features stay, and their tape with them */
        if (tape == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for an adapter's picture");
        tape->arena = arena;
        Tensor *picture = tape_input(tape, (float *)(size_t)o->adapter[i].picture, 4, shape, false);
        if (!t2i_adapter(&run->features[i], tape, adapter, picture))
            return error_set(err, tape->error.status, "%s", tape->error.text);
    }
    return STATUS_OK;
}

static Status before(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    AdapterRun *run = context;
    (void)x;
    (void)err;
    run->call = call;
    run->calls = loop->calls;
    return STATUS_OK;
}

static bool used(const AdapterPicture *a, int i, int n)
{
    return !((double)i / n < a->start || (double)(i + 1) / n > a->end);
}

static void steer(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times, Tensor *text,
                  int conditions)
{
    const AdapterRun *run = context;
    const AdapterRunOptions *o = run->options;
    AdapterFeatures *sum = tape_alloc(tape, 1, sizeof *sum);
    (void)times;
    (void)text;
    (void)conditions;
    if (sum != NULL)
        *sum = (AdapterFeatures){.count = 0};
    for (int i = 0; sum != NULL && i < o->count; i++)
        if (used(&o->adapter[i], run->call, run->calls) &&
            !adapter_features_add(sum, tape, &run->features[i], (float)o->adapter[i].scale))
            return;
    if (sum != NULL && sum->count > 0 && adapter_features_repeat(sum, tape, x->dim[0]))
        adapter_features_hook(hooks, sum);
}

static Status check(const AdapterRunOptions *o, Error *err)
{
    if (o->count < 1 || o->count > ADAPTERS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%d adapters, expected 1 to %d", o->count, ADAPTERS_MAX);
    for (int i = 0; i < o->count; i++) {
        const AdapterPicture *a = &o->adapter[i];
        if (!(a->start >= 0.0 && a->start < a->end && a->end <= 1.0))
            return error_set(err, STATUS_ARGUMENT,
                             "an adapter works from %g to %g, expected 0 <= start < end <= 1", a->start,
                             a->end);
        if (a->picture == NULL)
            return error_set(err, STATUS_ARGUMENT, "adapter %d has no picture", i);
    }
    if (o->text.width < 1 || o->text.height < 1)
        return error_set(err, STATUS_ARGUMENT, "an adapter's pictures of %dx%d", o->text.width,
                         o->text.height);
    return STATUS_OK;
}

Status adapter_txt2img(Txt2ImgResult *out, const Model *m, const AdapterRunOptions *o, Arena *arena,
                       Error *err)
{
    AdapterRun run = {.options = o};
    const DenoiseHooks loop = {.context = &run, .before = before};
    const PipelineParts parts = {.context = &run, .loop = &loop, .steer = steer};
    Txt2ImgOptions text = o->text;
    text.parts = &parts;
    Status status = check(o, err);
    if (status == STATUS_OK)
        status = make_features(&run, arena, err);
    return status == STATUS_OK ? txt2img(out, m, &text, arena, err) : status;
}
