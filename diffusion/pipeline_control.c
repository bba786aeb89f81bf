#include "diffusion/pipeline_control.h"

#include <string.h>

#include "nn/concat.h"

typedef struct {
    const ControlRunOptions *options;
    bool guess_mode;
    int call, calls;                 /* that comes next */
    Tensor *condition[CONTROLS_MAX]; /* of each net's picture, in the arena */
} ControlRun;

bool control_used(const Control *c, int i, int n)
{
    return !((double)i / n < c->start || (double)(i + 1) / n > c->end);
}

/* What depends on the pictures alone. */
static Status make_conditions(ControlRun *run, Arena *arena, Error *err)
{
    const ControlRunOptions *o = run->options;
    for (int i = 0; i < o->count; i++) {
        const int shape[4] = {1, 3, o->text.height, o->text.width};
        Tape *tape = arena_alloc(arena, 1, sizeof *tape); /* the condition stays, and its tape with it */
        if (tape == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for a control picture");
        tape->arena = arena;
        Tensor *picture = tape_input(tape, (float *)(size_t)o->control[i].picture, 4, shape, false);
        run->condition[i] = controlnet_condition(tape, o->control[i].net, picture);
        if (run->condition[i] == NULL)
            return error_set(err, tape->error.status, "%s", tape->error.text);
        if (!tensor_finite(run->condition[i]))
            return error_set(err, STATUS_NOT_FINITE, "the condition of control picture %d is not finite",
                             i);
    }
    return STATUS_OK;
}

static Status before(void *context, const SamplerRun *loop, int call, float *x, Error *err)
{
    ControlRun *run = context;
    (void)x;
    (void)err;
    run->call = call;
    run->calls = loop->calls;
    return STATUS_OK;
}

/* Zeros in front, for the rows of the negative prompt. */
static Tensor *behind_zeros(Tape *tape, Tensor *r)
{
    Tensor *zeros = r != NULL ? tape_result(tape, NULL, r->rank, r->dim) : NULL;
    if (zeros == NULL)
        return NULL;
    memset(zeros->data, 0, tensor_count(zeros) * sizeof *zeros->data);
    Tensor *const parts[2] = {zeros, r};
    return concat(tape, parts, 2, 0);
}

static void steer(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times, Tensor *text,
                  int conditions)
{
    const ControlRun *run = context;
    const ControlRunOptions *o = run->options;
    const bool half = run->guess_mode && conditions == 2;
    const int rows = half ? x->dim[0] / 2 : x->dim[0];
    ControlResiduals sum = {0};
    if (half) {
        x = slice(tape, x, 0, rows, rows);
        text = slice(tape, text, 0, rows, rows);
    }
    for (int i = 0; i < o->count; i++) {
        const Control *c = &o->control[i];
        ControlResiduals r = {0};
        if (!control_used(c, run->call, run->calls))
            continue;
        const ControlOptions options = {(float)c->scale, run->guess_mode};
        if (!controlnet(&r, tape, c->net, x, times, text, run->condition[i], options) ||
            !control_residuals_add(&sum, tape, &r))
            return;
    }
    for (int i = 0; half && i < sum.count; i++)
        sum.down[i] = behind_zeros(tape, sum.down[i]);
    if (half && sum.count > 0)
        sum.mid = behind_zeros(tape, sum.mid);
    if (sum.count > 0 && tape->error.status == STATUS_OK) {
        ControlResiduals *kept = tape_alloc(tape, 1, sizeof *kept);
        if (kept == NULL)
            return;
        *kept = sum;
        control_residuals_hook(hooks, kept);
    }
}

static Status check(const ControlRunOptions *o, Error *err)
{
    if (o->count < 1 || o->count > CONTROLS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%d ControlNets, expected 1 to %d", o->count, CONTROLS_MAX);
    for (int i = 0; i < o->count; i++) {
        const Control *c = &o->control[i];
        if (!(c->start >= 0.0 && c->start < c->end && c->end <= 1.0))
            return error_set(err, STATUS_ARGUMENT,
                             "a ControlNet works from %g to %g, expected 0 <= start < end <= 1", c->start,
                             c->end);
        if (c->picture == NULL)
            return error_set(err, STATUS_ARGUMENT, "ControlNet %d has no picture", i);
    }
    if (o->text.width < 1 || o->text.height < 1)
        return error_set(err, STATUS_ARGUMENT, "control pictures of %dx%d", o->text.width, o->text.height);
    return STATUS_OK;
}

Status control_txt2img(Txt2ImgResult *out, const Model *m, const ControlRunOptions *o, Arena *arena,
                       Error *err)
{
    ControlRun run = {.options = o};
    const DenoiseHooks loop = {.context = &run, .before = before};
    const PipelineParts parts = {.context = &run, .loop = &loop, .steer = steer};
    Txt2ImgOptions text = o->text;
    text.parts = &parts;
    Status status = check(o, err);
    if (status != STATUS_OK)
        return status;
    run.guess_mode = o->guess_mode || o->control[0].net->config.global_pool_conditions;
    status = make_conditions(&run, arena, err);
    return status == STATUS_OK ? txt2img(out, m, &text, arena, err) : status;
}
