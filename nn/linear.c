#include "nn/linear.h"

#include <string.h>

#include "base/threads.h"
#include "nn/gemm.h"
#include "nn/gemm_product.h"
#include "nn/position_sum.h"

/* Few rows of x: packing the weight would cost more than the product, so x is packed and the result turned. */
enum { FEW_ROWS = 64 };

/* x as it is, or, when its rows are no whole vectors, copied to rows that are: the tiles read whole vectors. */
static size_t padded(const LinearShape *s)
{
    const size_t width = gemm_kernels()->lanes;
    return gemm_groups(s->in, width) * width;
}

/* Offsets of the rows of dy and x, and where panels begin. */
static size_t table_bytes(const LinearShape *s)
{
    const size_t bytes =
        2 * s->T * sizeof(ptrdiff_t) + (gemm_groups(s->T, GEMM_PANEL) + 1) * sizeof(size_t);
    return gemm_groups(bytes, 64) * 64;
}

/* How the gradient to the weight is cut, lanes in whole vectors; a worker's floats: a block of it, and the room of
 * gemm_samples. */
typedef struct {
    GemmCut rows, lanes;
    size_t block_row, block, room;
} WeightPlan;

static WeightPlan weight_plan(const LinearShape *s)
{
    const size_t width = gemm_kernels()->lanes, panels = gemm_groups(s->T, GEMM_PANEL);
    const GemmPart part = gemm_samples_part(panels);
    const size_t rows = gemm_least(s->out, part.rows),
                 vectors = gemm_least(padded(s) / width, part.vectors);
    return (WeightPlan){.rows = gemm_cut(s->out, part.rows),
                        .lanes = gemm_cut(padded(s) / width, part.vectors),
                        .block_row = vectors * width,
                        .block = rows * vectors * width,
                        .room = gemm_samples_room(rows, vectors, panels)};
}

static size_t weight_scratch(const LinearShape *s)
{
    const WeightPlan p = weight_plan(s);
    const size_t copy = padded(s) == s->in ? 0 : s->N * s->T * padded(s);
    return table_bytes(s) + (copy + (p.block + p.room) * (size_t)threads_count()) * sizeof(float);
}

size_t linear_forward_scratch(const LinearShape *s)
{
    const size_t rows = s->N * s->T;
    return rows < FEW_ROWS ? gemm_product_scratch(s->out, rows, s->in)
                           : gemm_product_scratch(rows, s->out, s->in);
}

size_t linear_backward_scratch(const LinearShape *s)
{
    const size_t to_x = gemm_product_scratch(s->N * s->T, s->in, s->out), to_weight = weight_scratch(s);
    return to_x > to_weight ? to_x : to_weight;
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

/* ---- the gradient to the weight: rows are the outputs, lanes the inputs, k the rows of one sample ---- */

typedef struct {
    const LinearShape *s;
    float *dweight;
    const float *x;      /* rows of whole vectors */
    GemmSamples product; /* of the whole weight */
    WeightPlan plan;
    float *room; /* plan.block + plan.room a worker */
} WeightWork;

static void weight_task(void *context, size_t task, int worker)
{
    const WeightWork *w = context;
    const WeightPlan *p = &w->plan;
    const size_t width = gemm_kernels()->lanes;
    const size_t i = task % p->rows.parts, j = task / p->rows.parts;
    const size_t r0 = gemm_begin(p->rows, i), rows = gemm_begin(p->rows, i + 1) - r0;
    const size_t v0 = gemm_begin(p->lanes, j), vectors = gemm_begin(p->lanes, j + 1) - v0;
    const size_t l0 = v0 * width, lanes = gemm_least(vectors * width, w->s->in - l0);
    float *block = w->room + (size_t)worker * (p->block + p->room);
    float *dweight = w->dweight + r0 * w->s->in + l0;
    GemmSamples g = w->product;
    g.a += r0;
    for (size_t r = 0; r < rows; r++)
        memcpy(block + r * p->block_row, dweight + r * w->s->in, lanes * sizeof *block);
    gemm_samples(block, &g, w->x + l0, rows, vectors, block + p->block);
    for (size_t r = 0; r < rows; r++)
        memcpy(dweight + r * w->s->in, block + r * p->block_row, lanes * sizeof *block);
}

void linear_backward_weight(float *dweight, const float *dy, const float *x, const LinearShape *s,
                            void *scratch)
{
    const size_t row = padded(s), panels = gemm_groups(s->T, GEMM_PANEL);
    ptrdiff_t *a_k = scratch, *b_k = a_k + s->T;
    size_t *begin = (size_t *)(void *)(b_k + s->T);
    float *copy = (float *)(void *)((char *)scratch + table_bytes(s));
    gemm_offsets(a_k, s->T, s->out);
    gemm_offsets(b_k, s->T, row);
    for (size_t q = 0; q <= panels; q++)
        begin[q] = gemm_least(q * GEMM_PANEL, s->T);
    WeightWork w = {.s = s, .dweight = dweight, .x = x, .plan = weight_plan(s), .room = copy};
    if (row != s->in) {
        for (size_t i = 0; i < s->N * s->T; i++) {
            memcpy(copy + i * row, x + i * s->in, s->in * sizeof *copy);
            memset(copy + i * row + s->in, 0, (row - s->in) * sizeof *copy);
        }
        w.x = copy;
        w.room = copy + s->N * s->T * row;
    }
    w.product = (GemmSamples){.samples = s->N,
                              .a = dy,
                              .a_row = 1,
                              .a_sample = s->T * s->out,
                              .sum = {a_k, b_k, begin, panels},
                              .b_sample = s->T * row,
                              .c_row = w.plan.block_row};
    parallel_for(w.plan.rows.parts * w.plan.lanes.parts, weight_task, &w);
}

void linear_backward_bias(float *dbias, const float *dy, const LinearShape *s)
{
    position_sum(
        dbias, dy,
        &(PositionSum){
            .samples = s->N, .keep0 = 1, .sum0 = s->T, .keep1 = s->out, .sum1 = 1, .add_samples = true});
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
    void *scratch = tape_alloc(tape, linear_backward_scratch(shape), 1);
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
    void *scratch = tape_alloc(tape, linear_forward_scratch(&shape), 1);
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
