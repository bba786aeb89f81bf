#include "diffusion/unet_noise.h"

#include <string.h>

/* Numbers of all images. */
static size_t numbers(const UnetNoise *u)
{
    const UnetDenoiser *d = &u->network;
    return (size_t)d->images * (size_t)d->unet->config.out_channels * (size_t)d->height * (size_t)d->width;
}

/* eps = out * of_output + z * of_state */
typedef struct {
    double of_output, of_state;
} ToNoise;

static ToNoise to_noise(const UnetNoise *u, double time)
{
    const double a = schedule_signal(u->schedule, (int)time), s = schedule_noise(u->schedule, (int)time);
    if (u->prediction_type == PREDICT_V)
        return (ToNoise){a, s};
    if (u->prediction_type == PREDICT_SAMPLE)
        return (ToNoise){-a / s, 1.0 / s};
    return (ToNoise){1.0, 0.0};
}

/* The outputs of both conditions as one. */
static void join(double *eps, const UnetNoise *u, const float *out, const double *z, double time)
{
    const size_t n = numbers(u);
    const ToNoise c = to_noise(u, time);
    for (size_t i = 0; i < n; i++) {
        double o = (double)out[i];
        if (u->network.conditions == 2)
            o += u->guidance * ((double)out[n + i] - o);
        eps[i] = c.of_output * o + c.of_state * z[i];
    }
}

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for one run of the U-Net");
}

static Status predict(void *context, double *eps, const double *z, double time, Error *err)
{
    UnetNoise *u = context;
    const Denoiser network = unet_denoiser(&u->network);
    const ArenaMark mark = arena_mark(u->network.arena);
    const size_t n = numbers(u);
    float *x = arena_raw(u->network.arena, n, sizeof *x);
    float *out = arena_raw(u->network.arena, n * (size_t)u->network.conditions, sizeof *out);
    Status status = x != NULL && out != NULL ? STATUS_OK : no_memory(err);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        x[i] = (float)z[i];
    if (status == STATUS_OK)
        status = network.predict(network.context, out, x, time, err);
    if (status == STATUS_OK)
        join(eps, u, out, z, time);
    arena_release(u->network.arena, mark);
    return status;
}

/* What the network's run and its walk back read and write: rows of all conditions. */
typedef struct {
    Tensor *x, *text;
    float *times, *y, *dy, *dx;
} Rows;

static bool make_rows(Rows *r, Tape *tape, const UnetNoise *u, const double *z, double time,
                      const double *g)
{
    const UnetDenoiser *d = &u->network;
    const int rows = d->conditions * d->images, width = d->unet->config.level[0].cross_attention_dim;
    const size_t n = numbers(u), all = n * (size_t)d->conditions;
    const ToNoise c = to_noise(u, time);
    r->x = tape_result(tape, NULL, 4, (int[4]){rows, d->unet->config.in_channels, d->height, d->width});
    r->text = tape_input(tape, (float *)(size_t)d->text, 3, (int[3]){rows, d->tokens, width}, false);
    r->times = tape_alloc(tape, (size_t)rows, sizeof *r->times);
    r->y = tape_alloc(tape, all, sizeof *r->y);
    r->dy = tape_alloc(tape, all, sizeof *r->dy);
    r->dx = tape_alloc(tape, all, sizeof *r->dx);
    if (tape->error.status != STATUS_OK)
        return false;
    for (int row = 0; row < rows; row++)
        r->times[row] = (float)time;
    for (size_t i = 0; i < all; i++) {
        double weight = c.of_output; /* of this condition in eps */
        if (d->conditions == 2)
            weight *= i < n ? 1.0 - u->guidance : u->guidance;
        r->x->data[i] = (float)z[i % n];
        r->dy[i] = (float)(weight * g[i % n]);
    }
    return true;
}

static Status gradient(void *context, double *eps, double *q, const double *z, double time, const double *g,
                       Error *err)
{
    const UnetNoise *u = context;
    const UnetDenoiser *d = &u->network;
    const size_t n = numbers(u);
    const ToNoise c = to_noise(u, time);
    const ArenaMark mark = arena_mark(d->arena);
    Arena gradients = {.account = d->arena->account, .source = d->arena->source};
    Tape tape = {.arena = d->arena, .gradients = &gradients};
    Rows r;
    if (make_rows(&r, &tape, u, z, time, g) &&
        unet_vjp(r.y, r.dx, NULL, &tape, d->unet, r.x, r.times, r.text, NULL, r.dy) == STATUS_OK) {
        join(eps, u, r.y, z, time);
        for (size_t i = 0; i < n; i++) {
            const double both =
                d->conditions == 2 ? (double)r.dx[i] + (double)r.dx[n + i] : (double)r.dx[i];
            q[i] = both + c.of_state * g[i];
        }
    }
    arena_free(&gradients);
    arena_release(d->arena, mark);
    return tape.error.status == STATUS_OK ? STATUS_OK
                                          : error_set(err, tape.error.status, "%s", tape.error.text);
}

NoiseOracle unet_noise(UnetNoise *u)
{
    return (NoiseOracle){.context = u, .n = numbers(u), .predict = predict, .vjp = gradient};
}
