#include "diffusion/unet_denoiser.h"

#include <string.h>

/* How many rows (images under conditions) run at a time: bounds the memory of a large batch, changes no bit. */
enum { ROWS = 16 };

/* Row `row` of the network's input: the latent, and the channels behind it. */
static void fill_row(float *in, const UnetDenoiser *d, const float *x, int row, size_t pixels)
{
    const size_t image = (size_t)(row % d->images), extra = (size_t)d->extra_channels * pixels;
    const size_t n = (size_t)d->unet->config.in_channels * pixels - extra;
    memcpy(in, x + image * n, n * sizeof *in);
    if (extra > 0)
        memcpy(in + n, d->extra + image * extra, extra * sizeof *in);
}

/* Rows first ... first+rows-1 of all conditions. */
static Status predict_rows(const UnetDenoiser *d, float *out, const float *x, double time, int first,
                           int rows, Error *err)
{
    const UnetConfig *c = &d->unet->config;
    const int width = c->level[0].cross_attention_dim;
    const int shape[4] = {rows, c->in_channels, d->height, d->width};
    const int text_shape[3] = {rows, d->tokens, width};
    const float *rows_of_text = d->text + (size_t)first * (size_t)d->tokens * (size_t)width;
    const size_t pixels = (size_t)d->height * (size_t)d->width, n = (size_t)c->in_channels * pixels;
    const ArenaMark mark = arena_mark(d->arena);
    Tape tape = {.arena = d->arena};
    tape_watch(&tape, d->watch, "unet");
    Tensor *in = tape_result(&tape, NULL, 4, shape);
    Tensor *text = tape_input(&tape, (float *)(size_t)rows_of_text, 3, text_shape, false);
    float *times = tape_alloc(&tape, (size_t)rows, sizeof *times);
    for (int i = 0; tape.error.status == STATUS_OK && i < rows; i++) {
        times[i] = (float)time;
        fill_row(in->data + (size_t)i * n, d, x, first + i, pixels);
    }
    UnetHooks hooks = {0};
    if (d->hooks != NULL)
        hooks = *d->hooks;
    if (d->steer != NULL && tape.error.status == STATUS_OK)
        d->steer(d->steer_context, &tape, &hooks, in, times, text, d->conditions);
    const Tensor *y = tape.error.status == STATUS_OK ? unet(&tape, d->unet, in, times, text, &hooks) : NULL;
    if (y != NULL)
        memcpy(out + (size_t)first * (size_t)c->out_channels * pixels, y->data,
               tensor_count(y) * sizeof *out);
    arena_release(d->arena, mark);
    return y != NULL ? STATUS_OK : error_set(err, tape.error.status, "%s", tape.error.text);
}

/* Hooks are given for the whole batch, and who watches sees it, so with them it runs as a whole. */
static Status predict(void *context, float *out, const float *x, double time, Error *err)
{
    const UnetDenoiser *d = context;
    const int rows = d->conditions * d->images;
    const bool whole = d->hooks != NULL || d->steer != NULL || d->watch != NULL;
    const int most = whole ? rows : ROWS;
    Status status = STATUS_OK;
    for (int first = 0; first < rows && status == STATUS_OK; first += most)
        status = predict_rows(d, out, x, time, first, rows - first < most ? rows - first : most, err);
    return status;
}

Denoiser unet_denoiser(UnetDenoiser *d)
{
    return (Denoiser){predict, d, d->conditions};
}
