#include "nn/tridiagonal.h"

#include <math.h>

const double TRIDIAGONAL_NOTHING = 0x1p-900;

static void flush(RotationList *r)
{
    if (r->count > 0)
        r->apply(r->context, r->list, r->count);
    r->count = 0;
}

static void add(RotationList *r, size_t row, double c, double s)
{
    if (r->list == NULL)
        return;
    r->list[r->count++] = (Rotation){row, c, s};
    if (r->count == r->room)
        flush(r);
}

/* The end of the block that begins at l: the first number beside the diagonal that is nothing beside its neighbours, or
 * beside `norm`. */
static size_t block_end(const double *d, const double *e, size_t l, size_t n, double norm)
{
    size_t m = l;
    for (; m + 1 < n; m++) {
        const double size = fabs(d[m]) + fabs(d[m + 1]);
        if (fabs(e[m]) + size == size || fabs(e[m]) + norm == norm)
            break;
    }
    return m;
}

/* One sweep over the block l ... m with Wilkinson's shift. */
static void sweep(double *d, double *e, size_t l, size_t m, RotationList *rotations)
{
    double g = (d[l + 1] - d[l]) / (2.0 * e[l]), r = sqrt(g * g + 1.0);
    g = d[m] - d[l] + e[l] / (g < 0.0 ? g - r : g + r);
    double s = 1.0, c = 1.0, p = 0.0;
    for (size_t i = m; i-- > l;) {
        const double f = s * e[i], b = c * e[i];
        r = f * f + g * g < TRIDIAGONAL_NOTHING ? 0.0 : sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0.0) { /* the bulge is gone: the block falls apart here */
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        add(rotations, i, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

bool tridiagonal_eigen(double *d, double *e, size_t n, RotationList *rotations)
{
    enum { SWEEPS = 60 }; /* two are usual */
    double norm = 0.0;
    if (n > 0)
        e[n - 1] = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double size = fabs(d[i]) + fabs(e[i]);
        norm = size > norm ? size : norm;
    }
    for (size_t l = 0; l < n; l++)
        for (int k = 0;; k++) {
            const size_t m = block_end(d, e, l, n, k < SWEEPS ? 0.0 : norm);
            if (m == l)
                break;
            if (k == 2 * SWEEPS)
                return false;
            sweep(d, e, l, m, rotations);
        }
    flush(rotations);
    return true;
}
