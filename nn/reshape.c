#include "nn/reshape.h"

#include <stdint.h>

typedef struct {
    TapeNode node;
    Tensor *x;
} ReshapeNode;

static void reshape_backward(Tape *tape, const TapeNode *node)
{
    const ReshapeNode *self = (const ReshapeNode *)node;
    tape_grad_pass(tape, self->x, node->out, true);
}

/* Replaces a -1 by what is left of `count`; false when the counts cannot be equal. */
static bool complete_shape(int full[TENSOR_RANK], size_t count, int rank, const int *dim)
{
    size_t known = 1;
    bool empty = false;
    int open = -1;
    for (int k = 0; k < rank; k++) {
        full[k] = dim[k];
        if (dim[k] < -1 || (dim[k] == -1 && open >= 0))
            return false;
        if (dim[k] == -1)
            open = k;
        else if (dim[k] == 0)
            empty = true;
        else
            known = known > SIZE_MAX / (size_t)dim[k] ? SIZE_MAX : known * (size_t)dim[k];
    }
    known = empty ? 0 : known;
    if (open < 0)
        return known == count;
    if (known == 0 || count % known != 0)
        return false;
    full[open] = (int)(count / known);
    return (size_t)full[open] == count / known;
}

Tensor *reshape(Tape *tape, Tensor *x, int rank, const int *dim)
{
    char text[64];
    int full[TENSOR_RANK];
    if (x == NULL)
        return NULL;
    if (rank < 0 || rank > TENSOR_RANK || !complete_shape(full, tensor_count(x), rank, dim))
        return tape_fail(tape, STATUS_SHAPE,
                         "reshape: %s has %zu numbers, which is not what the new shape needs",
                         tensor_shape_text(x, text), tensor_count(x));
    Tensor *y = tape_input(tape, x->data, rank, full, false);
    if (y == NULL)
        return NULL;
    y->wants_grad = tape_wants(tape, x);
    ReshapeNode *node = tape_push(tape, y, sizeof *node, reshape_backward);
    if (node != NULL)
        node->x = x;
    return y;
}
