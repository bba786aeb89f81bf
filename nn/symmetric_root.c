#include "nn/symmetric_root.h"

#include <math.h>
#include <stdbool.h>

#include "nn/symmetric_eigen.h"

/* A matrix as V^T diag(values) V, and room for as much again. */
typedef struct {
    size_t n;
    double *values, *vectors, *across, *room, *more;
} Parts;

static Status take_apart(Parts *p, const double *a, int n, Arena *scratch, Error *err)
{
    const size_t N = n > 0 ? (size_t)n : 0;
    p->n = N;
    p->values = arena_raw(scratch, N, sizeof(double));
    p->vectors = arena_raw(scratch, N, N * sizeof(double));
    p->across = arena_raw(scratch, N, N * sizeof(double));
    p->room = arena_raw(scratch, N, N * sizeof(double));
    p->more = arena_raw(scratch, N, N * sizeof(double));
    if (p->values == NULL || p->vectors == NULL || p->across == NULL || p->room == NULL || p->more == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the root of a matrix of %d rows", n);
    return symmetric_eigen(p->values, p->vectors, a, n, scratch, err);
}

static double root_of(double value)
{
    return value > 0.0 ? sqrt(value) : 0.0;
}

/* V^T diag(sign: root, or 1 / root) V. */
static void put_together(double *out, Parts *p, bool inverse)
{
    const size_t n = p->n;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            const double root = root_of(p->values[k]), v = p->vectors[k * n + i];
            p->across[i * n + k] = v;
            p->room[i * n + k] = inverse ? v / root : v * root;
        }
    product_of_rows(out, p->room, p->across, (int)n, (int)n, (int)n);
}

Status symmetric_root(double *root, const double *a, int n, Arena *scratch, Error *err)
{
    Parts p;
    const ArenaMark mark = arena_mark(scratch);
    const Status status = take_apart(&p, a, n, scratch, err);
    if (status == STATUS_OK)
        put_together(root, &p, false);
    arena_release(scratch, mark);
    return status;
}

static void copy_lower(double *b, const double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            b[i * n + j] = b[j * n + i] = a[i * n + j];
}

/* c = a b for symmetric b (both triangles). */
static void multiply(double *c, const double *a, const double *b, size_t n)
{
    product_of_rows(c, a, b, (int)n, (int)n, (int)n);
}

Status product_root(double *root, const double *a, const double *b, int n, Arena *scratch, Error *err)
{
    Parts p;
    const ArenaMark mark = arena_mark(scratch);
    Status status = take_apart(&p, a, n, scratch, err);
    const size_t N = p.n;
    if (status == STATUS_OK && !(p.values[0] > 0x1p-52 * p.values[N - 1]))
        status = error_set(err, STATUS_ARGUMENT,
                           "the first matrix of the product is singular: eigenvalues from %g to %g",
                           p.values[0], p.values[N - 1]);
    double *half = arena_raw(scratch, N, N * sizeof *half),
           *inverse = arena_raw(scratch, N, N * sizeof *inverse);
    if (status == STATUS_OK && (half == NULL || inverse == NULL))
        status = error_set(err, STATUS_MEMORY, "no memory for the root of a product of %d rows", n);
    if (status == STATUS_OK) {
        put_together(half, &p, false);
        put_together(inverse, &p, true);
        copy_lower(p.more, b, N);
        multiply(p.room, half, p.more, N); /* A^1/2 B */
        multiply(p.more, p.room, half, N); /* A^1/2 B A^1/2 */
        status = symmetric_root(p.across, p.more, n, scratch, err);
    }
    if (status == STATUS_OK) {
        multiply(p.room, half, p.across, N);
        multiply(root, p.room, inverse, N);
    }
    arena_release(scratch, mark);
    return status;
}

Status product_root_trace(double *trace, const double *a, const double *b, int n, Arena *scratch,
                          Error *err)
{
    Parts p;
    const ArenaMark mark = arena_mark(scratch);
    Status status = take_apart(&p, a, n, scratch, err);
    const size_t N = p.n;
    if (status == STATUS_OK) {
        copy_lower(p.across, b, N);
        multiply(p.room, p.vectors, p.across, N);
        product_of_rows(p.more, p.room, p.vectors, n, n, n);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++)
                p.more[i * N + j] *= root_of(p.values[i]) * root_of(p.values[j]);
        status = symmetric_eigen(p.values, NULL, p.more, n, scratch, err);
    }
    if (status == STATUS_OK) {
        *trace = 0.0;
        for (size_t i = 0; i < N; i++)
            *trace += root_of(p.values[i]);
    }
    arena_release(scratch, mark);
    return status;
}
