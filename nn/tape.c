#include "nn/tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

void *tape_fail(Tape *tape, Status status, const char *format, ...)
{
    if (tape->error.status == STATUS_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(tape->error.text, sizeof tape->error.text, format, arguments);
        va_end(arguments);
        tape->error.status = status;
    }
    return NULL;
}

void *tape_alloc(Tape *tape, size_t count, size_t size)
{
    if (tape->error.status != STATUS_OK)
        return NULL;
    void *data = arena_raw(tape->arena, count, size);
    if (data == NULL)
        return tape_fail(tape, STATUS_MEMORY, "no memory for %zu x %zu bytes", count, size);
    return data;
}

/* Fills the shape; false when the count does not fit in memory at all. */
static bool set_shape(Tensor *x, int rank, const int *dim)
{
    size_t count = 1;
    *x = (Tensor){.rank = rank};
    for (int i = 0; i < TENSOR_RANK; i++) {
        x->dim[i] = i < rank ? dim[i] : 1;
        if (x->dim[i] < 0 || (x->dim[i] > 0 && count > SIZE_MAX / 2 / sizeof(float) / (size_t)x->dim[i]))
            return false;
        count *= (size_t)x->dim[i];
    }
    return true;
}

static Tensor *new_tensor(Tape *tape, int rank, const int *dim)
{
    Tensor *x = tape_alloc(tape, 1, sizeof *x);
    if (x == NULL)
        return NULL;
    if (rank < 0 || rank > TENSOR_RANK || !set_shape(x, rank, dim))
        return tape_fail(tape, STATUS_SHAPE, "a tensor of rank %d with these sizes cannot exist", rank);
    return x;
}

Tensor *tape_input(Tape *tape, float *data, int rank, const int *dim, bool wants_grad)
{
    Tensor *x = new_tensor(tape, rank, dim);
    if (x == NULL)
        return NULL;
    x->data = data;
    x->wants_grad = x->keeps_grad = wants_grad;
    return x;
}

bool tape_wants(const Tape *tape, const Tensor *x)
{
    return (tape->recording || tape->tracing) && x != NULL && x->wants_grad;
}

Tensor *tape_result3(Tape *tape, const Tensor *x, const Tensor *y, const Tensor *z, int rank,
                     const int *dim)
{
    Tensor *out = new_tensor(tape, rank, dim);
    if (out == NULL)
        return NULL;
    out->data = tape_alloc(tape, tensor_count(out), sizeof *out->data);
    out->wants_grad = tape_wants(tape, x) || tape_wants(tape, y) || tape_wants(tape, z);
    return out->data != NULL ? out : NULL;
}

Tensor *tape_result2(Tape *tape, const Tensor *x, const Tensor *y, int rank, const int *dim)
{
    return tape_result3(tape, x, y, NULL, rank, dim);
}

Tensor *tape_result(Tape *tape, const Tensor *x, int rank, const int *dim)
{
    return tape_result3(tape, x, NULL, NULL, rank, dim);
}

void *tape_push(Tape *tape, Tensor *out, size_t size, void (*backward)(Tape *tape, const TapeNode *self))
{
    if (out == NULL || !out->wants_grad || !tape->recording)
        return NULL;
    TapeNode *node = tape_alloc(tape, 1, size);
    if (node == NULL)
        return NULL;
    memset(node, 0, size);
    node->before = tape->last;
    node->out = out;
    node->backward = backward;
    tape->last = node;
    return node;
}

/* ---- who looks on ---- */

enum { FULL_NAME = 400 };

static const char *full_name(char text[FULL_NAME], const Tape *tape, const char *prefix, const char *name)
{
    const char *const parts[3] = {tape->place != NULL ? tape->place : "", prefix, name};
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < 3; i++)
        if (parts[i][0] != '\0' && length < FULL_NAME)
            length += (size_t)snprintf(text + length, FULL_NAME - length, "%s%s", length > 0 ? "." : "",
                                       parts[i]);
    return text;
}

void tape_watch(Tape *tape, const TapeWatch *watch, const char *place)
{
    if (watch == NULL)
        return;
    tape->observe = watch->observe;
    tape->wants = watch->wants;
    tape->observer = watch->observer;
    tape->place = place;
}

Tensor *tape_named(Tape *tape, Tensor *x, const char *prefix, const char *name)
{
    char text[FULL_NAME];
    if (x != NULL && tape->observe != NULL)
        tape->observe(tape->observer, full_name(text, tape, prefix, name), x);
    return x;
}

bool tape_wants_to_see(const Tape *tape, const char *prefix, const char *name)
{
    char text[FULL_NAME];
    return tape->observe != NULL && tape->wants != NULL &&
           tape->wants(tape->observer, full_name(text, tape, prefix, name));
}

/* ---- segments ---- */

typedef struct {
    TapeNode node;
    Segment run;
    void *context;
    Tensor **inputs;
    int count;
} SegmentNode;

/* Computes the segment again, this time recording, and walks through it.  The inputs are stood in for by
 * copies that share data and gradient, so every gradient is added in the order of the plain run. */
static void segment_backward(Tape *tape, const TapeNode *node)
{
    const SegmentNode *self = (const SegmentNode *)node;
    const ArenaMark mark = arena_mark(tape->arena);
    Tensor *copies = tape_alloc(tape, (size_t)self->count + 1, sizeof *copies);
    Tensor **inputs = tape_alloc(tape, (size_t)self->count + 1, sizeof *inputs);
    if (copies == NULL || inputs == NULL)
        return;
    for (int i = 0; i < self->count; i++) {
        int first = 0; /* a tensor that is given twice has one stand-in, as it has one gradient */
        while (self->inputs[first] != self->inputs[i])
            first++;
        if (first == i && self->inputs[i] != NULL)
            copies[i] = *self->inputs[i];
        inputs[i] = self->inputs[i] != NULL ? &copies[first] : NULL;
    }
    TapeNode *const outside = tape->last;
    void (*const observe)(void *, const char *, const Tensor *) = tape->observe;
    tape->last = NULL;
    tape->checkpoint = false;
    tape->observe = NULL; /* seen already in the first run */
    Tensor *again = self->run(tape, self->context, inputs);
    if (again != NULL && tape_backward(tape, again, self->node.out->grad) == STATUS_OK)
        for (int i = 0; i < self->count; i++)
            if (inputs[i] != NULL)
                self->inputs[i]->grad = inputs[i]->grad;
    tape->observe = observe;
    tape->checkpoint = true;
    tape->last = outside;
    arena_release(tape->arena, mark);
}

/* Runs without recording and gives back everything but the result. */
static Tensor *run_and_keep_result(Tape *tape, Segment run, const void *context, Tensor *const *inputs)
{
    const ArenaMark mark = arena_mark(tape->arena);
    const bool recording = tape->recording, tracing = tape->tracing;
    tape->recording = false;
    tape->tracing = recording || tracing;
    Tensor *out = run(tape, context, inputs);
    tape->recording = recording;
    tape->tracing = tracing;
    if (out == NULL)
        return NULL;
    Tensor kept = *out;
    kept.grad = NULL;
    kept.keeps_grad = false;
    kept.data = arena_release_keeping(tape->arena, mark, out->data, tensor_count(out) * sizeof *out->data);
    Tensor *result = tape_alloc(tape, 1, sizeof *result);
    if (result != NULL)
        *result = kept;
    return result;
}

Tensor *tape_segment(Tape *tape, Segment run, const void *context, size_t size, Tensor *const *inputs,
                     int count)
{
    if (tape->error.status != STATUS_OK)
        return NULL;
    if (tape->recording && !tape->checkpoint)
        return run(tape, context, inputs);
    Tensor *out = run_and_keep_result(tape, run, context, inputs);
    SegmentNode *node = tape_push(tape, out, sizeof *node, segment_backward);
    if (node == NULL)
        return tape->error.status == STATUS_OK ? out : NULL;
    node->run = run;
    node->count = count;
    node->context = tape_alloc(tape, size, 1);
    node->inputs = tape_alloc(tape, (size_t)count + 1, sizeof(Tensor *));
    if (node->context == NULL || node->inputs == NULL)
        return NULL;
    if (size > 0)
        memcpy(node->context, context, size);
    for (int i = 0; i < count; i++)
        node->inputs[i] = inputs[i];
    return out;
}
