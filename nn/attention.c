#include "nn/attention.h"

#include <math.h>

typedef struct {
    TapeNode node;
    Tensor *q, *k, *v;
    const float *mask;
    AttentionShape shape;
} AttentionNode;

static void attention_node_backward(Tape *tape, const TapeNode *node)
{
    const AttentionNode *self = (const AttentionNode *)node;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, attention_backward_scratch(&self->shape), 1);
    float *dq = tape_grad_begin(tape, self->q);
    float *dk = tape_grad_begin(tape, self->k);
    float *dv = tape_grad_begin(tape, self->v);
    if (tape->error.status == STATUS_OK)
        attention_backward(dq, dk, dv, node->out->grad, self->q->data, self->k->data, self->v->data,
                           self->mask, &self->shape, scratch);
    tape_grad_end(tape, self->q, dq);
    tape_grad_end(tape, self->k, dk);
    tape_grad_end(tape, self->v, dv);
    arena_release(tape->arena, mark);
}

static bool mask_fits(const Tensor *mask, const AttentionShape *s)
{
    if (mask == NULL)
        return true;
    const int r = mask->rank;
    return (r == 2 || (r == 3 && (size_t)mask->dim[0] == s->B)) && (size_t)mask->dim[r - 2] == s->T &&
           (size_t)mask->dim[r - 1] == s->S;
}

/* False when they do not fit. */
static bool attention_shape(AttentionShape *out, const Tensor *q, const Tensor *k, const Tensor *v,
                            const AttentionOptions *options)
{
    if (q->rank != 3 || k->rank != 3 || !tensor_same_shape(k, v) || k->dim[0] != q->dim[0] ||
        k->dim[2] != q->dim[2] || k->dim[1] < 1 || options->heads < 1 || q->dim[2] % options->heads != 0)
        return false;
    const size_t d = (size_t)(q->dim[2] / options->heads);
    *out =
        (AttentionShape){.B = (size_t)q->dim[0],
                         .T = (size_t)q->dim[1],
                         .S = (size_t)k->dim[1],
                         .heads = (size_t)options->heads,
                         .d = d,
                         .scale = options->scale == 0.0f ? (float)(1.0 / sqrt((double)d)) : options->scale,
                         .causal = options->causal,
                         .mask_per_sample = options->mask != NULL && options->mask->rank == 3};
    return mask_fits(options->mask, out);
}

Tensor *attention(Tape *tape, Tensor *q, Tensor *k, Tensor *v, AttentionOptions options)
{
    if (q == NULL || k == NULL || v == NULL)
        return NULL;
    AttentionShape shape;
    if (!attention_shape(&shape, q, k, v, &options)) {
        char text[3][64];
        return tape_fail(
            tape, STATUS_SHAPE, "attention: queries %s, keys %s, values %s, %d heads%s do not fit",
            tensor_shape_text(q, text[0]), tensor_shape_text(k, text[1]), tensor_shape_text(v, text[2]),
            options.heads, options.mask != NULL ? " and the mask" : "");
    }
    if (options.edit != NULL)
        return attention_in_steps(tape, q, k, v, &shape, &options);
    Tensor *y = tape_result3(tape, q, k, v, 3, q->dim);
    if (y == NULL)
        return NULL;
    const float *mask = options.mask != NULL ? options.mask->data : NULL;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, attention_forward_scratch(&shape), 1);
    if (scratch == NULL)
        return NULL;
    attention_forward(y->data, q->data, k->data, v->data, mask, &shape, scratch);
    arena_release(tape->arena, mark);
    AttentionNode *node = tape_push(tape, y, sizeof *node, attention_node_backward);
    if (node != NULL) {
        node->q = q;
        node->k = k;
        node->v = v;
        node->mask = mask;
        node->shape = shape;
    }
    return y;
}
