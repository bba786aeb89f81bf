#include "nn/position_sum.h"

#include "base/isa.h"
#include "base/sum.h"
#include "base/sum_inline.h"
#include "nn/ranges.h"

extern const PositionSumTable position_sum_table_base, position_sum_table_avx2, position_sum_table_avx512;

static const PositionSumTable *table(void)
{
#if ISA_LEVELS > 1
    static const PositionSumTable *const tables[] = {&position_sum_table_base, &position_sum_table_avx2,
                                                     &position_sum_table_avx512};
    return tables[isa_level()];
#else
    return &position_sum_table_base;
#endif
}

typedef struct {
    float *y;
    const float *x;
    const PositionSum *shape;
} SumTask;

/* One element whose positions lie in sum0 runs of sum1 numbers, `stride` apart. */
static double runs_sum(const float *x, size_t runs, size_t length, size_t stride)
{
    double s[SUM_LANES] = {0};
    size_t i = 0;
    if (runs == 1)
        return sum8(x, length);
    for (size_t r = 0; r < runs; r++)
        for (size_t k = 0; k < length; k++, i++)
            s[i % SUM_LANES] += (double)x[r * stride + k];
    return sum8_fold(s);
}

/* Sums of `n` elements that are neighbours in keep1, n <= COLUMN_BLOCK; x is the first one's first number. */
static void block_sums(double *sum, const float *x, size_t n, const PositionSum *s)
{
    const size_t stride = s->keep1 * s->sum1;
    if (s->sum1 == 1) {
        table()->columns(sum, x, s->sum0, stride, n);
        return;
    }
    for (size_t c = 0; c < n; c++)
        sum[c] = runs_sum(x + c * s->sum1, s->sum0, s->sum1, stride);
}

/* Outputs begin <= i < end of y. */
static void sum_range(void *context, size_t begin, size_t end)
{
    const SumTask *t = context;
    const PositionSum *s = t->shape;
    const size_t sample = s->keep0 * s->sum0 * s->keep1 * s->sum1;
    const size_t inside = s->sum0 * s->keep1 * s->sum1; /* of one keep0 */
    for (size_t at = begin; at < end;) {
        const size_t column = at % s->keep1, rest = s->keep1 - column;
        size_t n = rest < end - at ? rest : end - at;
        n = n < COLUMN_BLOCK ? n : COLUMN_BLOCK;
        const float *x = t->x + at / s->keep1 * inside + column * s->sum1;
        double sum[COLUMN_BLOCK];
        for (size_t k = 0; k < (s->add_samples ? s->samples : 1); k++) {
            block_sums(sum, x + k * sample, n, s);
            for (size_t c = 0; c < n; c++) {
                const float rounded = (float)(s->divisor != 0.0 ? sum[c] / s->divisor : sum[c]);
                t->y[at + c] = s->add_samples ? t->y[at + c] + rounded : rounded;
            }
        }
        at += n;
    }
}

void position_sum(float *y, const float *x, const PositionSum *shape)
{
    SumTask task = {y, x, shape};
    const size_t kept = shape->keep0 * shape->keep1;
    const size_t each = shape->sum0 * shape->sum1 * (shape->add_samples ? shape->samples : 1);
    const size_t grain = rows_per_task(each, 2 * RANGE_CHEAP);
    const size_t blocks = (grain - 1) / COLUMN_BLOCK + 1; /* whole blocks, for the columns' sake */
    parallel_ranges(shape->add_samples ? kept : shape->samples * kept,
                    shape->sum1 == 1 ? blocks * COLUMN_BLOCK : grain, sum_range, &task);
}
