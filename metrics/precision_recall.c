#include "metrics/precision_recall.h"

#include <math.h>
#include <string.h>

#include "metrics/feature_distance.h"
#include "nn/ranges.h"

enum { NEAREST = 64 };

typedef struct {
    const float *x;
    double *radius; /* (n) squared */
    size_t n;
} Points;

typedef struct {
    Points own, other; /* the balls are own's */
    size_t d, k;
    unsigned char *inside; /* (other.n) */
} Balls;

static void find_radii(void *context, size_t begin, size_t end)
{
    const Balls *t = context;
    for (size_t i = begin; i < end; i++) {
        double nearest[NEAREST] = {0}; /* ascending, the k nearest so far */
        size_t have = 0;
        for (size_t j = 0; j < t->own.n; j++) {
            const double r = feature_distance_squared(t->own.x + i * t->d, t->own.x + j * t->d, t->d);
            if (j == i || (have == t->k && !(r < nearest[have - 1])))
                continue;
            size_t at = have < t->k ? have++ : have - 1;
            for (; at > 0 && nearest[at - 1] > r; at--)
                nearest[at] = nearest[at - 1];
            nearest[at] = r;
        }
        t->own.radius[i] = nearest[t->k - 1];
    }
}

static void find_inside(void *context, size_t begin, size_t end)
{
    const Balls *t = context;
    for (size_t i = begin; i < end; i++) {
        t->inside[i] = 0;
        for (size_t j = 0; j < t->own.n && !t->inside[i]; j++)
            t->inside[i] =
                feature_distance_squared(t->other.x + i * t->d, t->own.x + j * t->d, t->d) <= t->own.radius[j];
    }
}

/* Share of `other` inside the balls of `own`. */
static double covered(Balls *t)
{
    size_t count = 0;
    parallel_ranges(t->own.n, 8, find_radii, t);
    parallel_ranges(t->other.n, 8, find_inside, t);
    for (size_t i = 0; i < t->other.n; i++)
        count += t->inside[i];
    return (double)count / (double)t->other.n;
}

static Status check(const float *x, int n, int d, int k, Error *err)
{
    if (k < 1 || k > NEAREST || n <= k || d < 1)
        return error_set(err, STATUS_ARGUMENT,
                         "%d features of %d numbers and neighbour %d, expected more features than that", n,
                         d, k);
    for (size_t i = 0; i < (size_t)n * (size_t)d; i++)
        if (x[i] - x[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "feature %zu of %d is not finite", i / (size_t)d, n);
    return STATUS_OK;
}

Status precision_recall(PrecisionRecall *out, const float *generated, int n1, const float *real, int n2,
                        int d, int k, Arena *scratch, Error *err)
{
    Status status = check(generated, n1, d, k, err);
    if (status == STATUS_OK)
        status = check(real, n2, d, k, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(scratch);
    const size_t most = (size_t)(n1 > n2 ? n1 : n2);
    double *radius = arena_raw(scratch, most, sizeof *radius);
    unsigned char *inside = arena_raw(scratch, most, 1);
    const Points g = {generated, radius, (size_t)n1}, r = {real, radius, (size_t)n2};
    if (radius != NULL && inside != NULL) {
        Balls of_real = {r, g, (size_t)d, (size_t)k, inside},
              of_generated = {g, r, (size_t)d, (size_t)k, inside};
        out->precision = covered(&of_real);
        out->recall = covered(&of_generated);
        const double sum = out->precision + out->recall;
        out->f_score = 2.0 * out->precision * out->recall / (sum > 1e-5 ? sum : 1e-5);
    } else {
        status = error_set(err, STATUS_MEMORY, "no memory for the distances of %zu features", most);
    }
    arena_release(scratch, mark);
    return status;
}
