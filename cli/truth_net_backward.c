/* cli/truth_net_backward.c - gradients through networks in binary64 (see truth_net.h). */
#include <math.h>

#include "cli/truth_net.h"

/* Zeros where nothing has come back yet. */
static double *gradient_room(TruthNet *n, double *grad, size_t count)
{
    if (grad == NULL)
        grad = arena_alloc(n->arena, count + 1, sizeof *grad);
    n->failed = n->failed || grad == NULL;
    return grad;
}

/* grad += what one operator sends; a second contribution is an addition, which rounds. */
static void add_gradient(TruthNet *n, double *grad, const TruthTensor *x, const TruthNumber *sent)
{
    for (size_t i = 0, count = grad != NULL ? truth_count(x) : 0; i < count; i++) {
        const double sum = grad[i] + wide_moved(n, sent[x->id[i]]);
        grad[i] = grad[i] != 0.0 ? wide_moved(n, (TruthNumber){sum, 0x1p-24 * fabs(sum)}) : sum;
    }
}

static void step_back(TruthNet *n, const WideStep *s, WideGradient *wanted, int count)
{
    TruthTensor *in[WIDE_OPERANDS];
    Truth t = truth_begin(&n->scratch, true);
    const TruthTensor *y = wide_rerun(&t, s, in);
    const TruthNumber *sent = y != NULL ? truth_backward(&t, y->id, s->y->grad, truth_count(y)) : NULL;
    n->failed = n->failed || sent == NULL;
    for (int k = 0; k < WIDE_INPUTS && !n->failed; k++) {
        WideTensor *x = s->in[k];
        if (x == NULL)
            continue;
        x->grad = gradient_room(n, x->grad, wide_count(x));
        add_gradient(n, x->grad, in[k], sent);
    }
    for (int k = 0; k < WIDE_PARAMETERS && !n->failed; k++)
        for (int i = 0; i < count; i++) {
            WideGradient *g = &wanted[i];
            if (s->parameter[k] == NULL || g->parameter != s->parameter[k])
                continue;
            g->grad = gradient_room(n, g->grad, tensor_count(g->parameter));
            add_gradient(n, g->grad, in[WIDE_INPUTS + k], sent);
        }
    arena_release(&n->scratch, (ArenaMark){0});
}

void wide_backward(TruthNet *n, WideTensor *y, const float *dy, WideGradient *wanted, int count)
{
    for (int i = 0; i < count; i++)
        wanted[i].grad = NULL;
    if (y == NULL || n->failed)
        return;
    y->grad = gradient_room(n, NULL, wide_count(y));
    for (size_t i = 0; y->grad != NULL && i < wide_count(y); i++)
        y->grad[i] = dy[i];
    for (const WideStep *s = n->last; s != NULL && !n->failed; s = s->before)
        if (s->y->grad != NULL)
            step_back(n, s, wanted, count);
}
