#include "metrics/power_slope.h"

#include <math.h>
#include <string.h>

#include "base/elementary64.h"
#include "base/sum.h"
#include "nn/fft.h"

/* The toolbox's range for pictures of 1024 pixels. */
const PowerSlopeOptions POWER_SLOPE_DEFAULTS = {.low = 10};

enum { HIGH_MOST = 256, LANES = 8 };

static const double LN_10 = 0x1.26bb1bbb55516p+1;

/* Place i of n as a frequency: 0, 1 ... then the negative ones. */
static int frequency(int i, int n)
{
    return 2 * i <= n ? i : i - n;
}

static int ring_of(int u, int v)
{
    return (int)rint(
        sqrt((double)u * u + (double)v * v)); /* never a tie: k + 1/2 squared is no whole number */
}

int power_rings(int n)
{
    return ring_of(n / 2, n / 2) + 1;
}

/* z (n,n) pairs: the transform.  lane (rings, 8) and seen (rings) start as zeros. */
static void add_rings(double *lane, int *seen, const double *z, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double *p = z + 2 * ((size_t)i * (size_t)n + (size_t)j);
            const int r = ring_of(frequency(i, n), frequency(j, n));
            lane[LANES * r + seen[r]++ % LANES] += p[0] * p[0] + p[1] * p[1];
        }
}

Status power_of_plane(double *power, int *counts, const double *plane, int n, Arena *scratch, Error *err)
{
    if (n < 2 || n > POWER_SIDE_MOST)
        return error_set(err, STATUS_ARGUMENT, "the spectrum of a square of %d pixels, expected 2 to %d", n,
                         POWER_SIDE_MOST);
    const ArenaMark mark = arena_mark(scratch);
    const size_t rings = (size_t)power_rings(n), size = (size_t)n * (size_t)n;
    Fft2Plan plan;
    Status status = fft2_plan(&plan, n, n, scratch, err);
    if (status == STATUS_OK) {
        double *z = arena_alloc(scratch, size, 2 * sizeof *z);
        double *room = arena_raw(scratch, fft2_scratch(&plan), sizeof *room);
        double *lane = arena_alloc(scratch, rings, LANES * sizeof *lane);
        int *seen = arena_alloc(scratch, rings, sizeof *seen);
        if (z == NULL || room == NULL || lane == NULL || seen == NULL) {
            status = error_set(err, STATUS_MEMORY, "no memory for the spectrum of %d x %d pixels", n, n);
        } else {
            for (size_t i = 0; i < size; i++)
                z[2 * i] = plane[i];
            fft2_forward(&plan, z, room);
            add_rings(lane, seen, z, n);
            for (size_t r = 0; r < rings; r++)
                power[r] = sum8_double(lane + LANES * r, LANES) / seen[r];
            if (counts != NULL)
                memcpy(counts, seen, rings * sizeof *counts);
        }
    }
    arena_release(scratch, mark);
    return status;
}

/* ---- the line ---- */

/* Least squares in two passes: the means, then the deviations from them. */
typedef struct {
    double x[POWER_SIDE_MOST], y[POWER_SIDE_MOST];
    int count;
} Points;

static void fit(PowerLine *out, const Points *p)
{
    const int m = p->count;
    const double x = sum8_double(p->x, (size_t)m) / m, y = sum8_double(p->y, (size_t)m) / m;
    double xx = 0.0, xy = 0.0, rest = 0.0;
    for (int i = 0; i < m; i++) {
        xx += (p->x[i] - x) * (p->x[i] - x);
        xy += (p->x[i] - x) * (p->y[i] - y);
    }
    out->slope = xy / xx;
    out->offset = y - out->slope * x;
    for (int i = 0; i < m; i++) {
        const double off = p->y[i] - (out->offset + out->slope * p->x[i]);
        rest += off * off;
    }
    out->error = m > 2 ? sqrt(rest / (m - 2) / xx) : 0.0;
    out->points = m;
}

static double log10_of(double x)
{
    return log_f64(x) / LN_10;
}

/* The mean of rings `from` to `to` (labels) as one point. */
static void add_point(Points *p, const double *power, int from, int to, int shift)
{
    double sum = 0.0;
    for (int r = from; r <= to; r++)
        sum += power[r - shift];
    p->x[p->count] = log10_of(((double)from + to) / 2.0);
    p->y[p->count++] = log10_of(sum / (to - from + 1));
}

/* Edge k of `bins` from low to high, a whole frequency. */
static int edge(int low, int high, int k, int bins)
{
    const double a = log_f64(low), b = log_f64(high);
    return (int)rint(exp_f64(a + (b - a) * k / bins));
}

Status power_line(PowerLine *out, const double *power, int n, const PowerSlopeOptions *options, Error *err)
{
    const int most = n / 2 < HIGH_MOST ? n / 2 : HIGH_MOST, low = options->low;
    const int high = options->high == 0 ? most : options->high, shift = options->toolbox_labels ? 1 : 0;
    PowerLine line = {.low = low, .high = high};
    Points points;
    points.count = 0;
    if (n < POWER_SIDE_LEAST || n > POWER_SIDE_MOST)
        return error_set(err, STATUS_ARGUMENT, "the slope of pictures of %d pixels, expected %d to %d", n,
                         POWER_SIDE_LEAST, POWER_SIDE_MOST);
    if (low < 1 + shift || high > n / 2 || high - low < 2)
        return error_set(
            err, STATUS_ARGUMENT,
            "frequencies from %d to %d cycles a picture, expected at least three of %d to %d (half of "
            "%d pixels)",
            low, high, 1 + shift, n / 2, n);
    for (int r = low; r <= high; r++)
        if (!(power[r - shift] > 0.0) || power[r - shift] - power[r - shift] != 0.0)
            return error_set(err, STATUS_ARGUMENT, "there is no power at %d cycles a picture, so no slope",
                             r);
    const int bins = (high - low + 1) / 2;
    for (int k = 0; options->log_bins && k < bins; k++)
        add_point(&points, power, edge(low, high, k, bins), edge(low, high, k + 1, bins), shift);
    for (int r = low; !options->log_bins && r <= high; r++)
        add_point(&points, power, r, r, shift);
    if (points.count < 2)
        return error_set(err, STATUS_ARGUMENT, "one bin from %d to %d cycles a picture has no slope", low,
                         high);
    fit(&line, &points);
    *out = line;
    return STATUS_OK;
}

/* ---- sets of pictures ---- */

static int luminance_1000(const Image *picture, size_t pixel)
{
    const unsigned char *p = picture->pixels + pixel * (size_t)picture->channels;
    return picture->channels == 1 ? 1000 * p[0] : 299 * p[0] + 587 * p[1] + 114 * p[2];
}

/* plane (n,n) of luminance less the picture's mean, 0 to 255; returns whether the picture has any contrast. */
static bool luminance_square(double *plane, int n, const Image *picture)
{
    const size_t w = (size_t)picture->width, count = w * (size_t)picture->height;
    const size_t side = (size_t)n, top = (side - (size_t)picture->height) / 2, left = (side - w) / 2;
    double sum = 0.0; /* whole numbers below 2^53: exact in any order */
    bool contrast = false;
    for (size_t i = 0; i < count; i++) {
        sum += luminance_1000(picture, i);
        contrast = contrast || luminance_1000(picture, i) != luminance_1000(picture, 0);
    }
    const double mean = sum / (double)count;
    for (size_t i = 0; i < side * side; i++)
        plane[i] = rint(mean / 1000.0) - mean / 1000.0; /* the padding */
    for (size_t i = 0; i < count; i++)
        plane[(top + i / w) * side + left + i % w] = (luminance_1000(picture, i) - mean) / 1000.0;
    return contrast;
}

static Status begin(PowerSet *set, const Image *picture, Arena *arena, Error *err)
{
    const int n = picture->width > picture->height ? picture->width : picture->height;
    if (n < POWER_SIDE_LEAST || n > POWER_SIDE_MOST)
        return error_set(err, STATUS_ARGUMENT,
                         "the slope of a picture of %d x %d pixels, expected %d to %d", picture->width,
                         picture->height, POWER_SIDE_LEAST, POWER_SIDE_MOST);
    set->rings = power_rings(n);
    set->sum = arena_alloc(arena, (size_t)set->rings, sizeof *set->sum);
    if (set->sum == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a spectrum of %d rings", set->rings);
    set->n = n;
    set->width = picture->width;
    set->height = picture->height;
    return STATUS_OK;
}

Status power_set_add(PowerLine *out, PowerSet *set, const Image *picture, Arena *arena, Arena *scratch,
                     Error *err)
{
    if (set->sum != NULL && (picture->width != set->width || picture->height != set->height))
        return error_set(err, STATUS_SHAPE, "a picture of %d x %d pixels in a set of %d x %d",
                         picture->width, picture->height, set->width, set->height);
    Status status = set->sum != NULL ? STATUS_OK : begin(set, picture, arena, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(scratch);
    const size_t n = (size_t)set->n, rings = (size_t)set->rings;
    double *plane = arena_raw(scratch, n * n, sizeof *plane),
           *power = arena_raw(scratch, rings, sizeof *power);
    if (plane == NULL || power == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for a picture's spectrum");
    else if (!luminance_square(plane, set->n, picture))
        status = error_set(err, STATUS_ARGUMENT, "a picture of one colour has no slope");
    else
        status = power_of_plane(power, NULL, plane, set->n, scratch, err);
    if (status == STATUS_OK)
        status = power_line(out, power, set->n, &set->options, err);
    if (status == STATUS_OK) {
        for (size_t r = 0; r < rings; r++)
            set->sum[r] += power[r];
        set->count++;
    }
    arena_release(scratch, mark);
    return status;
}

Status power_set_line(PowerLine *out, double *power, const PowerSet *set, Error *err)
{
    if (set->count == 0)
        return error_set(err, STATUS_ARGUMENT, "the spectrum of no pictures");
    for (int r = 0; r < set->rings; r++)
        power[r] = set->sum[r] / set->count;
    return power_line(out, power, set->n, &set->options, err);
}
