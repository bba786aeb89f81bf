#include "metrics/kernel_distance.h"

#include <math.h>

#include "base/elementary64.h"
#include "metrics/numpy_random.h"
#include "nn/double_rows.h"
#include "nn/ranges.h"

const KernelDistanceOptions KERNEL_DISTANCE_DEFAULTS = {
    .degree = 3, .coef0 = 1.0, .subsets = 100, .size = 1000, .seed = 2020};

/* The features of one subset, x before y, and the sums of kernels of each row. */
typedef struct {
    const KernelDistanceOptions *options;
    size_t m, d;
    double *rows;   /* (2m,d) */
    double *square; /* (2m) |row|^2 */
    double *own;    /* (2m) kernels with the others of the same set */
    double *cross;  /* (m) kernels of x_i with all y */
} Subset;

static double kernel(const Subset *s, size_t i, size_t j)
{
    const KernelDistanceOptions *o = s->options;
    const double dot = double_rows()->dot(s->rows + i * s->d, s->rows + j * s->d, s->d);
    if (o->sigma > 0.0)
        return exp_f64(-(s->square[i] + s->square[j] - 2.0 * dot) / (2.0 * o->sigma * o->sigma));
    const double base = (o->gamma != 0.0 ? dot * o->gamma : dot / (double)s->d) + o->coef0;
    double power = base;
    for (int k = 1; k < o->degree; k++)
        power *= base;
    return power;
}

static void sum_rows(void *context, size_t begin, size_t end)
{
    const Subset *s = context;
    for (size_t i = begin; i < end; i++) {
        const size_t first = i < s->m ? 0 : s->m;
        double own = 0.0, cross = 0.0;
        for (size_t j = first; j < first + s->m; j++)
            own += j != i ? kernel(s, i, j) : 0.0;
        for (size_t j = s->m; i < s->m && j < 2 * s->m; j++)
            cross += kernel(s, i, j);
        s->own[i] = own;
        if (i < s->m)
            s->cross[i] = cross;
    }
}

static double estimate(Subset *s)
{
    double own = 0.0, cross = 0.0;
    const double m = (double)s->m;
    for (size_t i = 0; i < 2 * s->m; i++)
        s->square[i] = double_rows()->dot(s->rows + i * s->d, s->rows + i * s->d, s->d);
    parallel_ranges(2 * s->m, 4, sum_rows, s);
    for (size_t i = 0; i < 2 * s->m; i++)
        own += s->own[i];
    for (size_t i = 0; i < s->m; i++)
        cross += s->cross[i];
    return own / (m * (m - 1.0)) - 2.0 * cross / (m * m);
}

static void take_rows(double *out, const float *x, const int *order, size_t m, size_t d)
{
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < d; k++)
            out[i * d + k] = (double)x[(size_t)order[i] * d + k];
}

static Status check(const float *x, int n, int d, int size, const KernelDistanceOptions *o, Error *err)
{
    if (o->degree < 1 || o->degree > 16 || o->subsets < 0 || !(o->sigma >= 0.0))
        return error_set(err, STATUS_ARGUMENT, "a kernel of degree %d and width %g, %d subsets", o->degree,
                         o->sigma, o->subsets);
    if (d < 1 || size < 2 || size > n)
        return error_set(err, STATUS_ARGUMENT, "subsets of %d of %d features, expected 2 to all", size, n);
    for (size_t i = 0; i < (size_t)n * (size_t)d; i++)
        if (x[i] - x[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "feature %zu of %d is not finite", i / (size_t)d, n);
    return STATUS_OK;
}

/* Mean and deviation of the estimates of `count` subsets. */
static KernelDistance moments(const double *value, int count)
{
    KernelDistance k = {0.0, 0.0};
    for (int i = 0; i < count; i++)
        k.mean += value[i];
    k.mean /= count;
    for (int i = 0; i < count; i++)
        k.deviation += (value[i] - k.mean) * (value[i] - k.mean);
    k.deviation = sqrt(k.deviation / count);
    return k;
}

static void run(KernelDistance *out, int *first, const float *x, int n1, const float *y, int n2, Subset *s,
                int *order, double *value)
{
    const int count = s->options->subsets > 0 ? s->options->subsets : 1;
    Mt19937 generator;
    mt19937_seed(&generator, s->options->seed);
    for (int k = 0; k < count; k++)
        for (int side = 0; side < 2; side++) {
            const int n = side == 0 ? n1 : n2;
            for (int i = 0; i < n; i++)
                order[i] = i;
            if (s->options->subsets > 0)
                numpy_permutation(order, n, &generator);
            for (size_t i = 0; k == 0 && first != NULL && i < s->m; i++)
                first[(size_t)side * s->m + i] = order[i];
            take_rows(s->rows + (size_t)side * s->m * s->d, side == 0 ? x : y, order, s->m, s->d);
            if (side == 1)
                value[k] = estimate(s);
        }
    *out = moments(value, count);
}

Status kernel_distance(KernelDistance *out, int *first, const float *x, int n1, const float *y, int n2,
                       int d, const KernelDistanceOptions *options, Arena *scratch, Error *err)
{
    const int smaller = n1 < n2 ? n1 : n2, size = options->subsets > 0 ? options->size : smaller;
    Status status = check(x, n1, d, size, options, err);
    if (status == STATUS_OK)
        status = check(y, n2, d, size, options, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(scratch);
    Subset s = {.options = options, .m = (size_t)size, .d = (size_t)d};
    s.rows = arena_raw(scratch, 2 * s.m, s.d * sizeof *s.rows);
    s.square = arena_raw(scratch, 5 * s.m, sizeof *s.square);
    int *order = arena_raw(scratch, (size_t)(n1 > n2 ? n1 : n2), sizeof *order);
    double *value = arena_raw(scratch, (size_t)options->subsets + 1, sizeof *value);
    if (s.rows != NULL && s.square != NULL && order != NULL && value != NULL) {
        s.own = s.square + 2 * s.m;
        s.cross = s.own + 2 * s.m;
        run(out, first, x, n1, y, n2, &s, order, value);
    } else {
        status = error_set(err, STATUS_MEMORY, "no memory for subsets of %d features", size);
    }
    arena_release(scratch, mark);
    return status;
}
