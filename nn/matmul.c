#include "nn/matmul.h"

#include "nn/gemm_product.h"

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t matmul_scratch(const MatmulShape *s)
{
    const size_t forward = gemm_product_scratch(s->M, s->N, s->K);
    const size_t to_a = gemm_product_scratch(s->M, s->K, s->N);
    const size_t to_b =
        s->transpose_b ? gemm_product_scratch(s->N, s->K, s->M) : gemm_product_scratch(s->K, s->N, s->M);
    return most(forward, most(to_a, to_b));
}

void matmul_forward(float *c, const float *a, const float *b, const MatmulShape *s, void *scratch)
{
    const size_t M = s->M, N = s->N, K = s->K;
    const GemmProduct product = {.batch = s->batch,
                                 .rows = M,
                                 .lanes = N,
                                 .K = K,
                                 .a = {a, M * K, K, 1},
                                 .b = {b, K * N, s->transpose_b ? K : 1, s->transpose_b ? 1 : N},
                                 .c = {c, M * N, N, 1}};
    gemm_product(&product, scratch);
}

/* da = dc b^T */
static void to_a(float *da, const float *dc, const float *b, const MatmulShape *s, void *scratch)
{
    const size_t M = s->M, N = s->N, K = s->K;
    const GemmProduct product = {.batch = s->batch,
                                 .rows = M,
                                 .lanes = K,
                                 .K = N,
                                 .a = {dc, M * N, N, 1},
                                 .b = {b, K * N, s->transpose_b ? 1 : N, s->transpose_b ? K : 1},
                                 .c = {da, M * K, K, 1}};
    gemm_product(&product, scratch);
}

/* db = a^T dc, or dc^T a when b came transposed: rows of `left` turned, times `right`. */
static void to_b(float *db, const float *left, size_t rows, const float *right, size_t lanes,
                 const MatmulShape *s, void *scratch)
{
    const GemmProduct product = {.batch = s->batch,
                                 .rows = rows,
                                 .lanes = lanes,
                                 .K = s->M,
                                 .a = {left, s->M * rows, 1, rows},
                                 .b = {right, s->M * lanes, 1, lanes},
                                 .c = {db, rows * lanes, lanes, 1}};
    gemm_product(&product, scratch);
}

void matmul_backward(float *da, float *db, const float *dc, const float *a, const float *b,
                     const MatmulShape *s, void *scratch)
{
    if (da != NULL)
        to_a(da, dc, b, s, scratch);
    if (db != NULL && s->transpose_b)
        to_b(db, dc, s->N, a, s->K, s, scratch);
    else if (db != NULL)
        to_b(db, a, s->K, dc, s->N, s, scratch);
}

typedef struct {
    TapeNode node;
    Tensor *a, *b;
    MatmulShape shape;
} MatmulNode;

static void matmul_node_backward(Tape *tape, const TapeNode *node)
{
    const MatmulNode *self = (const MatmulNode *)node;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, matmul_scratch(&self->shape), 1);
    float *da = tape_grad_begin(tape, self->a);
    float *db = tape_grad_begin(tape, self->b);
    if (tape->error.status == STATUS_OK)
        matmul_backward(da, db, node->out->grad, self->a->data, self->b->data, &self->shape, scratch);
    tape_grad_end(tape, self->a, da);
    tape_grad_end(tape, self->b, db);
    arena_release(tape->arena, mark);
}

/* False when the two do not fit. */
static bool matmul_shape(MatmulShape *out, const Tensor *a, const Tensor *b, bool transpose_b)
{
    const int r = a->rank;
    if (r < 2 || b->rank != r)
        return false;
    *out = (MatmulShape){.batch = 1,
                         .M = (size_t)a->dim[r - 2],
                         .K = (size_t)a->dim[r - 1],
                         .N = (size_t)b->dim[transpose_b ? r - 2 : r - 1],
                         .transpose_b = transpose_b};
    for (int i = 0; i < r - 2; i++) {
        if (a->dim[i] != b->dim[i])
            return false;
        out->batch *= (size_t)a->dim[i];
    }
    return b->dim[transpose_b ? r - 1 : r - 2] == a->dim[r - 1];
}

Tensor *matmul(Tape *tape, Tensor *a, Tensor *b, bool transpose_b)
{
    if (a == NULL || b == NULL)
        return NULL;
    MatmulShape shape;
    if (!matmul_shape(&shape, a, b, transpose_b)) {
        char left[64], right[64];
        return tape_fail(tape, STATUS_SHAPE, "matmul: %s times %s%s does not fit",
                         tensor_shape_text(a, left), tensor_shape_text(b, right),
                         transpose_b ? " transposed" : "");
    }
    int dim[TENSOR_RANK] = {a->dim[0], a->dim[1], a->dim[2], a->dim[3]};
    dim[a->rank - 1] = (int)shape.N;
    Tensor *c = tape_result2(tape, a, b, a->rank, dim);
    if (c == NULL)
        return NULL;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, matmul_scratch(&shape), 1);
    if (scratch == NULL)
        return NULL;
    matmul_forward(c->data, a->data, b->data, &shape, scratch);
    arena_release(tape->arena, mark);
    MatmulNode *node = tape_push(tape, c, sizeof *node, matmul_node_backward);
    if (node != NULL) {
        node->a = a;
        node->b = b;
        node->shape = shape;
    }
    return c;
}
