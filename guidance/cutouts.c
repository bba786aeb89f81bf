#include "guidance/cutouts.h"

#include "base/elementary64.h"
#include "nn/concat.h"
#include "nn/resample.h"

const CutoutOptions CUTOUT_DEFAULTS = {.count = 16, .power = 0.3};

Status cutouts_check(const CutoutOptions *o, Error *err)
{
    if (o->count < 0 || o->count > CUTOUTS_MAX)
        return error_set(err, STATUS_ARGUMENT, "%d crops of a picture, expected 0 to %d", o->count,
                         CUTOUTS_MAX);
    if (!(o->power >= 0.0 && o->power <= 100.0))
        return error_set(err, STATUS_ARGUMENT, "power %g of the crops' sizes, expected 0 to 100", o->power);
    if (o->least < 0)
        return error_set(err, STATUS_ARGUMENT, "crops of at least %d pixels", o->least);
    return STATUS_OK;
}

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

void cutouts_draw(Cutout *out, const CutoutOptions *o, int side, int height, int width, Rng *rng)
{
    const int most = least_of(height, width), least = least_of(most, o->least > 0 ? o->least : side);
    for (int i = 0; i < o->count; i++) {
        const double u = (double)rng_uniform(rng);
        const int size = (int)(pow_f64(u, o->power) * (double)(most - least) + (double)least);
        out[i].size = least_of(size, most);
        out[i].top = (int)rng_below(rng, (uint32_t)(height - out[i].size + 1));
        out[i].left = (int)rng_below(rng, (uint32_t)(width - out[i].size + 1));
    }
}

Tensor *cutouts_pool(Tape *tape, Tensor *x, const Cutout *cutout, int count, int side)
{
    Tensor **parts = tape_alloc(tape, (size_t)count, sizeof *parts);
    if (x == NULL || parts == NULL)
        return NULL;
    for (int i = 0; i < count; i++) {
        const Cutout *c = &cutout[i];
        Tensor *rows = slice(tape, x, 2, c->top, c->size);
        parts[i] = adaptive_average_pool(tape, slice(tape, rows, 3, c->left, c->size), side, side);
    }
    return count == 1 ? parts[0] : concat(tape, parts, count, 0);
}

Tensor *cutouts_of(Tape *tape, Tensor *x, const CutoutOptions *o, int side, Rng *rng)
{
    if (x == NULL)
        return NULL;
    if (x->rank != 4)
        return tape_fail(tape, STATUS_SHAPE, "crops of something that is no picture (1,C,H,W)");
    const int H = x->dim[2], W = x->dim[3];
    if (o->count == 0)
        return H == side && W == side ? x : bilinear(tape, x, side, side);
    Cutout *cutout = tape_alloc(tape, (size_t)o->count, sizeof *cutout);
    if (cutout == NULL)
        return NULL;
    cutouts_draw(cutout, o, side, H, W, rng);
    bool whole = H == W;
    for (int i = 0; i < o->count; i++)
        whole = whole && cutout[i].size == H;
    return cutouts_pool(tape, x, cutout, whole ? 1 : o->count, side);
}
