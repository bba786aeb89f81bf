#include "nn/grad_clip.h"

#include <math.h>

#include "base/sum.h"
#include "nn/elementwise.h"

double grad_norm(Tensor *const *parameters, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        if (parameters[i]->grad != NULL)
            sum += sum8_squares(parameters[i]->grad, tensor_count(parameters[i]), 0.0);
    return sqrt(sum);
}

double grad_clip(Tensor *const *parameters, size_t count, double most)
{
    const double norm = grad_norm(parameters, count);
    const float factor = (float)(most / (norm + 1e-6));
    if (most > 0.0 && factor < 1.0f && norm - norm == 0.0)
        for (size_t i = 0; i < count; i++)
            if (parameters[i]->grad != NULL)
                array_scale(parameters[i]->grad, parameters[i]->grad, tensor_count(parameters[i]), factor);
    return norm;
}
