#include "diffusion/control_run.h"

#include <string.h>

#include "nn/concat.h"

/* x (1 or images,...) once for each row of `conditions` conditions; one that serves all rows stays as it is. */
static Tensor *for_rows(Tape *tape, Tensor *x, int conditions)
{
    Tensor *const twice[2] = {x, x};
    if (x == NULL || x->dim[0] == 1 || conditions == 1)
        return x;
    return concat(tape, twice, conditions, 0);
}

static Status check_batch(ControlBatch b, int pictures, const char *what, int i, Error *err)
{
    if (b.conditions < 1 || b.conditions > 2 || b.images < 1)
        return error_set(err, STATUS_ARGUMENT, "%d conditions of %d images, expected 1 or 2 of 1 or more",
                         b.conditions, b.images);
    if (pictures != 1 && pictures != b.images)
        return error_set(err, STATUS_SHAPE, "%s %d has %d pictures for %d images, expected 1 or %d", what,
                         i, pictures, b.images, b.images);
    return STATUS_OK;
}

static Tensor *input(Tape *tape, const float *numbers, int N, int C, int H, int W)
{
    return tape_input(tape, (float *)(size_t)numbers, 4, (const int[]){N, C, H, W}, false); /* only read */
}

Status control_run_begin(ControlRun *out, const Control *control, int count, bool guess_mode,
                         ControlBatch batch, Arena *arena, Error *err)
{
    ControlRun run = {.control = control, .count = count, .guess_mode = guess_mode, .batch = batch};
    Tape tape = {.arena = arena};
    if (count > 0 && control[0].net->config.global_pool_conditions)
        run.guess_mode = true;
    run.condition = arena_alloc(arena, (size_t)count, sizeof *run.condition);
    if (run.condition == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d ControlNets", count);
    for (int i = 0; i < count; i++) {
        const Control *c = &control[i];
        const int f = controlnet_factor(&c->net->config);
        const Status status = check_batch(batch, c->pictures, "ControlNet", i, err);
        if (status != STATUS_OK)
            return status;
        Tensor *picture = input(&tape, c->picture, c->pictures, c->net->config.conditioning_channels,
                                f * batch.height, f * batch.width);
        run.condition[i] = for_rows(&tape, controlnet_condition(&tape, c->net, picture),
                                    run.guess_mode ? 1 : batch.conditions);
    }
    if (tape.error.status != STATUS_OK)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    *out = run;
    return STATUS_OK;
}

static bool is_on(const Control *c, int call, int calls)
{
    return (double)call / calls >= c->start && (double)(call + 1) / calls <= c->end;
}

/* Zeros for the rows of the negative prompt before those of the prompt. */
static Tensor *behind_zeros(Tape *tape, Tensor *r)
{
    if (r == NULL)
        return NULL;
    float *zeros = tape_alloc(tape, tensor_count(r), sizeof *zeros);
    if (zeros == NULL)
        return NULL;
    memset(zeros, 0, tensor_count(r) * sizeof *zeros);
    return concat(tape, (Tensor *const[]){tape_input(tape, zeros, 4, r->dim, false), r}, 2, 0);
}

Status control_run_before(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    ControlRun *c = context;
    (void)x, (void)err;
    c->call = call - run->first;
    c->calls = run->calls - run->first;
    return STATUS_OK;
}

/* The residuals of those that are on, summed; false after a failure. */
static bool sum_residuals(ControlResiduals *sum, Tape *tape, const ControlRun *run, Tensor *x,
                          const float *times, Tensor *text)
{
    ControlResiduals r;
    for (int i = 0; i < run->count; i++) {
        const Control *c = &run->control[i];
        const ControlOptions options = {.scale = c->scale, .guess_mode = run->guess_mode};
        const int channels = c->net->config.unet.in_channels;
        if (!is_on(c, run->call, run->calls))
            continue;
        Tensor *seen = x != NULL && x->dim[1] > channels ? slice(tape, x, 1, 0, channels) : x;
        if (!controlnet(&r, tape, c->net, seen, times, text, run->condition[i], options) ||
            !control_residuals_add(sum, tape, &r))
            return false;
    }
    return true;
}

void control_run_steer(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times,
                       Tensor *text, int conditions)
{
    const ControlRun *run = context;
    const bool half = run->guess_mode && conditions > 1;
    const int images = run->batch.images;
    ControlResiduals sum = {0};
    if (half) { /* condition 1 is the prompt */
        x = slice(tape, x, 0, images, images);
        text = slice(tape, text, 0, images, images);
        times += images;
    }
    if (!sum_residuals(&sum, tape, run, x, times, text))
        return;
    for (int i = 0; half && i < sum.count; i++)
        sum.down[i] = behind_zeros(tape, sum.down[i]);
    if (half && sum.count > 0)
        sum.mid = behind_zeros(tape, sum.mid);
    control_residuals_hook(hooks, &sum);
}

Status adapter_run_features(AdapterFeatures *out, const Adapter *adapters, int count, ControlBatch batch,
                            Arena *arena, Error *err)
{
    AdapterFeatures sum = {0}, f;
    Tape tape = {.arena = arena};
    for (int i = 0; i < count; i++) {
        const Adapter *a = &adapters[i];
        const Status status = check_batch(batch, a->pictures, "adapter", i, err);
        if (status != STATUS_OK)
            return status;
        Tensor *picture =
            input(&tape, a->picture, a->pictures, a->net->config.in_channels, a->height, a->width);
        const int times = a->pictures == 1 ? batch.images * batch.conditions : batch.conditions;
        if (!t2i_adapter(&f, &tape, a->net, picture) || !adapter_features_repeat(&f, &tape, times) ||
            !adapter_features_add(&sum, &tape, &f, a->scale))
            return error_set(err, tape.error.status, "%s", tape.error.text);
    }
    *out = sum;
    return STATUS_OK;
}
