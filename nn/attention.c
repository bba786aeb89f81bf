#include "nn/attention.h"

#include <math.h>
#include <string.h>

#include "base/elementary.h"

enum { PANEL = 256 };

/* sum over k of a[k*a_step] * b[k*b_step] by the panel rule. */
static float panel_dot(const float *a, size_t a_step, const float *b, size_t b_step, size_t K)
{
    float total = 0.0f;
    for (size_t start = 0; start < K; start += PANEL) {
        float sum = 0.0f;
        for (size_t k = start; k < K && k < start + PANEL; k++) {
            const float product = a[k * a_step] * b[k * b_step];
            sum = sum + product;
        }
        total = start == 0 ? sum : total + sum;
    }
    return total;
}

static double sum_lanes(const double s[8])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* P (T,S) of one head of one sample. */
static void probabilities(float *P, const float *q, const float *k, const float *mask,
                          const AttentionShape *s)
{
    const size_t width = s->heads * s->d;
    for (size_t t = 0; t < s->T; t++) {
        float *row = P + t * s->S, most = 0.0f;
        double sum[8] = {0};
        for (size_t j = 0; j < s->S; j++) {
            row[j] = panel_dot(q + t * width, 1, k + j * width, 1, s->d);
            row[j] = row[j] * s->scale;
            if (mask != NULL)
                row[j] = row[j] + mask[t * s->S + j];
            if (s->causal && j > t)
                row[j] = -INFINITY;
            most = j == 0 || row[j] > most ? row[j] : most;
        }
        for (size_t j = 0; j < s->S; j++) {
            row[j] = row[j] - most;
            row[j] = exp_f32(row[j]);
            sum[j % 8] += (double)row[j];
        }
        for (size_t j = 0; j < s->S; j++)
            row[j] = (float)((double)row[j] / sum_lanes(sum));
    }
}

size_t attention_scratch(const AttentionShape *s)
{
    return 2 * s->T * s->S * sizeof(float);
}

static const float *mask_of(const float *mask, const AttentionShape *s, size_t b)
{
    return mask != NULL && s->mask_per_sample ? mask + b * s->T * s->S : mask;
}

void attention_forward(float *y, const float *q, const float *k, const float *v, const float *mask,
                       const AttentionShape *s, void *scratch)
{
    const size_t width = s->heads * s->d;
    float *P = scratch;
    for (size_t i = 0; i < s->B * s->heads; i++) {
        const size_t b = i / s->heads, queries = b * s->T * width + i % s->heads * s->d;
        const size_t keys = b * s->S * width + i % s->heads * s->d;
        probabilities(P, q + queries, k + keys, mask_of(mask, s, b), s);
        for (size_t t = 0; t < s->T; t++)
            for (size_t c = 0; c < s->d; c++)
                y[queries + t * width + c] = panel_dot(P + t * s->S, 1, v + keys + c, width, s->S);
    }
}

/* dS (T,S), already times the scale. */
static void score_gradient(float *dS, const float *P, const float *dy, const float *v,
                           const AttentionShape *s)
{
    const size_t width = s->heads * s->d;
    for (size_t t = 0; t < s->T; t++) {
        float *row = dS + t * s->S;
        const float *p = P + t * s->S;
        double sum[8] = {0};
        for (size_t j = 0; j < s->S; j++) {
            row[j] = panel_dot(dy + t * width, 1, v + j * width, 1, s->d);
            sum[j % 8] += (double)p[j] * (double)row[j];
        }
        const double mean = sum_lanes(sum);
        for (size_t j = 0; j < s->S; j++) {
            row[j] = (float)((double)p[j] * ((double)row[j] - mean));
            row[j] = row[j] * s->scale;
        }
    }
}

void attention_backward(float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k,
                        const float *v, const float *mask, const AttentionShape *s, void *scratch)
{
    const size_t T = s->T, S = s->S, width = s->heads * s->d;
    float *P = scratch, *dS = P + T * S;
    for (size_t i = 0; i < s->B * s->heads; i++) {
        const size_t b = i / s->heads, queries = b * T * width + i % s->heads * s->d;
        const size_t keys = b * S * width + i % s->heads * s->d;
        probabilities(P, q + queries, k + keys, mask_of(mask, s, b), s);
        score_gradient(dS, P, dy + queries, v + keys, s);
        for (size_t c = 0; c < s->d; c++) {
            for (size_t t = 0; dq != NULL && t < T; t++)
                dq[queries + t * width + c] = panel_dot(dS + t * S, 1, k + keys + c, width, S);
            for (size_t j = 0; dk != NULL && j < S; j++)
                dk[keys + j * width + c] = panel_dot(dS + j, S, q + queries + c, width, T);
            for (size_t j = 0; dv != NULL && j < S; j++)
                dv[keys + j * width + c] = panel_dot(P + j, S, dy + queries + c, width, T);
        }
    }
}

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
    void *scratch = tape_alloc(tape, attention_scratch(&self->shape), 1);
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
    void *scratch = tape_alloc(tape, attention_scratch(&shape), 1);
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
