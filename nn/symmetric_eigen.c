#include "nn/symmetric_eigen.h"

#include <math.h>
#include <string.h>

#include "base/sort.h"
#include "nn/double_rows.h"
#include "nn/ranges.h"
#include "nn/tridiagonal.h"

typedef struct {
    size_t n;
    double *a;       /* (n,n): what is left to be made tridiagonal, both triangles */
    double *mirror;  /* (n,n): row k holds reflection k, v with v[0 ... k] = 0 */
    double *beta;    /* (n): H = 1 - beta v v^T; 0: no reflection */
    double *d, *e;   /* (n): the tridiagonal matrix */
    double *p;       /* (n) */
    double *vectors; /* (n,n), or NULL */
    Rotation *rotations;
    size_t *order; /* (2n) */
    double unit;   /* the power of two by which a was divided */
    size_t k;      /* the step of the tasks below */
} Eigen;

/* Copies the lower triangle to both, divided by a power of two so that the largest number is in [1, 2). */
static Status take_matrix(Eigen *t, const double *a, Error *err)
{
    const size_t n = t->n;
    double most = 0.0;
    int exponent = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            if (a[i * n + j] - a[i * n + j] != 0.0)
                return error_set(err, STATUS_NOT_FINITE, "the matrix holds %g in row %zu, column %zu",
                                 a[i * n + j], i, j);
            most = fabs(a[i * n + j]) > most ? fabs(a[i * n + j]) : most;
        }
    if (most > 0.0)
        frexp(most, &exponent);
    t->unit = ldexp(1.0, exponent - 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            t->a[i * n + j] = t->a[j * n + i] = ldexp(a[i * n + j], 1 - exponent);
    return STATUS_OK;
}

/* ---- tridiagonal ---- */

/* Reflection k: takes column k below the diagonal to alpha e_(k+1), by v = x - alpha e_(k+1). */
static void make_reflection(Eigen *t)
{
    const size_t n = t->n, k = t->k, first = k + 1;
    double *v = t->mirror + k * n;
    memset(v, 0, first * sizeof *v);
    for (size_t i = first; i < n; i++)
        v[i] = t->a[i * n + k];
    t->d[k] = t->a[k * n + k];
    const double rest = double_rows()->dot(v + first + 1, v + first + 1, n - first - 1);
    t->e[k] = v[first];
    t->beta[k] = 0.0;
    if (rest == 0.0 || v[first] * v[first] + rest < TRIDIAGONAL_NOTHING)
        return;
    const double size = sqrt(v[first] * v[first] + rest);
    t->e[k] = v[first] > 0.0 ? -size : size;
    v[first] -= t->e[k];
    t->beta[k] = 2.0 / (v[first] * v[first] + rest);
}

/* p = beta A v, rows begin ... end of what is left. */
static void multiply_rows(void *context, size_t begin, size_t end)
{
    const Eigen *t = context;
    const size_t n = t->n, first = t->k + 1;
    const double *v = t->mirror + t->k * n;
    for (size_t i = first + begin; i < first + end; i++)
        t->p[i] = t->beta[t->k] * double_rows()->dot(t->a + i * n + first, v + first, n - first);
}

/* A - v w^T - w v^T; w is in p. */
static void update_rows(void *context, size_t begin, size_t end)
{
    const Eigen *t = context;
    const size_t n = t->n, first = t->k + 1;
    const double *v = t->mirror + t->k * n;
    for (size_t i = first + begin; i < first + end; i++)
        double_rows()->update(t->a + i * n + first, v[i], t->p + first, t->p[i], v + first, n - first);
}

/* H A H = A - v w^T - w v^T,  p = beta A v,  w = p - (beta p.v / 2) v. */
static void make_tridiagonal(Eigen *t)
{
    const size_t n = t->n;
    for (t->k = 0; t->k + 2 < n; t->k++) {
        const size_t left = n - t->k - 1, grain = rows_per_task(left, RANGE_CHEAP);
        make_reflection(t);
        if (t->beta[t->k] == 0.0)
            continue;
        const double *v = t->mirror + t->k * n;
        parallel_ranges(left, grain, multiply_rows, t);
        const double half = 0.5 * t->beta[t->k] * double_rows()->dot(t->p + n - left, v + n - left, left);
        for (size_t i = n - left; i < n; i++)
            t->p[i] -= half * v[i];
        parallel_ranges(left, grain, update_rows, t);
    }
    for (size_t k = n > 2 ? n - 2 : 0; k < n; k++) {
        t->d[k] = t->a[k * n + k];
        t->e[k] = k + 1 < n ? t->a[(k + 1) * n + k] : 0.0;
    }
}

/* ---- vectors ---- */

/* Rows of the identity times H_(n-3) ... H_0: column i of H_0 ... H_(n-3), the start of vector i. */
static void reflect_rows(void *context, size_t begin, size_t end)
{
    const Eigen *t = context;
    const size_t n = t->n;
    memset(t->vectors + begin * n, 0, (end - begin) * n * sizeof *t->vectors);
    for (size_t i = begin; i < end; i++)
        t->vectors[i * n + i] = 1.0;
    for (size_t k = n > 2 ? n - 2 : 0; k-- > 0;) {
        const double *v = t->mirror + k * n;
        for (size_t i = begin; i < end; i++) {
            double *z = t->vectors + i * n;
            const double share = t->beta[k] * double_rows()->dot(v + k + 1, z + k + 1, n - k - 1);
            double_rows()->update(z + k + 1, share, v + k + 1, 0.0, v + k + 1, n - k - 1);
        }
    }
}

typedef struct {
    const Eigen *t;
    const Rotation *list;
    size_t count;
} RotateTask;

static void rotate_columns(void *context, size_t begin, size_t end)
{
    const RotateTask *task = context;
    const size_t n = task->t->n;
    for (size_t k = 0; k < task->count; k++) {
        const Rotation *r = &task->list[k];
        double *z = task->t->vectors + r->row * n + begin;
        double_rows()->rotate(z, z + n, r->c, r->s, end - begin);
    }
}

static void apply_rotations(void *context, const Rotation *list, size_t count)
{
    enum { COLUMNS = 64 }; /* so many of all rows stay in a cache */
    RotateTask task = {context, list, count};
    parallel_ranges(task.t->n, COLUMNS, rotate_columns, &task);
}

/* ---- all of it ---- */

static bool before(const void *context, size_t a, size_t b)
{
    const double *values = context;
    return values[a] < values[b];
}

static void put_in_order(double *values, double *vectors, Eigen *t)
{
    const size_t n = t->n;
    sort_order(t->order, t->order + n, n, before, t->d);
    for (size_t i = 0; i < n; i++) {
        values[i] = t->d[t->order[i]] * t->unit;
        if (vectors != NULL)
            memcpy(vectors + i * n, t->vectors + t->order[i] * n, n * sizeof *vectors);
    }
}

static Status make_room(Eigen *t, bool vectors, Arena *scratch, Error *err)
{
    enum { SWEEPS = 16 }; /* whose rotations are applied together */
    const size_t n = t->n;
    t->a = arena_raw(scratch, n * n, sizeof *t->a);
    t->mirror = arena_raw(scratch, n * n, sizeof *t->mirror);
    t->beta = arena_alloc(scratch, 4 * n, sizeof *t->beta);
    t->order = arena_raw(scratch, 2 * n, sizeof *t->order);
    if (t->a == NULL || t->mirror == NULL || t->beta == NULL || t->order == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the eigenvalues of a matrix of %zu rows", n);
    t->d = t->beta + n;
    t->e = t->d + n;
    t->p = t->e + n;
    if (!vectors)
        return STATUS_OK;
    t->rotations = arena_raw(scratch, SWEEPS * n, sizeof *t->rotations);
    t->vectors = t->a; /* which has served when the vectors begin */
    return t->rotations != NULL ? STATUS_OK
                                : error_set(err, STATUS_MEMORY, "no memory for %zu rotations", SWEEPS * n);
}

static Status run(double *values, double *vectors, Eigen *t, Error *err)
{
    make_tridiagonal(t);
    if (vectors != NULL)
        parallel_ranges(t->n, 16, reflect_rows, t);
    RotationList rotations = {
        .list = t->rotations, .room = 16 * t->n, .apply = apply_rotations, .context = t};
    if (!tridiagonal_eigen(t->d, t->e, t->n, &rotations))
        return error_set(err, STATUS_NOT_FINITE, "the eigenvalues of a matrix of %zu rows do not settle",
                         t->n);
    put_in_order(values, vectors, t);
    return STATUS_OK;
}

Status symmetric_eigen(double *values, double *vectors, const double *a, int n, Arena *scratch, Error *err)
{
    Eigen t = {.n = (size_t)n};
    if (n < 1 || n > EIGEN_LARGEST)
        return error_set(err, STATUS_ARGUMENT, "a matrix of %d rows, expected 1 to %d", n, EIGEN_LARGEST);
    const ArenaMark mark = arena_mark(scratch);
    Status status = make_room(&t, vectors != NULL, scratch, err);
    if (status == STATUS_OK)
        status = take_matrix(&t, a, err);
    if (status == STATUS_OK)
        status = run(values, vectors, &t, err);
    arena_release(scratch, mark);
    return status;
}

/* ---- products ---- */

typedef struct {
    double *c;
    const double *x, *y;
    size_t k, n;
} ProductTask;

static void product_rows(void *context, size_t begin, size_t end)
{
    const ProductTask *t = context;
    for (size_t j = 0; j < t->k; j++)
        for (size_t i = begin; i < end; i++)
            t->c[i * t->k + j] = double_rows()->dot(t->x + i * t->n, t->y + j * t->n, t->n);
}

void product_of_rows(double *c, const double *x, const double *y, int m, int k, int n)
{
    ProductTask task = {c, x, y, (size_t)k, (size_t)n};
    parallel_ranges((size_t)m, 8, product_rows, &task);
}
