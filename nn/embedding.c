#include "nn/embedding.h"

#include <string.h>

#include "base/sum_inline.h"

/* Column c of the rows dy[p] whose id is `id`, p from `first` on, by sum8. */
static float column_sum(const float *dy, const int *ids, size_t first, size_t P, size_t width, size_t c)
{
    double s[SUM_LANES] = {0};
    size_t used = 0;
    for (size_t p = first; p < P; p++)
        if (ids[p] == ids[first])
            s[used++ % SUM_LANES] += (double)dy[p * width + c];
    return (float)sum8_fold(s);
}

static size_t uses(const int *ids, size_t begin, size_t end, int id)
{
    size_t count = 0;
    for (size_t p = begin; p < end; p++)
        count += ids[p] == id;
    return count;
}

void embedding_backward(float *dtable, const float *dy, const int *ids, size_t N, size_t P, size_t width)
{
    for (size_t n = 0; n < N; n++, ids += P, dy += P * width)
        for (size_t p = 0; p < P; p++) {
            if (uses(ids, 0, p, ids[p]) > 0)
                continue; /* summed at its first use */
            float *row = dtable + (size_t)ids[p] * width;
            const bool once = uses(ids, p, P, ids[p]) == 1;
            for (size_t c = 0; c < width; c++) {
                const float sum = once ? dy[p * width + c] : column_sum(dy, ids, p, P, width, c);
                row[c] = row[c] + sum;
            }
        }
}

typedef struct {
    TapeNode node;
    Tensor *table;
    int *ids;
    size_t N, P;
} EmbeddingNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const EmbeddingNode *self = (const EmbeddingNode *)node;
    float *dtable = tape_grad_add(tape, self->table);
    if (dtable != NULL)
        embedding_backward(dtable, node->out->grad, self->ids, self->N, self->P,
                           (size_t)self->table->dim[1]);
}

Tensor *embedding(Tape *tape, Tensor *table, const int *ids, int rank, const int *dim)
{
    char text[64];
    int out[TENSOR_RANK];
    if (table == NULL || ids == NULL)
        return NULL;
    if (table->rank != 2 || rank < 0 || rank >= TENSOR_RANK)
        return tape_fail(tape, STATUS_SHAPE, "embedding: a table of shape %s, ids of rank %d",
                         tensor_shape_text(table, text), rank);
    for (int k = 0; k < rank; k++)
        out[k] = dim[k];
    out[rank] = table->dim[1];
    Tensor *y = tape_result(tape, table, rank + 1, out);
    if (y == NULL)
        return NULL;
    const size_t width = (size_t)table->dim[1], N = rank > 0 ? (size_t)dim[0] : 1;
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    for (size_t p = 0; p < count; p++) {
        if (ids[p] < 0 || ids[p] >= table->dim[0])
            return tape_fail(tape, STATUS_ARGUMENT,
                             "embedding: id %d at position %zu; the table has %d rows", ids[p], p,
                             table->dim[0]);
        memcpy(y->data + p * width, table->data + (size_t)ids[p] * width, width * sizeof(float));
    }
    EmbeddingNode *node = tape_push(tape, y, sizeof *node, node_backward);
    int *kept = node != NULL ? tape_alloc(tape, count, sizeof *kept) : NULL;
    if (kept != NULL) {
        memcpy(kept, ids, count * sizeof *kept);
        node->table = table;
        node->ids = kept;
        node->N = N;
        node->P = N > 0 ? count / N : 0;
    }
    return y;
}
