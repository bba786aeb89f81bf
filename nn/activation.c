#include "nn/activation.h"

#include "base/isa.h"
#include "nn/ranges.h"

extern const ActivationTable activation_table_base, activation_table_avx2, activation_table_avx512;

const ActivationTable *activation_table(void)
{
#if ISA_LEVELS > 1
    static const ActivationTable *const tables[] = {&activation_table_base, &activation_table_avx2,
                                                    &activation_table_avx512};
    return tables[isa_level()];
#else
    return &activation_table_base;
#endif
}

typedef struct {
    float *y; /* y, or dx when dy is given */
    const float *x, *dy, *result;
    Activation kind;
} ActivationTask;

static void forward_range(void *context, size_t begin, size_t end)
{
    const ActivationTask *t = context;
    activation_table()->forward[t->kind](t->y + begin, t->x + begin, end - begin);
}

void activation_forward(float *y, const float *x, size_t n, Activation kind)
{
    ActivationTask task = {.y = y, .x = x, .kind = kind};
    parallel_ranges(n, RANGE_COSTLY, forward_range, &task);
}

static void backward_range(void *context, size_t begin, size_t end)
{
    const ActivationTask *t = context;
    activation_table()->backward[t->kind](t->y + begin, t->dy + begin, t->x + begin, t->result + begin,
                                          end - begin);
}

void activation_backward(float *dx, const float *dy, const float *x, const float *y, size_t n,
                         Activation kind)
{
    ActivationTask task = {dx, x, dy, y, kind};
    parallel_ranges(n, RANGE_COSTLY, backward_range, &task);
}

typedef struct {
    TapeNode node;
    Tensor *x;
    Activation kind;
} ActivationNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const ActivationNode *self = (const ActivationNode *)node;
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    activation_backward(dx, node->out->grad, self->x->data, node->out->data, tensor_count(self->x),
                        self->kind);
    tape_grad_end(tape, self->x, dx);
}

Tensor *activate(Tape *tape, Tensor *x, Activation kind)
{
    if (x == NULL)
        return NULL;
    Tensor *y = tape_result(tape, x, x->rank, x->dim);
    if (y == NULL)
        return NULL;
    activation_forward(y->data, x->data, tensor_count(x), kind);
    ActivationNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->kind = kind;
    }
    return y;
}

Tensor *silu(Tape *tape, Tensor *x)
{
    return activate(tape, x, ACTIVATION_SILU);
}

Tensor *gelu(Tape *tape, Tensor *x)
{
    return activate(tape, x, ACTIVATION_GELU);
}

Tensor *quick_gelu(Tape *tape, Tensor *x)
{
    return activate(tape, x, ACTIVATION_QUICK_GELU);
}

Tensor *relu(Tape *tape, Tensor *x)
{
    return activate(tape, x, ACTIVATION_RELU);
}

Tensor *sigmoid(Tape *tape, Tensor *x)
{
    return activate(tape, x, ACTIVATION_SIGMOID);
}
