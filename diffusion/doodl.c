#include "diffusion/doodl.h"

#include <math.h>

#include "base/sum.h"

const DoodlUpdate DOODL_UPDATE = {
    .clip = 1e-3, .momentum = 0.9, .perturb = 1e-4, .tied = true, .renormalise = true};

/* |x|; the squares go through `room` (n). */
static double length(const double *x, size_t n, double *room)
{
    for (size_t i = 0; i < n; i++)
        room[i] = x[i] * x[i];
    return sqrt(sum8_double(room, n));
}

Status doodl_begin(Doodl *out, const EdictPair *pair, size_t n, const DoodlUpdate *o, Arena *arena,
                   Error *err)
{
    if (!(o->clip > 0.0))
        return error_set(err, STATUS_ARGUMENT, "limit %g of the gradient, expected above 0", o->clip);
    if (!(o->momentum >= 0.0 && o->momentum < 1.0))
        return error_set(err, STATUS_ARGUMENT, "momentum %g, expected at least 0 and below 1", o->momentum);
    if (!(o->perturb >= 0.0 && o->perturb < HUGE_VAL))
        return error_set(err, STATUS_ARGUMENT, "perturbation %g, expected at least 0", o->perturb);
    Doodl d = {.options = *o, .n = n, .b = arena_alloc(arena, 2 * n, sizeof *d.b)};
    if (d.b == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the momentum of %zu numbers", 2 * n);
    d.length = length(pair->x, n, d.b);
    if (o->renormalise && !(d.length > 0.0 && isfinite(d.length)))
        return error_set(err, STATUS_ARGUMENT, "noise of length %g cannot keep its length", d.length);
    *out = d;
    return STATUS_OK;
}

/* Lines 1 and 2 on one number. */
static double limited(Doodl *d, double g)
{
    const double c = d->options.clip;
    const double to = g > c ? c : g < -c ? -c : g;
    if (to != g)
        d->clipped += 1.0;
    return to;
}

static void prepare(Doodl *d, const EdictPair *g)
{
    d->clipped = 0.0;
    for (size_t i = 0; i < d->n; i++) {
        double gx = -0.5 * g->x[i], gy = -0.5 * g->y[i];
        if (d->options.tied)
            gx = gy = (gx + gy) / 2.0;
        g->x[i] = limited(d, gx);
        g->y[i] = limited(d, gy);
    }
    d->clipped /= 2.0 * (double)d->n;
}

/* Lines 3 and 4 on one of the pair. */
static void walk(const Doodl *d, double *x, const double *g, double *b, const double *xi)
{
    const DoodlUpdate *o = &d->options;
    for (size_t i = 0; i < d->n; i++) {
        b[i] = d->updates > 0 ? o->momentum * b[i] + g[i] : g[i];
        x[i] += o->nesterov ? g[i] + o->momentum * b[i] : b[i];
        if (o->perturb > 0.0)
            x[i] += o->perturb * xi[i];
    }
}

static Status renormalise(const Doodl *d, double *x, double *room, Error *err)
{
    const double now = length(x, d->n, room);
    if (!(now > 0.0 && isfinite(now)))
        return error_set(err, STATUS_NOT_FINITE, "update %d leaves noise of length %g", d->updates, now);
    for (size_t i = 0; i < d->n; i++)
        x[i] = x[i] * (d->length / now);
    return STATUS_OK;
}

Status doodl_update(Doodl *d, const EdictPair *z, const EdictPair *g, const double *xi, Error *err)
{
    for (size_t i = 0; i < d->n; i++)
        if (!isfinite(g->x[i]) || !isfinite(g->y[i]))
            return error_set(err, STATUS_NOT_FINITE, "the gradient is no number in update %d", d->updates);
    prepare(d, g);
    walk(d, z->x, g->x, d->b, xi);
    walk(d, z->y, g->y, d->b + d->n, xi);
    for (size_t i = 0; d->options.tied && i < d->n; i++)
        z->x[i] = z->y[i] = (z->x[i] + z->y[i]) / 2.0;
    Status status = STATUS_OK;
    if (d->options.renormalise)
        status = renormalise(d, z->x, g->x, err);
    if (d->options.renormalise && status == STATUS_OK)
        status = renormalise(d, z->y, g->x, err);
    d->updates++;
    return status;
}
