#include "metrics/feature_sums.h"

#include "nn/ranges.h"

size_t feature_sums_products(int d)
{
    return (size_t)d * ((size_t)d + 1) / 2;
}

Status feature_sums_new(FeatureSums *out, int d, Arena *arena, Error *err)
{
    if (d < 1 || d > FEATURE_SUMS_WIDTH)
        return error_set(err, STATUS_ARGUMENT, "features of %d numbers, expected 1 to %d", d,
                         FEATURE_SUMS_WIDTH);
    FeatureSums sums = {.d = d};
    sums.sum = arena_alloc(arena, (size_t)d, sizeof *sums.sum);
    sums.product = arena_alloc(arena, feature_sums_products(d), sizeof *sums.product);
    if (sums.sum == NULL || sums.product == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the sums of features of %d numbers", d);
    *out = sums;
    return STATUS_OK;
}

typedef struct {
    FeatureSums *sums;
    const ExactFactor *x; /* (n,d) */
    size_t n;
} Adding;

/* S_i and S_ij of begin <= i < end, all samples to one row of sums before the next. */
static void add_rows(void *context, size_t begin, size_t end)
{
    const Adding *t = context;
    const size_t d = (size_t)t->sums->d;
    for (size_t i = begin; i < end; i++) {
        ExactSum *row = t->sums->product + i * (i + 1) / 2;
        for (size_t k = 0; k < t->n; k++) {
            const ExactFactor *x = t->x + k * d;
            if (x[i].mantissa == 0)
                continue;
            exact_add(t->sums->sum + i, x[i], EXACT_UNIT);
            for (size_t j = 0; j <= i; j++)
                if (x[j].mantissa != 0)
                    exact_add(row + j, x[i], x[j]);
        }
    }
}

Status feature_sums_add(FeatureSums *sums, const float *x, int n, Arena *scratch, Error *err)
{
    const size_t d = (size_t)sums->d, numbers = (size_t)n * d;
    if (n < 0 || sums->n + (uint64_t)n > INT32_MAX)
        return error_set(err, STATUS_ARGUMENT, "more than %d features", INT32_MAX);
    for (size_t i = 0; i < numbers; i++)
        if (x[i] - x[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "feature %zu of %d is not finite", i / d, n);
    const ArenaMark mark = arena_mark(scratch);
    ExactFactor *factor = arena_raw(scratch, numbers, sizeof *factor);
    if (factor == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d features", n);
    for (size_t i = 0; i < numbers; i++)
        factor[i] = exact_factor(x[i]);
    if (sums->waiting + (uint64_t)n >= EXACT_WAIT)
        feature_sums_carry(sums);
    Adding task = {sums, factor, (size_t)n};
    parallel_ranges(d, 8, add_rows, &task);
    sums->n += (uint64_t)n;
    sums->waiting += (uint64_t)n;
    arena_release(scratch, mark);
    return STATUS_OK;
}

void feature_sums_carry(FeatureSums *sums)
{
    for (size_t i = 0; i < (size_t)sums->d; i++)
        exact_carry(sums->sum + i);
    for (size_t i = 0; i < feature_sums_products(sums->d); i++)
        exact_carry(sums->product + i);
    sums->waiting = 0;
}

Status feature_sums_join(FeatureSums *to, const FeatureSums *from, Error *err)
{
    if (to->d != from->d)
        return error_set(err, STATUS_SHAPE, "features of %d and of %d numbers", to->d, from->d);
    if (to->n + from->n > INT32_MAX)
        return error_set(err, STATUS_ARGUMENT, "more than %d features", INT32_MAX);
    for (size_t i = 0; i < (size_t)to->d; i++)
        exact_join(to->sum + i, from->sum + i);
    for (size_t i = 0; i < feature_sums_products(to->d); i++)
        exact_join(to->product + i, from->product + i);
    to->n += from->n;
    return STATUS_OK;
}

typedef struct {
    const FeatureSums *sums;
    FeatureStatistics *s;
} Finishing;

static void finish_rows(void *context, size_t begin, size_t end)
{
    const Finishing *t = context;
    const FeatureSums *sums = t->sums;
    const size_t d = (size_t)sums->d;
    const double n = (double)sums->n, pairs = n * (n - 1.0);
    for (size_t i = begin; i < end; i++) {
        t->s->mean[i] = exact_value(sums->sum + i, -149) / n;
        for (size_t j = 0; j <= i; j++) {
            const double size = exact_difference(sums->product + i * (i + 1) / 2 + j, (uint32_t)sums->n,
                                                 sums->sum + i, sums->sum + j, -298);
            t->s->covariance[i * d + j] = t->s->covariance[j * d + i] = size / pairs;
        }
    }
}

Status feature_sums_statistics(FeatureStatistics *out, FeatureSums *sums, Arena *arena, Error *err)
{
    const size_t d = (size_t)sums->d;
    if (sums->n < 2)
        return error_set(err, STATUS_ARGUMENT, "%d features, expected at least 2", (int)sums->n);
    FeatureStatistics s = {(int)sums->n, sums->d, NULL, NULL};
    s.mean = arena_raw(arena, d, sizeof *s.mean);
    s.covariance = arena_raw(arena, d, d * sizeof *s.covariance);
    if (s.mean == NULL || s.covariance == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the covariance of %d numbers", sums->d);
    feature_sums_carry(sums);
    Finishing task = {sums, &s};
    parallel_ranges(d, 8, finish_rows, &task);
    *out = s;
    return STATUS_OK;
}
