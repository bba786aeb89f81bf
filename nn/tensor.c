#include "nn/tensor.h"

#include <stdio.h>

size_t tensor_count(const Tensor *x)
{
    size_t count = 1;
    for (int i = 0; i < x->rank; i++)
        count *= (size_t)x->dim[i];
    return count;
}

size_t tensor_sample(const Tensor *x)
{
    size_t count = 1;
    for (int i = 1; i < x->rank; i++)
        count *= (size_t)x->dim[i];
    return count;
}

size_t tensor_positions(const Tensor *x)
{
    size_t count = 1;
    for (int i = 2; i < x->rank; i++)
        count *= (size_t)x->dim[i];
    return count;
}

bool tensor_finite(const Tensor *x)
{
    const size_t count = tensor_count(x);
    for (size_t i = 0; i < count; i++) {
        const float zero = x->data[i] - x->data[i]; /* NaN when it is infinite or no number */
        if (zero != 0.0f)
            return false;
    }
    return true;
}

bool tensor_same_shape(const Tensor *x, const Tensor *y)
{
    bool same = x->rank == y->rank;
    for (int i = 0; same && i < x->rank; i++)
        same = x->dim[i] == y->dim[i];
    return same;
}

const char *tensor_shape_text(const Tensor *x, char text[64])
{
    size_t at = (size_t)snprintf(text, 64, "(");
    for (int i = 0; i < x->rank; i++)
        at += (size_t)snprintf(text + at, 64 - at, i > 0 ? ",%d" : "%d", x->dim[i]);
    snprintf(text + at, 64 - at, ")");
    return text;
}
