#include "metrics/inception_score.h"

#include <math.h>

#include "base/elementary64.h"
#include "metrics/numpy_random.h"

/* p = softmax(logits) and its logarithm. */
static void softmax_of(double *p, double *log_p, const float *logits, int classes)
{
    double most = (double)logits[0], sum = 0.0;
    for (int c = 1; c < classes; c++)
        most = (double)logits[c] > most ? (double)logits[c] : most;
    for (int c = 0; c < classes; c++) {
        p[c] = exp_f64((double)logits[c] - most);
        sum += p[c];
    }
    const double log_sum = log_f64(sum);
    for (int c = 0; c < classes; c++) {
        p[c] /= sum;
        log_p[c] = (double)logits[c] - most - log_sum;
    }
}

/* Of samples begin ... end of the order: sum_c p (log p - log q), q the mean p. */
static double part_score(const float *logits, const int *order, int begin, int end, int classes,
                         double *room)
{
    double *p = room, *log_p = room + classes, *q = room + 2 * classes, sum = 0.0;
    for (int c = 0; c < classes; c++)
        q[c] = 0.0;
    for (int i = begin; i < end; i++) {
        softmax_of(p, log_p, logits + (size_t)order[i] * (size_t)classes, classes);
        for (int c = 0; c < classes; c++) {
            q[c] += p[c];
            sum += p[c] > 0.0 ? p[c] * log_p[c] : 0.0;
        }
    }
    const double n = end - begin;
    for (int c = 0; c < classes; c++)
        sum -= q[c] > 0.0 ? q[c] * log_f64(q[c] / n) : 0.0;
    return exp_f64(sum / n);
}

static void put_in_order(int *order, int n, const unsigned *seed)
{
    Mt19937 generator;
    for (int i = 0; i < n; i++)
        order[i] = i;
    if (seed == NULL)
        return;
    mt19937_seed(&generator, *seed);
    numpy_permutation(order, n, &generator);
}

Status inception_score(InceptionScore *out, const float *logits, int n, int classes, int splits,
                       const unsigned *seed, Arena *scratch, Error *err)
{
    if (n < 1 || classes < 1 || splits < 1 || splits > n)
        return error_set(err, STATUS_ARGUMENT, "%d samples of %d classes in %d parts", n, classes, splits);
    for (size_t i = 0; i < (size_t)n * (size_t)classes; i++)
        if (logits[i] - logits[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "sample %zu of %d is not finite", i / (size_t)classes,
                             n);
    const ArenaMark mark = arena_mark(scratch);
    int *order = arena_raw(scratch, (size_t)n, sizeof *order);
    double *room = arena_raw(scratch, 3 * (size_t)classes + (size_t)splits, sizeof *room);
    Status status = STATUS_OK;
    if (order != NULL && room != NULL) {
        double *score = room + 3 * (size_t)classes, mean = 0.0, square = 0.0;
        put_in_order(order, n, seed);
        for (int k = 0; k < splits; k++) {
            const int begin = (int)((long long)k * n / splits), end = (int)((k + 1LL) * n / splits);
            score[k] = part_score(logits, order, begin, end, classes, room);
            mean += score[k] / splits;
        }
        for (int k = 0; k < splits; k++)
            square += (score[k] - mean) * (score[k] - mean) / splits;
        *out = (InceptionScore){mean, sqrt(square)};
    } else {
        status = error_set(err, STATUS_MEMORY, "no memory for %d samples of %d classes", n, classes);
    }
    arena_release(scratch, mark);
    return status;
}
