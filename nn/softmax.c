#include "nn/softmax.h"

#include "base/isa.h"
#include "nn/ranges.h"

extern const SoftmaxTable softmax_table_base, softmax_table_avx2, softmax_table_avx512;

const SoftmaxTable *softmax_table(void)
{
#if ISA_LEVELS > 1
    static const SoftmaxTable *const tables[] = {&softmax_table_base, &softmax_table_avx2,
                                                 &softmax_table_avx512};
    return tables[isa_level()];
#else
    return &softmax_table_base;
#endif
}

typedef struct {
    float *y; /* y, or dx when dy is given */
    const float *x, *dy;
    size_t C;
} SoftmaxTask;

static void forward_rows(void *context, size_t begin, size_t end)
{
    const SoftmaxTask *t = context;
    for (size_t r = begin; r < end; r++)
        softmax_table()->forward(t->y + r * t->C, t->x + r * t->C, t->C);
}

void softmax_forward(float *y, const float *x, size_t rows, size_t C)
{
    SoftmaxTask task = {.y = y, .x = x, .C = C};
    parallel_ranges(rows, rows_per_task(C, RANGE_COSTLY), forward_rows, &task);
}

static void backward_rows(void *context, size_t begin, size_t end)
{
    const SoftmaxTask *t = context;
    for (size_t r = begin; r < end; r++)
        softmax_table()->backward(t->y + r * t->C, t->dy + r * t->C, t->x + r * t->C, t->C);
}

void softmax_backward(float *dx, const float *dy, const float *y, size_t rows, size_t C)
{
    SoftmaxTask task = {dx, y, dy, C};
    parallel_ranges(rows, rows_per_task(C, RANGE_CHEAP), backward_rows, &task);
}

typedef struct {
    TapeNode node;
    Tensor *x;
} SoftmaxNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const SoftmaxNode *self = (const SoftmaxNode *)node;
    const Tensor *y = node->out;
    const size_t C = (size_t)y->dim[y->rank - 1];
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    softmax_backward(dx, y->grad, y->data, tensor_count(y) / C, C);
    tape_grad_end(tape, self->x, dx);
}

Tensor *softmax(Tape *tape, Tensor *x)
{
    char text[64];
    if (x == NULL)
        return NULL;
    if (x->rank < 1 || x->dim[x->rank - 1] == 0)
        return tape_fail(tape, STATUS_SHAPE, "softmax: %s has no last axis to sum over",
                         tensor_shape_text(x, text));
    const size_t C = (size_t)x->dim[x->rank - 1];
    Tensor *y = tape_result(tape, x, x->rank, x->dim);
    if (y == NULL)
        return NULL;
    softmax_forward(y->data, x->data, tensor_count(x) / C, C);
    SoftmaxNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL)
        node->x = x;
    return y;
}
