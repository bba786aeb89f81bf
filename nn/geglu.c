#include "nn/geglu.h"

#include <string.h>

#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/ranges.h"

enum { PIECE = 512 }; /* slopes at a time, on the stack */

typedef struct {
    float *y; /* y, or dx when dy is given */
    const float *x, *dy;
    size_t C;
} GegluTask;

static void forward_rows(void *context, size_t begin, size_t end)
{
    const GegluTask *t = context;
    for (size_t r = begin; r < end; r++) {
        const float *a = t->x + r * 2 * t->C, *gate = a + t->C;
        float *y = t->y + r * t->C;
        activation_table()->forward[ACTIVATION_GELU](y, gate, t->C);
        elementwise_table()->binary[BINARY_MULTIPLY].both(y, a, y, t->C);
    }
}

void geglu_forward(float *y, const float *x, size_t rows, size_t C)
{
    GegluTask task = {.y = y, .x = x, .C = C};
    parallel_ranges(rows, rows_per_task(C, RANGE_COSTLY), forward_rows, &task);
}

static void backward_rows(void *context, size_t begin, size_t end)
{
    const GegluTask *t = context;
    const BinaryLoop multiply_loop = elementwise_table()->binary[BINARY_MULTIPLY].both;
    for (size_t r = begin; r < end; r++) {
        const float *a = t->x + r * 2 * t->C, *gate = a + t->C, *dy = t->dy + r * t->C;
        float *da = t->y + r * 2 * t->C, *dg = da + t->C;
        for (size_t at = 0; at < t->C; at += PIECE) {
            const size_t n = t->C - at < PIECE ? t->C - at : PIECE;
            float slope[PIECE];
            activation_table()->gelu_both(da + at, slope, gate + at, n);
            multiply_loop(da + at, dy + at, da + at, n);
            multiply_loop(dg + at, dy + at, a + at, n);
            multiply_loop(dg + at, dg + at, slope, n);
        }
    }
}

void geglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t C)
{
    GegluTask task = {dx, x, dy, C};
    parallel_ranges(rows, rows_per_task(C, RANGE_COSTLY), backward_rows, &task);
}

typedef struct {
    TapeNode node;
    Tensor *x;
} GegluNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const GegluNode *self = (const GegluNode *)node;
    const Tensor *y = node->out;
    const size_t C = (size_t)y->dim[y->rank - 1];
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    geglu_backward(dx, y->grad, self->x->data, tensor_count(y) / C, C);
    tape_grad_end(tape, self->x, dx);
}

Tensor *geglu(Tape *tape, Tensor *x)
{
    char text[64];
    int dim[TENSOR_RANK];
    if (x == NULL)
        return NULL;
    const int last = x->rank - 1;
    if (last < 0 || x->dim[last] % 2 != 0 || x->dim[last] == 0)
        return tape_fail(tape, STATUS_SHAPE, "geglu: the last axis of %s is not two halves",
                         tensor_shape_text(x, text));
    memcpy(dim, x->dim, sizeof dim);
    dim[last] /= 2;
    Tensor *y = tape_result(tape, x, x->rank, dim);
    if (y == NULL)
        return NULL;
    geglu_forward(y->data, x->data, tensor_count(y) / (size_t)dim[last], (size_t)dim[last]);
    GegluNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL)
        node->x = x;
    return y;
}
