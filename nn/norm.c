#include "nn/norm.h"

#include "base/isa.h"
#include "base/sum.h"

extern const NormTable norm_table_base, norm_table_avx2, norm_table_avx512;

const NormTable *norm_table(void)
{
#if ISA_LEVELS > 1
    static const NormTable *const tables[] = {&norm_table_base, &norm_table_avx2, &norm_table_avx512};
    return tables[isa_level()];
#else
    return &norm_table_base;
#endif
}

Moments moments_of(const float *x, size_t n, double eps)
{
    const double mean = sum8(x, n) / (double)n;
    const double variance = sum8_squares(x, n, mean) / (double)n;
    return (Moments){mean, 1.0 / sqrt(variance + eps)};
}

void norm_add_samples(float *dgamma, float *dbeta, const NormSums *sums, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++) {
            const float g = (float)sums[n * C + c].hx, b = (float)sums[n * C + c].h;
            if (dgamma != NULL)
                dgamma[c] = dgamma[c] + g;
            if (dbeta != NULL)
                dbeta[c] = dbeta[c] + b;
        }
}
