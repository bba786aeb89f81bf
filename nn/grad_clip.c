#include "nn/grad_clip.h"

#include <math.h>

#include "base/sum.h"
#include "base/threads.h"
#include "nn/elementwise.h"

enum { AT_ONCE = 64 }; /* parameters whose sums are computed before they are added */

typedef struct {
    Tensor *const *parameters;
    double sum[AT_ONCE];
} SquaresTask;

static void sum_squares(void *context, size_t i, int worker)
{
    SquaresTask *t = context;
    const Tensor *p = t->parameters[i];
    (void)worker;
    t->sum[i] = p->grad != NULL ? sum8_squares(p->grad, tensor_count(p), 0.0) : 0.0;
}

double grad_norm(Tensor *const *parameters, size_t count)
{
    double sum = 0.0;
    for (size_t done = 0; done < count; done += AT_ONCE) {
        const size_t n = count - done < AT_ONCE ? count - done : AT_ONCE;
        SquaresTask task = {.parameters = parameters + done};
        parallel_for(n, sum_squares, &task);
        for (size_t i = 0; i < n; i++)
            sum += task.sum[i];
    }
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
