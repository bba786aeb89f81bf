#include "metrics/focal_frequency.h"

#include <math.h>
#include <string.h>

#include "base/elementary.h"
#include "base/elementary64.h"
#include "base/sum.h"
#include "base/threads.h"
#include "nn/fft.h"

const FocalFrequencyOptions FOCAL_FREQUENCY_DEFAULTS = {.weight = 1.0, .alpha = 1.0, .tiles = 1};

/* Planes are (sample, tile row, tile column, channel): those of a sample lie together. */
typedef struct {
    const float *x, *target;
    float *gradient;
    FocalFrequencyOptions options;
    int N, C, H, W;
    int h, w;       /* of a tile */
    size_t n;       /* numbers in a tile */
    size_t samples; /* spectra: N, or 1 when they are averaged */
    size_t planes;  /* of one sample */
    Fft2Plan plan;
    double *delta;   /* (samples, planes, n) pairs */
    double *weight;  /* (samples, planes, n) */
    double *largest; /* (samples, planes) of the weights */
    double *sum;     /* (samples, planes) of w |Delta|^2 */
    double *room;    /* for each worker: a plane of pairs and the transform's scratch */
    size_t each;
} Focal;

/* Where tile `plane` of a sample's picture begins, in numbers. */
static size_t tile_start(const Focal *f, size_t sample, size_t plane)
{
    const size_t C = (size_t)f->C, k = (size_t)f->options.tiles, tile = plane / C;
    const size_t row = tile / k * (size_t)f->h, column = tile % k * (size_t)f->w;
    return ((sample * C + plane % C) * (size_t)f->H + row) * (size_t)f->W + column;
}

/* z += the transform of one sample's difference, times share. */
static void add_spectrum(const Focal *f, double *z, size_t sample, size_t plane, double share, double *room)
{
    const size_t start = tile_start(f, sample, plane), w = (size_t)f->w;
    for (size_t i = 0; i < f->n; i++) {
        const size_t at = start + i / w * (size_t)f->W + i % w;
        room[2 * i] = (double)f->x[at] - (double)f->target[at];
        room[2 * i + 1] = 0.0;
    }
    fft2_forward(&f->plan, room, room + 2 * f->n);
    for (size_t i = 0; i < 2 * f->n; i++)
        z[i] += room[i] * share;
}

static double power_of(double size, double alpha)
{
    if (alpha == 1.0)
        return size;
    if (alpha == 2.0)
        return size * size;
    return alpha == 0.5 ? sqrt(size) : pow_f64(size, alpha);
}

/* Delta of one plane, its weights before they are divided, and the largest of them. */
static void weigh_plane(void *context, size_t i, int worker)
{
    const Focal *f = context;
    const bool averaged = f->options.average_spectrum;
    double *z = f->delta + 2 * i * f->n, *weight = f->weight + i * f->n, most = 0.0;
    double *room = f->room + (size_t)worker * f->each;
    memset(z, 0, 2 * f->n * sizeof *z);
    if (!averaged)
        add_spectrum(f, z, i / f->planes, i % f->planes, 1.0, room);
    for (size_t s = 0; averaged && s < (size_t)f->N; s++)
        add_spectrum(f, z, s, i, 1.0 / f->N, room);
    for (size_t k = 0; k < f->n; k++) {
        double w = power_of(sqrt(z[2 * k] * z[2 * k] + z[2 * k + 1] * z[2 * k + 1]), f->options.alpha);
        if (f->options.log_matrix)
            w = (double)log1p_f32((float)w);
        weight[k] = w;
        most = w > most ? w : most;
    }
    f->largest[i] = most;
}

/* The weights divided and limited; w Delta takes Delta's place. */
static void finish_plane(void *context, size_t i, int worker)
{
    const Focal *f = context;
    double *z = f->delta + 2 * i * f->n, *weight = f->weight + i * f->n;
    (void)worker;
    for (size_t k = 0; k < f->n; k++) {
        const double w = f->largest[i] > 0.0 ? weight[k] / f->largest[i] : 0.0;
        weight[k] = w * (z[2 * k] * z[2 * k] + z[2 * k + 1] * z[2 * k + 1]);
        z[2 * k] *= w;
        z[2 * k + 1] *= w;
    }
    f->sum[i] = sum8_double(weight, f->n);
}

/* Each sample's tile of the gradient is its spectrum's inverse transform. */
static void gradient_plane(void *context, size_t i, int worker)
{
    const Focal *f = context;
    const size_t w = (size_t)f->w;
    double *room = f->room + (size_t)worker * f->each;
    const double count = (double)(f->samples * f->planes) * (double)f->n;
    const double share = 2.0 * f->options.weight / count / (f->options.average_spectrum ? f->N : 1);
    memcpy(room, f->delta + 2 * i * f->n, 2 * f->n * sizeof *room);
    fft2_inverse(&f->plan, room, room + 2 * f->n);
    const size_t first = f->options.average_spectrum ? 0 : i / f->planes;
    const size_t last = f->options.average_spectrum ? (size_t)f->N : first + 1;
    for (size_t s = first; s < last; s++) {
        const size_t start = tile_start(f, s, i % f->planes);
        for (size_t k = 0; k < f->n; k++)
            f->gradient[start + k / w * (size_t)f->W + k % w] = (float)(room[2 * k] * share);
    }
}

static Status check(const Focal *f, Error *err)
{
    const FocalFrequencyOptions *o = &f->options;
    const size_t count = (size_t)f->N * (size_t)f->C * (size_t)f->H * (size_t)f->W;
    if (!(o->alpha >= 0.0 && o->alpha <= 1e3) || !(fabs(o->weight) <= 1e300) || o->tiles < 1)
        return error_set(err, STATUS_ARGUMENT,
                         "focal frequency loss with alpha %g, weight %g and %d tiles a side", o->alpha,
                         o->weight, o->tiles);
    if (f->N < 1 || f->C < 1 || f->H < 1 || f->W < 1 || f->H % o->tiles != 0 || f->W % o->tiles != 0)
        return error_set(err, STATUS_SHAPE, "pictures (%d,%d,%d,%d), expected sides that %d divides", f->N,
                         f->C, f->H, f->W, o->tiles);
    for (size_t i = 0; i < count; i++)
        if (f->x[i] - f->x[i] != 0.0f || f->target[i] - f->target[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "number %zu of the pictures is not finite", i);
    return STATUS_OK;
}

static Status make_room(Focal *f, Arena *scratch, Error *err)
{
    const int k = f->options.tiles;
    f->h = f->H / k;
    f->w = f->W / k;
    f->n = (size_t)f->h * (size_t)f->w;
    f->samples = f->options.average_spectrum ? 1 : (size_t)f->N;
    f->planes = (size_t)f->C * (size_t)k * (size_t)k;
    const Status status = fft2_plan(&f->plan, f->h, f->w, scratch, err);
    if (status != STATUS_OK)
        return status;
    const size_t all = f->samples * f->planes;
    f->each = 2 * f->n + fft2_scratch(&f->plan);
    f->delta = arena_raw(scratch, all, 2 * f->n * sizeof *f->delta);
    f->weight = arena_raw(scratch, all, f->n * sizeof *f->weight);
    f->largest = arena_raw(scratch, all, sizeof *f->largest);
    f->sum = arena_raw(scratch, all, sizeof *f->sum);
    f->room = arena_raw(scratch, (size_t)threads_count(), f->each * sizeof *f->room);
    if (f->delta == NULL || f->weight == NULL || f->largest == NULL || f->sum == NULL || f->room == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the spectra of %zu planes", all);
    return STATUS_OK;
}

static double run(Focal *f)
{
    const size_t all = f->samples * f->planes;
    double most = 0.0, sum = 0.0;
    parallel_for(all, weigh_plane, f);
    for (size_t i = 0; i < all; i++)
        most = f->largest[i] > most ? f->largest[i] : most;
    for (size_t i = 0; f->options.batch_matrix && i < all; i++)
        f->largest[i] = most;
    parallel_for(all, finish_plane, f);
    for (size_t i = 0; i < all; i++)
        sum += f->sum[i];
    if (f->gradient != NULL)
        parallel_for(all, gradient_plane, f);
    return f->options.weight * (sum / ((double)all * (double)f->n));
}

Status focal_frequency_loss(double *loss, float *gradient, const float *x, const float *target, int N,
                            int C, int H, int W, const FocalFrequencyOptions *options, Arena *scratch,
                            Error *err)
{
    Focal f = {.x = x,
               .target = target,
               .gradient = gradient,
               .options = *options,
               .N = N,
               .C = C,
               .H = H,
               .W = W};
    Status status = check(&f, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(scratch);
    status = make_room(&f, scratch, err);
    if (status == STATUS_OK)
        *loss = run(&f);
    arena_release(scratch, mark);
    return status;
}
