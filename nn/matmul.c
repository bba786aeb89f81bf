#include "nn/matmul.h"

enum { PANEL = 256 };

size_t matmul_scratch(const MatmulShape *shape)
{
    (void)shape;
    return 0;
}

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

/* c (M,N): c[i][j] = sum over k of a[i*a_row + k*a_step] * b[j*b_row + k*b_step]. */
typedef struct {
    float *c;
    const float *a, *b;
    size_t M, N, K, a_row, a_step, b_row, b_step;
} Product;

static void product(const Product *p)
{
    for (size_t i = 0; i < p->M; i++)
        for (size_t j = 0; j < p->N; j++)
            p->c[i * p->N + j] =
                panel_dot(p->a + i * p->a_row, p->a_step, p->b + j * p->b_row, p->b_step, p->K);
}

void matmul_forward(float *c, const float *a, const float *b, const MatmulShape *shape, float *scratch)
{
    const size_t M = shape->M, N = shape->N, K = shape->K;
    (void)scratch;
    for (size_t n = 0; n < shape->batch; n++)
        product(&(Product){.c = c + n * M * N,
                           .a = a + n * M * K,
                           .b = b + n * N * K,
                           .M = M,
                           .N = N,
                           .K = K,
                           .a_row = K,
                           .a_step = 1,
                           .b_row = shape->transpose_b ? K : 1,
                           .b_step = shape->transpose_b ? 1 : N});
}

void matmul_backward(float *da, float *db, const float *dc, const float *a, const float *b,
                     const MatmulShape *shape, float *scratch)
{
    const size_t M = shape->M, N = shape->N, K = shape->K;
    const bool turned = shape->transpose_b;
    (void)scratch;
    for (size_t n = 0; n < shape->batch; n++) {
        const float *dcn = dc + n * M * N, *an = a + n * M * K, *bn = b + n * N * K;
        if (da != NULL)
            product(&(Product){.c = da + n * M * K,
                               .a = dcn,
                               .b = bn,
                               .M = M,
                               .N = K,
                               .K = N,
                               .a_row = N,
                               .a_step = 1,
                               .b_row = turned ? 1 : N,
                               .b_step = turned ? K : 1});
        if (db != NULL && turned)
            product(&(Product){.c = db + n * N * K,
                               .a = dcn,
                               .b = an,
                               .M = N,
                               .N = K,
                               .K = M,
                               .a_row = 1,
                               .a_step = N,
                               .b_row = 1,
                               .b_step = K});
        if (db != NULL && !turned)
            product(&(Product){.c = db + n * N * K,
                               .a = an,
                               .b = dcn,
                               .M = K,
                               .N = N,
                               .K = M,
                               .a_row = 1,
                               .a_step = K,
                               .b_row = 1,
                               .b_step = N});
    }
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
    float *scratch = tape_alloc(tape, matmul_scratch(&self->shape), sizeof *scratch);
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
    float *scratch = tape_alloc(tape, matmul_scratch(&shape), sizeof *scratch);
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
