#include "base/isa.h"
#include "base/sum.h"
#include "base/sum_inline.h"

extern const SumTable ISA_TABLE(sum_table);
const SumTable ISA_TABLE(sum_table) = {
    .plain = sum8_inline,
    .squares = sum8_squares_inline,
    .dot = sum8_dot_inline,
    .wide = sum8_double_inline,
};
