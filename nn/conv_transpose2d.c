#include "nn/conv_transpose2d.h"

#include <limits.h>

typedef struct {
    TapeNode node;
    Tensor *x, *weight, *bias;
    Conv2dShape shape; /* of the conv2d whose gradient this is: its x is our y, its y is our x */
} ConvTranspose2dNode;

static void conv_transpose2d_node_backward(Tape *tape, const TapeNode *node)
{
    const ConvTranspose2dNode *self = (const ConvTranspose2dNode *)node;
    const Conv2dShape *shape = &self->shape;
    const float *dy = node->out->grad;
    const ArenaMark mark = arena_mark(tape->arena);
    const size_t forward = conv2d_forward_scratch(shape), backward = conv2d_backward_scratch(shape);
    void *scratch = tape_alloc(tape, forward > backward ? forward : backward, 1);
    float *dx = tape_grad_begin(tape, self->x);
    float *dweight = tape_grad_add(tape, self->weight);
    float *dbias = tape_grad_add(tape, self->bias);
    if (tape->error.status == STATUS_OK) {
        if (dx != NULL)
            conv2d_forward(dx, dy, self->weight->data, NULL, shape, scratch);
        if (dweight != NULL)
            conv2d_backward_weight(dweight, self->x->data, dy, shape, scratch);
        if (dbias != NULL)
            conv2d_backward_bias(dbias, dy, shape->N, shape->C, shape->H * shape->W);
    }
    tape_grad_end(tape, self->x, dx);
    arena_release(tape->arena, mark);
}

static long long or_one(int option)
{
    return option == 0 ? 1 : option;
}

/* The size of y along one axis, or 0 when there is none. */
static int spread(int size, int before, int after, int taps, const ConvTranspose2dOptions *o, int extra)
{
    const long long stride = or_one(o->conv.stride), dilation = or_one(o->conv.dilation);
    const long long y = (size - 1LL) * stride - before - after + (taps - 1LL) * dilation + 1 + extra;
    return size < 1 || extra < 0 || extra >= stride || y < 1 || y > INT_MAX ? 0 : (int)y;
}

/* The shape of y, and of the conv2d that goes back from it; false when they do not fit. */
static bool transposed_shape(Tensor *y, Conv2dShape *shape, const Tensor *x, const Tensor *weight,
                             const ConvTranspose2dOptions *o)
{
    const Conv2dOptions *c = &o->conv;
    if (x->rank != 4 || weight->rank != 4 || weight->dim[0] != x->dim[1])
        return false;
    const long long channels = weight->dim[1] * or_one(c->groups);
    if (channels < 0 || channels > INT_MAX)
        return false;
    *y = (Tensor){.rank = 4,
                  .dim = {x->dim[0], (int)channels,
                          spread(x->dim[2], c->pad_top, c->pad_bottom, weight->dim[2], o, o->extra_bottom),
                          spread(x->dim[3], c->pad_left, c->pad_right, weight->dim[3], o, o->extra_right)}};
    return conv2d_shape(shape, y, weight, *c) && shape->OH == (size_t)x->dim[2] &&
           shape->OW == (size_t)x->dim[3];
}

static void add_bias(float *y, const float *bias, const Conv2dShape *s)
{
    const size_t P = s->H * s->W;
    for (size_t n = 0; n < s->N; n++)
        for (size_t c = 0; c < s->C; c++)
            for (size_t p = 0; p < P; p++)
                y[(n * s->C + c) * P + p] = y[(n * s->C + c) * P + p] + bias[c];
}

Tensor *conv_transpose2d(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias,
                         ConvTranspose2dOptions options)
{
    if (x == NULL || weight == NULL)
        return NULL;
    Tensor like;
    Conv2dShape shape;
    if (!transposed_shape(&like, &shape, x, weight, &options) ||
        (bias != NULL && tensor_count(bias) != shape.C)) {
        char left[64], right[64];
        return tape_fail(
            tape, STATUS_SHAPE, "conv_transpose2d: input %s does not fit weight %s%s and the options",
            tensor_shape_text(x, left), tensor_shape_text(weight, right), bias != NULL ? ", its bias" : "");
    }
    Tensor *y = tape_result3(tape, x, weight, bias, 4, like.dim);
    if (y == NULL)
        return NULL;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, conv2d_backward_scratch(&shape), 1);
    if (scratch == NULL)
        return NULL;
    conv2d_backward_input(y->data, x->data, weight->data, &shape, scratch);
    if (bias != NULL)
        add_bias(y->data, bias->data, &shape);
    arena_release(tape->arena, mark);
    ConvTranspose2dNode *node = tape_push(tape, y, sizeof *node, conv_transpose2d_node_backward);
    if (node != NULL) {
        node->x = x;
        node->weight = weight;
        node->bias = bias;
        node->shape = shape;
    }
    return y;
}
