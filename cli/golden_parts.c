/* cli/golden_parts.c - the parts of a golden set, in the order of index.json. */
#include "cli/golden_operator.h"

GoldenPart golden_part(size_t i)
{
    static const GoldenOperator *const operators[] = {GOLDEN_PRODUCTS,  GOLDEN_NORMS,  GOLDEN_FUNCTIONS,
                                                      GOLDEN_POINTWISE, GOLDEN_SHAPES, GOLDEN_LOSSES};
    for (size_t k = 0; k < sizeof operators / sizeof operators[0]; k++)
        for (const GoldenOperator *o = operators[k]; o->name != NULL; o++)
            if (i-- == 0)
                return (GoldenPart){o->name, golden_operator_make, o};
    return (GoldenPart){NULL, NULL, NULL};
}
