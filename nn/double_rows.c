#include "nn/double_rows.h"

#include "base/isa.h"

extern const DoubleRows double_rows_table_base, double_rows_table_avx2, double_rows_table_avx512;

const DoubleRows *double_rows(void)
{
#if ISA_LEVELS > 1
    static const DoubleRows *const tables[] = {&double_rows_table_base, &double_rows_table_avx2,
                                               &double_rows_table_avx512};
    return tables[isa_level()];
#else
    return &double_rows_table_base;
#endif
}
