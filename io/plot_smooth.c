#include "io/plot_smooth.h"

#include <math.h>

void plot_smooth(double *out, const double *y, size_t count, size_t reach)
{
    for (size_t i = 0; i < count; i++) {
        const size_t first = i > reach ? i - reach : 0,
                     last = count - 1 - i > reach ? i + reach : count - 1;
        double sum = 0;
        size_t finite = 0;
        for (size_t k = first; k <= last; k++)
            if (fabs(y[k]) < HUGE_VAL) {
                sum += y[k];
                finite++;
            }
        out[i] = finite > 0 ? sum / (double)finite : NAN;
    }
}
