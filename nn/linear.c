#include "nn/linear.h"

#include "nn/gemm_product.h"

/* Few rows of x: packing the weight would cost more than the product, so x is packed and the result turned. */
enum { FEW_ROWS = 64 };

size_t linear_scratch(const LinearShape *s)
{
    const size_t rows = s->N * s->T;
    const size_t forward = rows < FEW_ROWS ? gemm_product_scratch(s->out, rows, s->in)
                                           : gemm_product_scratch(rows, s->out, s->in);
    const size_t to_x = gemm_product_scratch(rows, s->in, s->out);
    return forward > to_x ? forward : to_x;
}

void linear_forward(float *y, const float *x, const float *weight, const float *bias, const LinearShape *s,
                    void *scratch)
{
    const size_t rows = s->N * s->T;
    GemmProduct product = {.batch = 1,
                           .rows = rows,
                           .lanes = s->out,
                           .K = s->in,
                           .a = {x, 0, s->in, 1},
                           .b = {weight, 0, s->in, 1},
                           .c = {y, 0, s->out, 1},
                           .lane_bias = bias};
    if (rows < FEW_ROWS)
        product = (GemmProduct){.batch = 1,
                                .rows = s->out,
                                .lanes = rows,
                                .K = s->in,
                                .a = {weight, 0, s->in, 1},
                                .b = {x, 0, s->in, 1},
                                .c = {y, 0, 1, s->out},
                                .row_bias = bias};
    gemm_product(&product, scratch);
}

void linear_backward_input(float *dx, const float *dy, const float *weight, const LinearShape *s,
                           void *scratch)
{
    const GemmProduct product = {.batch = 1,
                                 .rows = s->N * s->T,
                                 .lanes = s->in,
                                 .K = s->out,
                                 .a = {dy, 0, s->out, 1},
                                 .b = {weight, 0, 1, s->in},
                                 .c = {dx, 0, s->in, 1}};
    gemm_product(&product, scratch);
}

enum { PANEL = 256 };

void linear_backward_weight(float *dweight, const float *dy, const float *x, const LinearShape *shape,
                            void *scratch)
{
    const size_t T = shape->T, in = shape->in, out = shape->out;
    (void)scratch;
    for (size_t n = 0; n < shape->N; n++)
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++) {
                float g = 0.0f;
                for (size_t start = 0; start < T; start += PANEL) {
                    float sum = 0.0f;
                    for (size_t t = start; t < T && t < start + PANEL; t++) {
                        const float product = dy[(n * T + t) * out + o] * x[(n * T + t) * in + i];
                        sum = sum + product;
                    }
                    g = start == 0 ? sum : g + sum;
                }
                dweight[o * in + i] = dweight[o * in + i] + g;
            }
}

void linear_backward_bias(float *dbias, const float *dy, const LinearShape *shape)
{
    for (size_t n = 0; n < shape->N; n++)
        for (size_t o = 0; o < shape->out; o++) {
            double s[8] = {0};
            for (size_t t = 0; t < shape->T; t++)
                s[t % 8] += (double)dy[(n * shape->T + t) * shape->out + o];
            const float g = (float)(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])));
            dbias[o] = dbias[o] + g;
        }
}

typedef struct {
    TapeNode node;
    Tensor *x, *weight, *bias;
    LinearShape shape;
} LinearNode;

static void linear_node_backward(Tape *tape, const TapeNode *node)
{
    const LinearNode *self = (const LinearNode *)node;
    const LinearShape *shape = &self->shape;
    const float *dy = node->out->grad;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, linear_scratch(shape), 1);
    float *dx = tape_grad_begin(tape, self->x);
    float *dweight = tape_grad_add(tape, self->weight);
    float *dbias = tape_grad_add(tape, self->bias);
    if (tape->error.status == STATUS_OK) {
        if (dx != NULL)
            linear_backward_input(dx, dy, self->weight->data, shape, scratch);
        if (dweight != NULL)
            linear_backward_weight(dweight, dy, self->x->data, shape, scratch);
        if (dbias != NULL)
            linear_backward_bias(dbias, dy, shape);
    }
    tape_grad_end(tape, self->x, dx);
    arena_release(tape->arena, mark);
}

/* False when they do not fit. */
static bool linear_shape(LinearShape *out, const Tensor *x, const Tensor *weight, const Tensor *bias)
{
    if (x->rank < 1 || weight->rank < 2)
        return false;
    const int last = x->rank - 1;
    *out = (LinearShape){.N = 1, .T = 1, .in = (size_t)x->dim[last], .out = (size_t)weight->dim[0]};
    for (int i = 0; i < last; i++)
        *(i == 0 ? &out->N : &out->T) *= (size_t)x->dim[i];
    return tensor_sample(weight) == out->in && (bias == NULL || tensor_count(bias) == out->out);
}

Tensor *linear(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias)
{
    if (x == NULL || weight == NULL)
        return NULL;
    LinearShape shape;
    if (!linear_shape(&shape, x, weight, bias)) {
        char left[64], right[64];
        return tape_fail(tape, STATUS_SHAPE, "linear: input %s does not fit weight %s%s",
                         tensor_shape_text(x, left), tensor_shape_text(weight, right),
                         bias != NULL ? " and its bias" : "");
    }
    int dim[TENSOR_RANK] = {x->dim[0], x->dim[1], x->dim[2], x->dim[3]};
    dim[x->rank - 1] = (int)shape.out;
    Tensor *y = tape_result3(tape, x, weight, bias, x->rank, dim);
    if (y == NULL)
        return NULL;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, linear_scratch(&shape), 1);
    if (scratch == NULL)
        return NULL;
    linear_forward(y->data, x->data, weight->data, bias != NULL ? bias->data : NULL, &shape, scratch);
    arena_release(tape->arena, mark);
    LinearNode *node = tape_push(tape, y, sizeof *node, linear_node_backward);
    if (node != NULL) {
        node->x = x;
        node->weight = weight;
        node->bias = bias;
        node->shape = shape;
    }
    return y;
}
