/* nn/tape.h - reverse-mode differentiation: remember what was done, then walk it backwards.
 *
 * Every operator takes the tape, computes its result at once and, when a gradient is to flow through it,
 * pushes one node that knows how to send the gradient back.  If anything fails the tape keeps the first
 * error, the operator returns NULL, and operators given NULL do nothing: a network is written as plain
 * expressions and checked once, with tape_backward or tape->error.
 *
 * An operator looks like this:
 *
 *     Tensor *silu(Tape *tape, Tensor *x)
 *     {
 *         Tensor *y = tape_result(tape, x, x->rank, x->dim);       (after `if (x == NULL) return NULL`)
 *         if (y == NULL) return NULL;
 *         silu_forward(y->data, x->data, tensor_count(x));
 *         SiluNode *node = tape_push(tape, y, sizeof *node, silu_node_backward);   (NULL: nothing to record)
 *         if (node != NULL)
 *             node->x = x;
 *         return y;
 *     }
 *
 * Two operators that record are never arguments of one call: C leaves open which of them runs first, and with
 * it the order in which their gradients are added.  Give the first one a name.
 *
 * Memory: results and nodes lie in `arena`, gradients in a pool of their own (`gradients`) that gives each
 * buffer back as soon as its node has been walked. */
#ifndef NN_TAPE_H
#define NN_TAPE_H

#include "base/arena.h"
#include "base/error.h"
#include "nn/tensor.h"

typedef struct Tape Tape;

typedef struct TapeNode {
    struct TapeNode *before; /* the operator recorded just before this one */
    Tensor *out;             /* its result; out->grad holds d loss / d out during backward */
    void (*backward)(Tape *tape, const struct TapeNode *self);
} TapeNode;

enum { TAPE_POOL_CLASSES = 128 };

/* Who looks on.  Looking changes no bit. */
typedef struct {
    /* Told of every named intermediate (tape_named), under "place.name"; NULL: nobody looks. */
    void (*observe)(void *observer, const char *name, const Tensor *x);
    /* Asked before something is computed only to be seen (attention maps); NULL: no. */
    bool (*wants)(void *observer, const char *name);
    void *observer;
} TapeWatch;

struct Tape {
    Arena *arena;     /* results and nodes */
    Arena *gradients; /* gradient buffers: another arena than `arena`; NULL when nothing is ever recorded */
    TapeNode *last;
    bool recording;  /* false: no node is kept, segments give their scratch back */
    bool checkpoint; /* true: segments keep only their inputs and are computed again in backward */
    bool tracing;    /* set by tape_segment: nothing is recorded, but results still say whether they want a
                        gradient, so that a segment knows if it must be computed again */
    Error error;     /* the first failure, STATUS_OK when there is none */
    struct TapeBuffer *pool[TAPE_POOL_CLASSES]; /* free gradient buffers by size class */
    void (*observe)(void *observer, const char *name, const Tensor *x); /* these three: as in TapeWatch */
    bool (*wants)(void *observer, const char *name);
    void *observer;
    const char *place; /* stands before every name: "unet"; NULL or "": nothing */
};

/* ---- building ---- */

/* A tensor around the caller's numbers (not copied).  wants_grad: backward leaves its gradient in ->grad. */
Tensor *tape_input(Tape *tape, float *data, int rank, const int *dim, bool wants_grad);

/* An uninitialised result of that shape.  It wants a gradient when the tape records and x, or one of the
 * tensors named by tape_result2 and tape_result3, wants one; arguments that an operator does not have
 * (no bias) may be NULL. */
Tensor *tape_result(Tape *tape, const Tensor *x, int rank, const int *dim);
Tensor *tape_result2(Tape *tape, const Tensor *x, const Tensor *y, int rank, const int *dim);
Tensor *tape_result3(Tape *tape, const Tensor *x, const Tensor *y, const Tensor *z, int rank,
                     const int *dim);

/* Whether a result that is made from x (NULL: no) is to want a gradient: for operators with more arguments. */
bool tape_wants(const Tape *tape, const Tensor *x);

/* A node of `size` bytes (zeroed, first member TapeNode) whose result is `out`; NULL when out wants no
 * gradient, or after recording STATUS_MEMORY. */
void *tape_push(Tape *tape, Tensor *out, size_t size, void (*backward)(Tape *tape, const TapeNode *self));

/* Numbers that live as long as the results: what a backward needs (statistics, indices).  NULL after
 * recording STATUS_MEMORY.  For scratch of one call take arena_mark(tape->arena) before and arena_release
 * after it: results made in between would be lost. */
void *tape_alloc(Tape *tape, size_t count, size_t size);

/* Records an error and returns NULL, so that an operator ends with `return tape_fail(tape, ...)`. */
void *tape_fail(Tape *tape, Status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Lets `watch` (NULL: nobody) look on; names begin with `place`, which must live as long as the tape. */
void tape_watch(Tape *tape, const TapeWatch *watch, const char *place);

/* Shows x to the observer under "place.prefix.name" (empty ones are left out) and returns x. */
Tensor *tape_named(Tape *tape, Tensor *x, const char *prefix, const char *name);

/* Whether the observer asks for what would be shown under that name, and has to be computed for it. */
bool tape_wants_to_see(const Tape *tape, const char *prefix, const char *name);

/* ---- segments: one mechanism for inference memory and for gradient checkpointing ---- */

/* A part of a network: from its inputs to one result.  `context` is what it needs besides (its weights). */
typedef Tensor *(*Segment)(Tape *tape, const void *context, Tensor *const *inputs);

/* Runs the segment.  Not recording: everything but the result is given back.  Recording with checkpoint:
 * the same, and backward runs it again.  Recording without: simply runs it.  The bits are the same in all
 * three.  `size` bytes of the context are copied (backward may come after the caller has returned); inputs
 * may be NULL. */
Tensor *tape_segment(Tape *tape, Segment run, const void *context, size_t size, Tensor *const *inputs,
                     int count);

/* ---- walking back ---- */

/* Walks from y with d loss / d y = dy (count of y numbers; NULL: all ones).  Gradients are added to the
 * parameters and to the inputs that asked; every other gradient buffer is recycled.  The nodes are spent. */
MUST_CHECK Status tape_backward(Tape *tape, Tensor *y, const float *dy);

/* For a backward that *writes* its contribution: NULL when x wants no gradient; otherwise uninitialised room
 * for tensor_count(x) numbers.  tape_grad_end then makes them, or adds them to, the gradient of x.  So one
 * operator's contribution is complete before it is added.  A gradient that stays after the walk (keeps_grad)
 * starts at +0 and is only ever added to, so that its first contribution is treated like all others. */
float *tape_grad_begin(Tape *tape, const Tensor *x);
void tape_grad_end(Tape *tape, Tensor *x, float *contribution);

/* For a backward whose contribution is out->grad as it is (a sum's, a view's): added to the gradient of x, copied
 * to it, or, where nothing else will read it (`last`), simply handed on: out->grad is NULL then.  Nothing happens
 * when x wants no gradient. */
void tape_grad_pass(Tape *tape, Tensor *x, Tensor *out, bool last);

/* For a backward that *adds* sample after sample (parameters): x->grad, zeroed when new; NULL when x wants
 * no gradient. */
float *tape_grad_add(Tape *tape, Tensor *x);

/* Scratch for a backward, from the gradient pool: NULL after recording STATUS_MEMORY. */
float *tape_scratch(Tape *tape, size_t count);
void tape_scratch_end(Tape *tape, float *scratch);

#endif
