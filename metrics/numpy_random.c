#include "metrics/numpy_random.h"

static uint32_t at_most(uint32_t highest, Mt19937 *generator)
{
    uint32_t mask = highest, value;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        value = mt19937_u32(generator) & mask;
    while (value > highest);
    return value;
}

void numpy_permutation(int *order, int n, Mt19937 *generator)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const uint32_t j = at_most((uint32_t)i, generator);
        const int kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
