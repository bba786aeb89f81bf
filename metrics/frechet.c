#include "metrics/frechet.h"

#include "nn/double_rows.h"
#include "nn/ranges.h"
#include "nn/symmetric_root.h"

typedef struct {
    const float *x;
    const double *centred; /* (n,d) */
    FeatureStatistics *s;
} CovarianceTask;

/* Rows begin ... end of the covariance, samples ascending: row i -= -(x_i - mu_i) (x - mu). */
static void covariance_rows(void *context, size_t begin, size_t end)
{
    const CovarianceTask *t = context;
    const size_t n = (size_t)t->s->n, d = (size_t)t->s->d;
    for (size_t k = 0; k < n; k++) {
        const double *x = t->centred + k * d;
        for (size_t i = begin; i < end; i++)
            double_rows()->update(t->s->covariance + i * d, -x[i], x, 0.0, x, d);
    }
    for (size_t i = begin * d; i < end * d; i++)
        t->s->covariance[i] /= (double)(n - 1);
}

static Status check_rows(const float *x, int n, int d, Error *err)
{
    if (n < 2 || d < 1)
        return error_set(err, STATUS_ARGUMENT,
                         "%d features of %d numbers, expected at least 2 of at least 1", n, d);
    for (size_t i = 0; i < (size_t)n * (size_t)d; i++)
        if (x[i] - x[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "feature %zu of %d is not finite", i / (size_t)d, n);
    return STATUS_OK;
}

Status feature_statistics(FeatureStatistics *out, const float *x, int n, int d, Arena *arena, Error *err)
{
    const Status status = check_rows(x, n, d, err);
    if (status != STATUS_OK)
        return status;
    FeatureStatistics s = {n, d, NULL, NULL};
    const size_t N = (size_t)n, D = (size_t)d;
    s.mean = arena_alloc(arena, D, sizeof(double));
    s.covariance = arena_alloc(arena, D, D * sizeof(double));
    const ArenaMark mark = arena_mark(arena);
    double *centred = arena_raw(arena, N, D * sizeof(double));
    if (s.mean == NULL || s.covariance == NULL || centred == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the covariance of %d numbers", d);
    for (size_t k = 0; k < N; k++)
        for (size_t i = 0; i < D; i++)
            s.mean[i] += (double)x[k * D + i];
    for (size_t i = 0; i < D; i++)
        s.mean[i] /= (double)n;
    for (size_t k = 0; k < N * D; k++)
        centred[k] = (double)x[k] - s.mean[k % D];
    CovarianceTask task = {x, centred, &s};
    parallel_ranges(D, 16, covariance_rows, &task);
    arena_release(arena, mark);
    *out = s;
    return STATUS_OK;
}

static double trace_of(const FeatureStatistics *s)
{
    double sum = 0.0;
    for (size_t i = 0; i < (size_t)s->d; i++)
        sum += s->covariance[i * (size_t)s->d + i];
    return sum;
}

Status frechet_distance(FrechetDistance *out, const FeatureStatistics *a, const FeatureStatistics *b,
                        Arena *scratch, Error *err)
{
    FrechetDistance f = {.trace1 = trace_of(a), .trace2 = trace_of(b)};
    if (a->d != b->d)
        return error_set(err, STATUS_SHAPE, "features of %d and of %d numbers", a->d, b->d);
    const Status status =
        product_root_trace(&f.trace_root, a->covariance, b->covariance, a->d, scratch, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < a->d; i++) {
        const double gap = a->mean[i] - b->mean[i];
        f.mean_part += gap * gap;
    }
    f.distance = f.mean_part + f.trace1 + f.trace2 - 2.0 * f.trace_root;
    *out = f;
    return STATUS_OK;
}
