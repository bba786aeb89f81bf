#include "guidance/spherical.h"

#include <math.h>

#include "base/sum_inline.h"

enum { TERMS = 30 };

/* x + x^3 / 6 + ...: term k is the one before times x^2 (2k-1)^2 / (2k (2k+1)); x^2 <= 1/4. */
static double series(double x)
{
    const double square = x * x;
    double term = x, sum = 0.0, terms[TERMS];
    for (int k = 0; k < TERMS; k++) {
        terms[k] = term;
        const double odd = 2.0 * k + 1.0;
        term = term * square * (odd * odd) / ((odd + 1.0) * (odd + 2.0));
    }
    for (int k = TERMS - 1; k >= 0; k--)
        sum += terms[k];
    return sum;
}

double arc_sine(double x)
{
    const double half_pi = 1.5707963267948966;
    return x <= 0.5 ? series(x) : half_pi - 2.0 * series(sqrt((1.0 - x) / 2.0));
}

typedef struct {
    TapeNode node;
    Tensor *x;
    const float *y;
    double *factor; /* (N) of x - y in the gradient */
} SphericalNode;

static void spherical_backward(Tape *tape, const TapeNode *node)
{
    const SphericalNode *self = (const SphericalNode *)node;
    const size_t N = (size_t)self->x->dim[0], D = tensor_sample(self->x);
    float *dx = tape_grad_begin(tape, self->x);
    for (size_t i = 0; dx != NULL && i < N; i++)
        for (size_t k = 0; k < D; k++) {
            const double away = (double)self->x->data[i * D + k] - (double)self->y[k];
            dx[i * D + k] = (float)((double)node->out->grad[i] * self->factor[i] * away);
        }
    tape_grad_end(tape, self->x, dx);
}

Tensor *spherical_distance(Tape *tape, Tensor *x, const float *y)
{
    char text[64];
    if (x == NULL)
        return NULL;
    if (x->rank != 2)
        return tape_fail(tape, STATUS_SHAPE, "spherical_distance: rows %s, expected (N,D)",
                         tensor_shape_text(x, text));
    const size_t N = (size_t)x->dim[0], D = (size_t)x->dim[1];
    Tensor *out = tape_result(tape, x, 1, x->dim);
    double *factor = tape_alloc(tape, N, sizeof *factor);
    if (out == NULL || factor == NULL)
        return NULL;
    for (size_t i = 0; i < N; i++) {
        double s[SUM_LANES] = {0};
        for (size_t k = 0; k < D; k++) {
            const double away = (double)x->data[i * D + k] - (double)y[k];
            s[k % SUM_LANES] += away * away;
        }
        double r = sqrt(sum8_fold(s)) / 2.0;
        r = r > 1.0 ? 1.0 : r;
        out->data[i] = (float)(2.0 * arc_sine(r) * arc_sine(r));
        r = r > 1.0 - 1e-6 ? 1.0 - 1e-6 : r;
        factor[i] = r < 1e-4 ? 1.0 + 2.0 / 3.0 * r * r : arc_sine(r) / (r * sqrt(1.0 - r * r));
    }
    SphericalNode *node = tape_push(tape, out, sizeof *node, spherical_backward);
    if (node != NULL) {
        node->x = x;
        node->y = y;
        node->factor = factor;
    }
    return out;
}
