/* nn/tape_backward.c - the walk back and the pool of gradient buffers (see nn/tape.h). */
#include "nn/tape.h"

#include <string.h>

#include "nn/elementwise.h"

/* Before each buffer stands its header, so that it can go back to the list that it came from. */
typedef struct TapeBuffer {
    struct TapeBuffer *next;
    int size_class;
} TapeBuffer;

/* Size classes: four steps an octave, so that at most a quarter of a buffer is unused. */
static int size_class(size_t count, size_t *room)
{
    size_t octave = ARENA_ALIGN / sizeof(float);
    for (int k = 0; k < TAPE_POOL_CLASSES; k += 4, octave *= 2)
        for (int quarter = 0; quarter < 4; quarter++) {
            *room = octave + octave / 4 * (size_t)quarter;
            if (*room >= count)
                return k + quarter;
        }
    return -1;
}

float *tape_scratch(Tape *tape, size_t count)
{
    size_t room = 0;
    const int k = size_class(count, &room);
    if (tape->error.status != STATUS_OK)
        return NULL;
    if (k >= 0 && tape->pool[k] != NULL) {
        TapeBuffer *free_one = tape->pool[k];
        tape->pool[k] = free_one->next;
        return (float *)(void *)((char *)free_one + ARENA_ALIGN);
    }
    TapeBuffer *fresh = NULL;
    if (k >= 0 && tape->gradients != NULL)
        fresh = arena_raw(tape->gradients, room + ARENA_ALIGN / sizeof(float), sizeof(float));
    if (fresh == NULL)
        return tape_fail(tape, STATUS_MEMORY, "no memory for a gradient of %zu numbers", count);
    fresh->size_class = k;
    return (float *)(void *)((char *)fresh + ARENA_ALIGN);
}

void tape_scratch_end(Tape *tape, float *scratch)
{
    if (scratch == NULL)
        return;
    TapeBuffer *buffer = (TapeBuffer *)(void *)((char *)scratch - ARENA_ALIGN);
    buffer->next = tape->pool[buffer->size_class];
    tape->pool[buffer->size_class] = buffer;
}

float *tape_grad_begin(Tape *tape, const Tensor *x)
{
    return x != NULL && x->wants_grad ? tape_scratch(tape, tensor_count(x)) : NULL;
}

void tape_grad_end(Tape *tape, Tensor *x, float *contribution)
{
    if (contribution == NULL)
        return;
    if (x->grad == NULL && !x->keeps_grad) {
        x->grad = contribution;
        return;
    }
    float *grad = tape_grad_add(tape, x);
    if (grad != NULL)
        array_add(grad, contribution, tensor_count(x));
    tape_scratch_end(tape, contribution);
}

float *tape_grad_add(Tape *tape, Tensor *x)
{
    if (x == NULL || !x->wants_grad)
        return NULL;
    if (x->grad == NULL) {
        x->grad = tape_scratch(tape, tensor_count(x));
        if (x->grad != NULL)
            memset(x->grad, 0, tensor_count(x) * sizeof *x->grad);
    }
    return x->grad;
}

void tape_grad_pass(Tape *tape, Tensor *x, Tensor *out, bool last)
{
    if (x == NULL || !x->wants_grad || out->grad == NULL)
        return;
    if (x->grad != NULL || x->keeps_grad) {
        float *grad = tape_grad_add(tape, x);
        if (grad != NULL)
            array_add(grad, out->grad, tensor_count(x));
    } else if (last && !out->keeps_grad) {
        x->grad = out->grad;
        out->grad = NULL;
    } else {
        x->grad = tape_scratch(tape, tensor_count(x));
        if (x->grad != NULL)
            memcpy(x->grad, out->grad, tensor_count(x) * sizeof *x->grad);
    }
}

Status tape_backward(Tape *tape, Tensor *y, const float *dy)
{
    if (tape->error.status != STATUS_OK)
        return tape->error.status;
    if (y == NULL || !y->wants_grad)
        return error_set(&tape->error, STATUS_ARGUMENT,
                         "backward from a tensor that nothing trainable made");
    float *seed = tape_grad_begin(tape, y);
    if (seed == NULL)
        return tape->error.status;
    const size_t count = tensor_count(y);
    for (size_t i = 0; i < count && dy == NULL; i++)
        seed[i] = 1.0f;
    if (dy != NULL)
        memcpy(seed, dy, count * sizeof *seed);
    tape_grad_end(tape, y, seed);
    while (tape->last != NULL && tape->error.status == STATUS_OK) {
        TapeNode *node = tape->last;
        tape->last = node->before;
        if (node->out->grad == NULL)
            continue; /* nothing that was asked about depends on it */
        node->backward(tape, node);
        if (!node->out->keeps_grad) {
            tape_scratch_end(tape, node->out->grad);
            node->out->grad = NULL;
        }
    }
    return tape->error.status;
}
