#include "io/resize_weights.h"

#include <math.h>
#include <string.h>

#include "base/contract.h"
#include "base/elementary.h"
#include "base/sum.h"

static const double PI = 0x1.921fb54442d18p+1;

/* sin(pi t) / (pi t) */
static double sinc(double t)
{
    const double angle = PI * t;
    return t == 0.0 ? 1.0 : (double)sin_f32((float)angle) / angle;
}

/* Where the kernel is not zero: -reach < t < reach. */
static double reach(ResizeFilter filter)
{
    return filter == RESIZE_LANCZOS3 ? 3.0 : filter == RESIZE_CUBIC ? 2.0 : 1.0;
}

double resize_cubic(double t)
{
    t = fabs(t);
    if (t < 1.0)
        return (1.5 * t - 2.5) * t * t + 1.0;
    return t < 2.0 ? ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0 : 0.0;
}

static double kernel(ResizeFilter filter, double t)
{
    if (filter == RESIZE_CUBIC)
        return resize_cubic(t);
    t = fabs(t);
    if (t >= reach(filter))
        return 0.0;
    return filter == RESIZE_LANCZOS3 ? sinc(t) * sinc(t / 3.0) : 1.0 - t;
}

/* One output sample before its weights are known: input samples first .. last count. */
typedef struct {
    ResizeFilter filter;
    double centre, step, stretch;
    double first, last;
} Place;

static Place place_of(ResizeFilter filter, double centre, double step)
{
    Place p = {filter, centre, step, step > 1.0 ? step : 1.0, floor(centre), floor(centre)};
    if (filter == RESIZE_NEAREST)
        return p;
    const double half = filter == RESIZE_AREA ? step / 2.0 : reach(filter) * p.stretch + 0.5;
    p.first = floor(centre - half);
    p.last = ceil(centre + half) - 1.0;
    return p;
}

static double weight_of(const Place *p, double i)
{
    if (p->filter == RESIZE_NEAREST)
        return 1.0;
    if (p->filter != RESIZE_AREA)
        return kernel(p->filter, (i + 0.5 - p->centre) / p->stretch);
    const double a = p->centre - p->step / 2.0, b = p->centre + p->step / 2.0;
    const double from = i > a ? i : a, to = i + 1.0 < b ? i + 1.0 : b;
    return to > from ? to - from : 0.0;
}

static double clamped(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

/* Fills scratch with the weights of samples first .. last and returns their sum. */
static double weights_fill(double *scratch, const Place *p, double first, double last)
{
    size_t n = 0;
    for (double i = first; i <= last; i += 1.0)
        scratch[n++] = weight_of(p, i);
    return sum8_double(scratch, n);
}

/* Without `clear`, a sample that lies beyond the line is taken at the line's end. */
static bool taps_make(ResizeTaps *taps, Place p, int in, bool clear, double *scratch, Arena *arena)
{
    const double inside_first = clamped(p.first, 0.0, in), inside_last = clamped(p.last, -1.0, in - 1.0);
    if (inside_first > inside_last)
        return true; /* no sample counts */
    const double first = clear ? p.first : inside_first, last = clear ? p.last : inside_last;
    const double sum = weights_fill(scratch, &p, first, last);
    const size_t count = (size_t)(inside_last - inside_first + 1.0),
                 skipped = (size_t)(inside_first - first);
    float *weight = arena_raw(arena, count, sizeof *weight);
    if (weight == NULL)
        return false;
    for (size_t k = 0; k < count; k++)
        weight[k] = (float)(scratch[skipped + k] / sum);
    *taps = (ResizeTaps){(int)inside_first, (int)count, weight};
    return true;
}

const ResizeTaps *resize_weights(ResizeFilter filter, int in, int out, double start, double length,
                                 bool clear, Arena *arena)
{
    const double step = in / length, widest = 2.0 * (reach(filter) * (step > 1.0 ? step : 1.0) + 2.0);
    ResizeTaps *taps = arena_alloc(arena, (size_t)out, sizeof *taps);
    double *scratch = arena_raw(arena, (size_t)widest, sizeof *scratch);
    if (taps == NULL || scratch == NULL)
        return NULL;
    for (int x = 0; x < out; x++) {
        const double centre = (x + 0.5 - start) * step;
        const Place p = place_of(filter, clear ? centre : clamped(centre, 0.0, in - 0x1p-20), step);
        if (!taps_make(&taps[x], p, in, clear, scratch, arena))
            return NULL;
    }
    return taps;
}
