#include "cli/golden_parts.h"

#include "cli/golden_operator.h"

GoldenPart golden_part(size_t i)
{
    static const GoldenOperator *const operators[] = {GOLDEN_PRODUCTS,  GOLDEN_NORMS,   GOLDEN_FUNCTIONS,
                                                      GOLDEN_POINTWISE, GOLDEN_SHAPES,  GOLDEN_LOSSES,
                                                      GOLDEN_SPECTRA,   GOLDEN_GUIDANCE};
    for (size_t k = 0; k < sizeof operators / sizeof operators[0]; k++)
        for (const GoldenOperator *o = operators[k]; o->name != NULL; o++)
            if (i-- == 0)
                return (GoldenPart){o->name, golden_operator_make, o};
    static const GoldenPart others[] = {
        {"random", golden_random_make, NULL},
        {"schedules", golden_schedules_make, NULL},
        {"samplers", golden_samplers_make, NULL},
        {"optimizers", golden_optimizers_make, NULL},
        {"ema", golden_ema_make, NULL},
        {"grad_clip", golden_grad_clip_make, NULL},
        {"lr_schedules", golden_lr_schedules_make, NULL},
    };
    const size_t count = sizeof others / sizeof others[0];
    return i < count ? others[i] : golden_network_part(i - count);
}
