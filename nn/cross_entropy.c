/* nn/cross_entropy.c - minus the log of the probability of the right label (see nn/losses.h). */
#include <string.h>

#include "base/elementary.h"
#include "nn/losses.h"
#include "nn/ranges.h"
#include "nn/softmax.h"

typedef struct {
    TapeNode node;
    Tensor *logits;
    int *labels;
    float *y; /* softmax of the logits (N,K) */
} CrossEntropyNode;

typedef struct {
    float *loss, *y; /* (N), (N,K) */
    const float *x;
    const int *labels;
    size_t K;
} LossTask;

static void loss_rows(void *context, size_t begin, size_t end)
{
    const LossTask *t = context;
    for (size_t r = begin; r < end; r++) {
        const float *x = t->x + r * t->K;
        float most = x[0];
        for (size_t k = 1; k < t->K; k++)
            most = most < x[k] ? x[k] : most;
        const float sum = (float)softmax_table()->forward(t->y + r * t->K, x, t->K);
        const float below = x[t->labels[r]] - most;
        t->loss[r] = log_f32(sum) - below;
    }
}

static void node_backward(Tape *tape, const TapeNode *node)
{
    const CrossEntropyNode *self = (const CrossEntropyNode *)node;
    const size_t N = (size_t)self->logits->dim[0], K = (size_t)self->logits->dim[1];
    float *dx = tape_grad_begin(tape, self->logits);
    if (dx == NULL)
        return;
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < K; k++) {
            const float right = k == (size_t)self->labels[n] ? 1.0f : 0.0f;
            const float slope = self->y[n * K + k] - right;
            dx[n * K + k] = node->out->grad[n] * slope;
        }
    tape_grad_end(tape, self->logits, dx);
}

Tensor *cross_entropy(Tape *tape, Tensor *logits, const int *labels)
{
    char text[64];
    if (logits == NULL || labels == NULL)
        return NULL;
    if (logits->rank != 2 || logits->dim[1] < 1)
        return tape_fail(tape, STATUS_SHAPE, "cross_entropy: logits of shape %s",
                         tensor_shape_text(logits, text));
    const size_t N = (size_t)logits->dim[0], K = (size_t)logits->dim[1];
    for (size_t n = 0; n < N; n++)
        if (labels[n] < 0 || (size_t)labels[n] >= K)
            return tape_fail(tape, STATUS_ARGUMENT,
                             "cross_entropy: label %d of sample %zu; there are %zu classes", labels[n], n,
                             K);
    Tensor *loss = tape_result(tape, logits, 1, logits->dim);
    float *y = tape_alloc(tape, N * K, sizeof *y);
    int *kept = tape_alloc(tape, N, sizeof *kept);
    if (loss == NULL || y == NULL || kept == NULL)
        return NULL;
    memcpy(kept, labels, N * sizeof *kept);
    LossTask task = {loss->data, y, logits->data, kept, K};
    parallel_ranges(N, rows_per_task(K, RANGE_COSTLY), loss_rows, &task);
    CrossEntropyNode *node = tape_push(tape, loss, sizeof *node, node_backward);
    if (node != NULL) {
        node->logits = logits;
        node->labels = kept;
        node->y = y;
    }
    return loss;
}
