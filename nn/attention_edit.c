/* nn/attention_edit.c - attention in its four steps on the tape, so that somebody can look at P or change it. */
#include "nn/attention.h"

#include <math.h>

#include "nn/elementwise.h"
#include "nn/matmul.h"
#include "nn/reshape.h"
#include "nn/softmax.h"

/* (B,T,heads*d) to (B,heads,T,d). */
static Tensor *split_heads(Tape *tape, Tensor *x, const AttentionShape *s)
{
    const int split[4] = {x->dim[0], x->dim[1], (int)s->heads, (int)s->d};
    return permute(tape, reshape(tape, x, 4, split), (const int[4]){0, 2, 1, 3});
}

typedef struct {
    TapeNode node;
    Tensor *x;
} CausalNode;

/* The gradient of a hidden score is the softmax's, P * (dP - b) with P = 0, as in attention_backward. */
static void causal_backward(Tape *tape, const TapeNode *node)
{
    const CausalNode *self = (const CausalNode *)node;
    tape_grad_pass(tape, self->x, node->out, true);
}

/* x (B,heads,T,S) with -infinity where the key is later than the query, whatever was there. */
static Tensor *causal_scores(Tape *tape, Tensor *x, const AttentionShape *s)
{
    Tensor *y = x != NULL ? tape_result(tape, x, 4, x->dim) : NULL;
    if (y == NULL)
        return NULL;
    for (size_t i = 0; i < tensor_count(x); i++)
        y->data[i] = i % s->S > i / s->S % s->T ? -INFINITY : x->data[i];
    CausalNode *node = tape_push(tape, y, sizeof *node, causal_backward);
    if (node != NULL)
        node->x = x;
    return y;
}

/* The caller's mask, (T,S) or (B,T,S), for all heads. */
static Tensor *given_mask(Tape *tape, Tensor *mask, const AttentionShape *s)
{
    const int B = s->mask_per_sample ? (int)s->B : 1;
    return reshape(tape, mask, 4, (const int[4]){B, 1, (int)s->T, (int)s->S});
}

/* P as the caller sees it, (B*heads,T,S), through his hands. */
static Tensor *edited(Tape *tape, Tensor *p, const AttentionShape *s, const AttentionOptions *options)
{
    const int B = (int)s->B, heads = (int)s->heads, T = (int)s->T, S = (int)s->S;
    p = reshape(tape, p, 3, (const int[3]){B * heads, T, S});
    if (p != NULL)
        p = options->edit(options->edit_context, tape, p);
    return reshape(tape, p, 4, (const int[4]){B, heads, T, S});
}

Tensor *attention_in_steps(Tape *tape, Tensor *q, Tensor *k, Tensor *v, const AttentionShape *shape,
                           const AttentionOptions *options)
{
    const int y_dim[3] = {q->dim[0], q->dim[1], q->dim[2]};
    /* Recorded in this order, the gradients of q, k and v arrive in that of attention_backward: q, k, v. */
    Tensor *values = split_heads(tape, v, shape);
    Tensor *keys = split_heads(tape, k, shape);
    Tensor *queries = split_heads(tape, q, shape);
    Tensor *p = matmul(tape, queries, keys, true);
    p = scale(tape, p, shape->scale);
    if (options->mask != NULL)
        p = add(tape, p, given_mask(tape, options->mask, shape));
    if (shape->causal)
        p = causal_scores(tape, p, shape);
    p = edited(tape, softmax(tape, p), shape, options);
    Tensor *y = matmul(tape, p, values, false);
    return reshape(tape, permute(tape, y, (const int[4]){0, 2, 1, 3}), 3, y_dim);
}
