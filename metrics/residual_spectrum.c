#include "metrics/residual_spectrum.h"

#include <math.h>
#include <stdint.h>

#include "base/sum.h"
#include "nn/fft.h"

enum { BINS = RESIDUAL_BINS, CHANNELS = 3, PLANE = BINS * BINS, SIDE_MOST = 8192 };

/* One round axis of n bins to BINS.  With bins 2 BINS wide, bin j lies at (2j - 1) BINS ... (2j + 1) BINS and the new
 * bin k at (2k - 1) n ... (2k + 1) n: the overlaps are whole numbers, whose sum is 2n. */
static void resample_axis(double *y, size_t y_step, const double *x, size_t x_step, int n)
{
    for (int64_t k = 0; k < BINS; k++) {
        const int64_t from = (2 * k - 1) * n, to = (2 * k + 1) * n;
        int64_t j = (from + BINS + 2 * (int64_t)BINS * n) / (2 * BINS) -
                    n; /* the last bin that begins at or before */
        double sum = 0.0;
        for (; (2 * j - 1) * BINS < to; j++) {
            const int64_t begin = (2 * j - 1) * BINS, end = (2 * j + 1) * BINS;
            const int64_t overlap = (end < to ? end : to) - (begin > from ? begin : from);
            sum += (double)overlap * x[(size_t)((j + n) % n) * x_step];
        }
        y[(size_t)k * y_step] = sum / (2.0 * n);
    }
}

Status residual_resample(double *y, const double *x, int height, int width, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    if (height < 1 || width < 1 || height > SIDE_MOST || width > SIDE_MOST)
        return error_set(err, STATUS_SHAPE, "a spectrum of %d x %d, expected sides up to %d", height, width,
                         SIDE_MOST);
    double *rows = arena_raw(scratch, (size_t)height * BINS, sizeof *rows);
    if (rows == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to bring a spectrum to %d bins", BINS);
    for (size_t i = 0; i < (size_t)height; i++)
        resample_axis(rows + i * BINS, 1, x + i * (size_t)width, 1, width);
    for (size_t k = 0; k < BINS; k++)
        resample_axis(y + k, BINS, rows + k, BINS, height);
    arena_release(scratch, mark);
    return STATUS_OK;
}

/* Levels / 256 as planes; returns whether any of them has two values. */
static bool planes_of(double *x, const Image *picture)
{
    const size_t n = (size_t)picture->width * (size_t)picture->height, step = (size_t)picture->channels;
    bool contrast = false;
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < n; i++) {
            x[c * n + i] = picture->pixels[i * step + (step == 1 ? 0 : c)] / 256.0;
            contrast = contrast || x[c * n + i] != x[c * n];
        }
    return contrast;
}

/* The energies of a residual (3,h,w) at 222 x 222 bins each; *any: whether there is any. */
static Status energies(double *out, bool *any, const double *residual, int h, int w, Arena *scratch,
                       Error *err)
{
    const size_t n = (size_t)h * (size_t)w;
    Fft2Plan plan;
    Status status = fft2_plan(&plan, h, w, scratch, err);
    if (status != STATUS_OK)
        return status;
    double *z = arena_raw(scratch, n, 2 * sizeof *z), *energy = arena_raw(scratch, n, sizeof *energy);
    double *room = arena_raw(scratch, fft2_scratch(&plan), sizeof *room);
    if (z == NULL || energy == NULL || room == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the spectrum of %d x %d pixels", w, h);
    for (size_t c = 0; status == STATUS_OK && c < CHANNELS; c++) {
        for (size_t i = 0; i < n; i++) {
            const double v = residual[c * n + i];
            if (v - v != 0.0)
                return error_set(err, STATUS_NOT_FINITE, "number %zu of a residual is not finite",
                                 c * n + i);
            *any = *any || v != 0.0;
            z[2 * i] = v;
            z[2 * i + 1] = 0.0;
        }
        fft2_forward(&plan, z, room);
        for (size_t i = 0; i < n; i++)
            energy[i] = z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1];
        status = residual_resample(out + c * PLANE, energy, h, w, scratch, err);
    }
    return status;
}

static Status measure(double *energy, bool *any, const Image *picture, const ResidualFilter *filter,
                      Arena *scratch, Error *err)
{
    const int h = picture->height - 2 * filter->margin, w = picture->width - 2 * filter->margin;
    if (h < 2 || w < 2 || h > SIDE_MOST || w > SIDE_MOST)
        return error_set(
            err, STATUS_SHAPE,
            "a picture of %d x %d pixels, expected sides from %d (the filter %s takes %d at each "
            "end) to %d",
            picture->width, picture->height, 2 * filter->margin + 2, filter->name, filter->margin,
            SIDE_MOST);
    const size_t n = CHANNELS * (size_t)picture->width * (size_t)picture->height;
    double *x = arena_raw(scratch, n, sizeof *x), *residual = arena_raw(scratch, n, sizeof *residual);
    if (x == NULL || residual == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a picture's residual");
    if (!planes_of(x, picture))
        return STATUS_OK;
    const Status status =
        filter->run(residual, x, picture->height, picture->width, filter->context, scratch, err);
    return status == STATUS_OK ? energies(energy, any, residual, h, w, scratch, err) : status;
}

Status residual_set_add(ResidualSet *set, const Image *picture, const ResidualFilter *filter, Arena *arena,
                        Arena *scratch, Error *err)
{
    if (set->sum == NULL)
        set->sum = arena_alloc(arena, RESIDUAL_NUMBERS, sizeof *set->sum);
    if (set->sum == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a spectrum of %d numbers", RESIDUAL_NUMBERS);
    const ArenaMark mark = arena_mark(scratch);
    bool any = false;
    double *energy = arena_raw(scratch, RESIDUAL_NUMBERS, sizeof *energy);
    const Status status = energy != NULL ? measure(energy, &any, picture, filter, scratch, err)
                                         : error_set(err, STATUS_MEMORY, "no memory for a spectrum");
    if (status == STATUS_OK && any) {
        for (size_t i = 0; i < RESIDUAL_NUMBERS; i++)
            set->sum[i] += energy[i];
        set->count++;
    } else if (status == STATUS_OK) {
        set->dropped++;
    }
    arena_release(scratch, mark);
    return status;
}

/* Where bin i of a plane with frequency 0 first lies when it is centred. */
static size_t centred(size_t i)
{
    const size_t row = i / BINS, column = i % BINS;
    return (row + BINS / 2) % BINS * BINS + (column + BINS / 2) % BINS;
}

Status residual_spectrum(double *out, const ResidualSet *set, ResidualNorm norm, bool grey, Error *err)
{
    const size_t n = grey ? PLANE : RESIDUAL_NUMBERS;
    double share = 1.0;
    if (set->count == 0)
        return error_set(err, STATUS_ARGUMENT,
                         "none of %d pictures has a residual, so there is no spectrum", set->dropped);
    for (size_t i = 0; i < n; i++) {
        const double *s = set->sum + i;
        out[i / PLANE * PLANE + centred(i % PLANE)] =
            (grey ? (s[0] + s[PLANE] + s[2 * PLANE]) / CHANNELS : s[0]) / set->count;
    }
    const double mean = sum8_double(out, n) / (double)n;
    if (norm != RESIDUAL_NORM_NONE)
        share = norm == RESIDUAL_NORM_QUARTER ? 4.0 * mean : mean;
    for (size_t i = 0; i < n; i++)
        out[i] /= share;
    return STATUS_OK;
}

double residual_distance(double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum8_double(a, n));
}
