#include "diffusion/vjp.h"

#include <string.h>

/* The gradient of an input goes to the caller, its buffer back to the pool. */
static void take_gradient(Tape *tape, float *to, Tensor *input)
{
    if (to == NULL || input == NULL)
        return;
    const size_t bytes = tensor_count(input) * sizeof *to;
    if (input->grad != NULL)
        memcpy(to, input->grad, bytes);
    else
        memset(to, 0, bytes);
    tape_scratch_end(tape, input->grad);
    input->grad = NULL;
}

Status vjp(float *y, float *const *gradient, Tape *tape, Segment run, const void *context,
           const Tensor *const *inputs, int count, const float *dy)
{
    const ArenaMark mark = arena_mark(tape->arena);
    const bool recording = tape->recording;
    Tensor *own[VJP_INPUTS] = {NULL};
    for (int i = 0; i < count; i++)
        if (inputs[i] != NULL)
            own[i] =
                tape_input(tape, inputs[i]->data, inputs[i]->rank, inputs[i]->dim, gradient[i] != NULL);
    tape->recording = true;
    Tensor *out = tape->error.status == STATUS_OK ? run(tape, context, own) : NULL;
    if (out != NULL && y != NULL)
        memcpy(y, out->data, tensor_count(out) * sizeof *y);
    /* A result that no gradient flows through: all are zero. */
    if (out != NULL && (!out->wants_grad || tape_backward(tape, out, dy) == STATUS_OK))
        for (int i = 0; i < count; i++)
            take_gradient(tape, gradient[i], own[i]);
    tape->recording = recording;
    tape->last = NULL;
    arena_release(tape->arena, mark);
    return tape->error.status;
}
