#include "diffusion/pipeline_control.h"

Status control_share_check(double start, double end, const char *what, Error *err)
{
    if (start >= 0.0 && start < end && end <= 1.0)
        return STATUS_OK;
    return error_set(err, STATUS_ARGUMENT, "%s works from %g to %g, expected 0 <= start < end <= 1", what,
                     start, end);
}

Status control_batch_of(ControlBatch *out, const Model *m, const Txt2ImgOptions *text, Error *err)
{
    Txt2ImgShape shape;
    const Status status = txt2img_shape(&shape, m, text, err);
    if (status == STATUS_OK)
        *out = (ControlBatch){shape.pictures, text->guidance == 1.0 ? 1 : 2, shape.height, shape.width};
    return status;
}

static Status check(const ControlRunOptions *o, Error *err)
{
    Status status = STATUS_OK;
    if (o->count < 1 || o->count > CONTROLS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%d ControlNets, expected 1 to %d", o->count, CONTROLS_MAX);
    for (int i = 0; i < o->count && status == STATUS_OK; i++) {
        status = control_share_check(o->control[i].start, o->control[i].end, "a ControlNet", err);
        if (o->control[i].picture == NULL)
            status = error_set(err, STATUS_ARGUMENT, "ControlNet %d has no picture", i);
    }
    return status;
}

Status control_txt2img(Txt2ImgResult *out, const Model *m, const ControlRunOptions *o, Arena *arena,
                       Error *err)
{
    ControlRun run;
    ControlBatch batch;
    Txt2ImgOptions text = o->text;
    const DenoiseHooks loop = {.context = &run, .before = control_run_before};
    const PipelineParts parts = {.context = &run, .loop = &loop, .steer = control_run_steer};
    text.parts = &parts;
    Status status = check(o, err);
    if (status == STATUS_OK)
        status = control_batch_of(&batch, m, &text, err);
    if (status == STATUS_OK)
        status = control_run_begin(&run, o->control, o->count, o->guess_mode, batch, arena, err);
    return status == STATUS_OK ? txt2img(out, m, &text, arena, err) : status;
}
