#include "metrics/pairwise.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/sum.h"
#include "metrics/feature_distance.h"
#include "nn/ranges.h"

enum { ROWS = 32, DIGITS = 4, DIGIT_BITS = 16, DIGIT = 1 << DIGIT_BITS };

/* The search for the number at place `rank` of all in ascending order: its bits from above, 16 in a pass. (Doubles that are
 * not negative are in the order of their bits.) */
typedef struct {
    uint64_t rank, known; /* known: the digits found so far, as one number */
    uint64_t *count;      /* (DIGIT) of the next digit, among those that begin with the known ones */
} Search;

typedef struct {
    const float *x;
    size_t n, d, row; /* row: the first of the block */
    double *block;    /* (ROWS,n) distances; of row i those to j > i count */
    double *sum;      /* (n) of each row */
    Search middle[2];
    PairwiseDistances *out;
} Pairwise;

static void fill_rows(void *context, size_t begin, size_t end)
{
    const Pairwise *p = context;
    for (size_t k = begin; k < end; k++) {
        const size_t i = p->row + k;
        for (size_t j = i + 1; j < p->n; j++)
            p->block[k * p->n + j] = sqrt(feature_distance_squared(p->x + i * p->d, p->x + j * p->d, p->d));
    }
}

/* Puts the pair where it belongs among the first PAIRWISE_SHOWN; sign 1: the nearest, -1: the farthest. */
static void rank_pair(FeaturePair list[PAIRWISE_SHOWN], int shown, FeaturePair pair, double sign)
{
    int at = shown;
    if (at == PAIRWISE_SHOWN && !(sign * pair.distance < sign * list[--at].distance))
        return;
    for (; at > 0 && sign * list[at - 1].distance > sign * pair.distance; at--)
        list[at] = list[at - 1];
    list[at] = pair;
}

static void add_extremes(Pairwise *p, size_t i, const double *distance)
{
    PairwiseDistances *out = p->out;
    for (size_t j = i + 1; j < p->n; j++) {
        const FeaturePair pair = {(int)i, (int)j, distance[j]};
        rank_pair(out->nearest, out->shown, pair, 1.0);
        rank_pair(out->farthest, out->shown, pair, -1.0);
        out->shown += out->shown < PAIRWISE_SHOWN;
    }
    p->sum[i] = sum8_double(distance + i + 1, p->n - i - 1);
}

static void add_bins(Pairwise *p, size_t i, const double *distance)
{
    const double low = p->out->least, width = p->out->greatest - low;
    for (size_t j = i + 1; j < p->n; j++) {
        const double at = width > 0.0 ? (distance[j] - low) / width * PAIRWISE_BINS : 0.0;
        p->out->bin[at < PAIRWISE_BINS ? (int)at : PAIRWISE_BINS - 1]++;
    }
}

static void add_digits(Search *s, int pass, const double *distance, size_t count)
{
    const int below = DIGIT_BITS * (DIGITS - 1 - pass);
    for (size_t j = 0; j < count; j++) {
        const uint64_t bits = double_bits(distance[j]);
        if (pass == 0 || bits >> (below + DIGIT_BITS) == s->known)
            s->count[bits >> below & (DIGIT - 1)]++;
    }
}

/* The digit that the wanted number has, and its rank among those that have it too. */
static void next_digit(Search *s)
{
    uint64_t digit = 0;
    for (; s->rank >= s->count[digit]; digit++)
        s->rank -= s->count[digit];
    s->known = s->known << DIGIT_BITS | digit;
    memset(s->count, 0, DIGIT * sizeof *s->count);
}

static void run_pass(Pairwise *p, int pass)
{
    for (p->row = 0; p->row < p->n; p->row += ROWS) {
        const size_t rows = p->n - p->row < ROWS ? p->n - p->row : ROWS;
        parallel_ranges(rows, 1, fill_rows, p);
        for (size_t k = 0; k < rows; k++) {
            const size_t i = p->row + k;
            const double *distance = p->block + k * p->n;
            if (pass == 0)
                add_extremes(p, i, distance);
            else if (pass == 1)
                add_bins(p, i, distance);
            for (int m = 0; m < 2; m++)
                add_digits(&p->middle[m], pass, distance + i + 1, p->n - i - 1);
        }
    }
    for (int m = 0; m < 2; m++)
        next_digit(&p->middle[m]);
    if (pass == 0) {
        PairwiseDistances *out = p->out;
        out->least = out->nearest[0].distance;
        out->greatest = out->farthest[0].distance;
        out->mean = sum8_double(p->sum, p->n) / (double)out->pairs;
    }
}

static Status check(const float *x, int n, int d, Error *err)
{
    if (n < 2 || d < 1)
        return error_set(err, STATUS_ARGUMENT, "%d features of %d numbers, expected at least 2 of 1", n, d);
    for (size_t i = 0; i < (size_t)n * (size_t)d; i++)
        if (x[i] - x[i] != 0.0f)
            return error_set(err, STATUS_NOT_FINITE, "feature %zu of %d is not finite", i / (size_t)d, n);
    return STATUS_OK;
}

Status pairwise_distances(PairwiseDistances *out, const float *x, int n, int d, Arena *scratch, Error *err)
{
    Status status = check(x, n, d, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(scratch);
    const uint64_t pairs = (uint64_t)n * (uint64_t)(n - 1) / 2;
    PairwiseDistances result = {.pairs = pairs};
    Pairwise p = {.x = x, .n = (size_t)n, .d = (size_t)d, .out = &result};
    p.block = arena_raw(scratch, ROWS * (size_t)n, sizeof *p.block);
    p.sum = arena_raw(scratch, (size_t)n, sizeof *p.sum);
    bool memory = p.block != NULL && p.sum != NULL;
    for (int m = 0; m < 2; m++) {
        p.middle[m].rank = m == 0 ? (pairs - 1) / 2 : pairs / 2;
        p.middle[m].count = arena_alloc(scratch, DIGIT, sizeof *p.middle[m].count);
        memory = memory && p.middle[m].count != NULL;
    }
    for (int pass = 0; pass < DIGITS && memory; pass++)
        run_pass(&p, pass);
    result.median = 0.5 * (bits_double(p.middle[0].known) + bits_double(p.middle[1].known));
    if (memory)
        *out = result;
    else
        status = error_set(err, STATUS_MEMORY, "no memory for the distances of %d features", n);
    arena_release(scratch, mark);
    return status;
}

double particle_spread(const float *x, int n, int d)
{
    double lane[SUM_LANES] = {0};
    for (int k = 0; k < d && n > 1; k++) {
        double mean[SUM_LANES] = {0}, square[SUM_LANES] = {0};
        for (int i = 0; i < n; i++)
            mean[i % SUM_LANES] += (double)x[(size_t)i * (size_t)d + (size_t)k];
        const double centre = sum8_fold(mean) / n;
        for (int i = 0; i < n; i++) {
            const double gap = (double)x[(size_t)i * (size_t)d + (size_t)k] - centre;
            square[i % SUM_LANES] += gap * gap;
        }
        lane[k % SUM_LANES] += sum8_fold(square);
    }
    return n > 1 ? sum8_fold(lane) * n / d : 0.0;
}
