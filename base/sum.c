#include "base/sum.h"

#include "base/isa.h"

extern const SumTable sum_table_base, sum_table_avx2, sum_table_avx512;

static const SumTable *table(void)
{
#if ISA_LEVELS > 1
    static const SumTable *const tables[] = {&sum_table_base, &sum_table_avx2, &sum_table_avx512};
    return tables[isa_level()];
#else
    return &sum_table_base;
#endif
}

double sum8(const float *x, size_t n)
{
    return table()->plain(x, n);
}

double sum8_squares(const float *x, size_t n, double centre)
{
    return table()->squares(x, n, centre);
}

double sum8_dot(const float *x, const float *y, size_t n)
{
    return table()->dot(x, y, n);
}

double sum8_double(const double *x, size_t n)
{
    return table()->wide(x, n);
}
