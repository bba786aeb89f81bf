/* nn/attention.h - scaled dot-product attention with several heads.
 *
 *   P = softmax(scale * q k^T + mask) over the keys,   y = P v,   head by head
 *
 * Source: Vaswani et al. 2017 [Vas17], equation 1.  The bits are those of the composition of matmul, scale,
 * mask, softmax and matmul; but only one block of queries is in memory at a time, never the T x S matrix.
 * Derivation: docs/math/attention.md. */
#ifndef NN_ATTENTION_H
#define NN_ATTENTION_H

#include "nn/tape.h"

/* Looks at, or edits, the probabilities P (B*heads,T,S) on the tape, and returns what to use for P: the same
 * tensor or another one of its shape (NULL ends the run). */
typedef Tensor *(*AttentionEdit)(void *context, Tape *tape, Tensor *probabilities);

/* Zeros mean the usual, but heads must be given. */
typedef struct {
    int heads;          /* divides the width of q, k and v */
    bool causal;        /* a query sees no later key: the score of key > query is -infinity */
    float scale;        /* 0: 1/sqrt(d), d the width of a head */
    Tensor *mask;       /* added to the scaled scores: (T,S) or (B,T,S), may hold -infinity; no gradient */
    AttentionEdit edit; /* NULL, or called with P in memory: slower, the same bits */
    void *edit_context;
} AttentionOptions;

/* B samples of T queries and S keys; head h lies in columns h*d to h*d + d - 1.
 *   q, y (B,T,heads*d)   k (B,S,heads*d)   v (B,S,heads*d)   mask (T,S), (B,T,S) or NULL */
typedef struct {
    size_t B, T, S, heads, d;
    float scale;
    bool causal, mask_per_sample;
} AttentionShape;

/* Bytes of scratch that the two functions below need. */
size_t attention_forward_scratch(const AttentionShape *shape);
size_t attention_backward_scratch(const AttentionShape *shape);

void attention_forward(float *y,                                                          // out
                       const float *q, const float *k, const float *v, const float *mask, // in
                       const AttentionShape *shape, void *scratch);

/* With P computed again and dP = dy v^T:  dv = P^T dy,  dS = P * (dP - sum8 over the keys of P * dP) as
 * in nn/softmax.h (binary64, rounded once),  dq = scale * dS k,  dk = (scale * dS)^T q; written, each may be
 * NULL.  dv and dk sum over the queries, dq over the keys, dP over d. */
void attention_backward(float *dq, float *dk, float *dv, // out
                        const float *dy, const float *q, const float *k, const float *v,
                        const float *mask, // in
                        const AttentionShape *shape, void *scratch);

/* What attention() does when options->edit is given: q, k, v and mask fit the shape. */
Tensor *attention_in_steps(Tape *tape, Tensor *q, Tensor *k, Tensor *v, const AttentionShape *shape,
                           const AttentionOptions *options);

/* On the tape: y (B,T,heads*d).  STATUS_SHAPE when q, k, v, mask or heads do not fit. */
Tensor *attention(Tape *tape, Tensor *q, Tensor *k, Tensor *v, AttentionOptions options);

#endif
