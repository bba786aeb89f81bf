#include "diffusion/unet_denoiser.h"

#include <string.h>

static Status predict(void *context, float *out, const float *x, double time, Error *err)
{
    const UnetDenoiser *d = context;
    const UnetConfig *c = &d->unet->config;
    const int rows = d->conditions * d->images;
    const int shape[4] = {rows, c->in_channels, d->height, d->width};
    const int text_shape[3] = {rows, d->tokens, c->level[0].cross_attention_dim};
    const ArenaMark mark = arena_mark(d->arena);
    Tape tape = {.arena = d->arena};
    tape_watch(&tape, d->watch, "unet");
    Tensor *in = tape_result(&tape, NULL, 4, shape);
    Tensor *text = tape_input(&tape, (float *)(size_t)d->text, 3, text_shape, false);
    float *times = tape_alloc(&tape, (size_t)rows, sizeof *times);
    for (int i = 0; tape.error.status == STATUS_OK && i < rows; i++)
        times[i] = (float)time;
    const size_t n = in != NULL ? tensor_count(in) / (size_t)d->conditions : 0;
    for (int k = 0; tape.error.status == STATUS_OK && k < d->conditions; k++)
        memcpy(in->data + (size_t)k * n, x, n * sizeof *x);
    const Tensor *y =
        tape.error.status == STATUS_OK ? unet(&tape, d->unet, in, times, text, d->hooks) : NULL;
    if (y != NULL)
        memcpy(out, y->data, tensor_count(y) * sizeof *out);
    arena_release(d->arena, mark);
    return y != NULL ? STATUS_OK : error_set(err, tape.error.status, "%s", tape.error.text);
}

Denoiser unet_denoiser(UnetDenoiser *d)
{
    return (Denoiser){predict, d, d->conditions};
}
