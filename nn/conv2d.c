#include "nn/conv2d.h"

Conv2dOptions conv2d_padding(int stride, int pad)
{
    return (Conv2dOptions){
        .stride = stride, .pad_top = pad, .pad_bottom = pad, .pad_left = pad, .pad_right = pad};
}

static int or_one(int option)
{
    return option == 0 ? 1 : option;
}

/* How often a kernel of `taps` fits; 0 when it never does. */
static size_t outputs(int size, int before, int after, int taps, int stride, int dilation)
{
    const long long span = (long long)(taps - 1) * dilation + 1;
    const long long room = (long long)size + before + after - span;
    return size < 1 || room < 0 ? 0 : (size_t)(room / stride + 1);
}

bool conv2d_shape(Conv2dShape *out, const Tensor *x, const Tensor *weight, Conv2dOptions options)
{
    const int stride = or_one(options.stride), dilation = or_one(options.dilation);
    const int groups = or_one(options.groups);
    const int *d = x->dim, *w = weight->dim;
    if (x->rank != 4 || weight->rank != 4 || stride < 1 || dilation < 1 || groups < 1 ||
        options.pad_top < 0 || options.pad_bottom < 0 || options.pad_left < 0 || options.pad_right < 0)
        return false;
    if (w[2] < 1 || w[3] < 1 || w[0] % groups != 0 || d[1] % groups != 0 || d[1] / groups != w[1])
        return false;
    *out = (Conv2dShape){.N = (size_t)d[0],
                         .C = (size_t)d[1],
                         .H = (size_t)d[2],
                         .W = (size_t)d[3],
                         .O = (size_t)w[0],
                         .KH = (size_t)w[2],
                         .KW = (size_t)w[3],
                         .OH = outputs(d[2], options.pad_top, options.pad_bottom, w[2], stride, dilation),
                         .OW = outputs(d[3], options.pad_left, options.pad_right, w[3], stride, dilation),
                         .stride = (size_t)stride,
                         .pad_top = (size_t)options.pad_top,
                         .pad_left = (size_t)options.pad_left,
                         .dilation = (size_t)dilation,
                         .groups = (size_t)groups};
    return out->OH > 0 && out->OW > 0;
}

/* ---- the tape ---- */

typedef struct {
    TapeNode node;
    Tensor *x, *weight, *bias;
    Conv2dShape shape;
} Conv2dNode;

static void conv2d_node_backward(Tape *tape, const TapeNode *node)
{
    const Conv2dNode *self = (const Conv2dNode *)node;
    const Conv2dShape *shape = &self->shape;
    const float *dy = node->out->grad;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, conv2d_backward_scratch(shape), 1);
    float *dx = tape_grad_begin(tape, self->x);
    float *dweight = tape_grad_add(tape, self->weight);
    float *dbias = tape_grad_add(tape, self->bias);
    if (tape->error.status == STATUS_OK) {
        if (dx != NULL)
            conv2d_backward_input(dx, dy, self->weight->data, shape, scratch);
        if (dweight != NULL)
            conv2d_backward_weight(dweight, dy, self->x->data, shape, scratch);
        if (dbias != NULL)
            conv2d_backward_bias(dbias, dy, shape->N, shape->O, shape->OH * shape->OW);
    }
    tape_grad_end(tape, self->x, dx);
    arena_release(tape->arena, mark);
}

Tensor *conv2d(Tape *tape, Tensor *x, Tensor *weight, Tensor *bias, Conv2dOptions options)
{
    if (x == NULL || weight == NULL)
        return NULL;
    Conv2dShape shape;
    if (!conv2d_shape(&shape, x, weight, options) || (bias != NULL && tensor_count(bias) != shape.O)) {
        char left[64], right[64];
        return tape_fail(tape, STATUS_SHAPE,
                         "conv2d: input %s does not fit weight %s%s with stride %d, padding %d %d %d %d, "
                         "dilation %d, groups %d",
                         tensor_shape_text(x, left), tensor_shape_text(weight, right),
                         bias != NULL ? " and its bias" : "", options.stride, options.pad_top,
                         options.pad_bottom, options.pad_left, options.pad_right, options.dilation,
                         options.groups);
    }
    const int dim[4] = {(int)shape.N, (int)shape.O, (int)shape.OH, (int)shape.OW};
    Tensor *y = tape_result3(tape, x, weight, bias, 4, dim);
    if (y == NULL)
        return NULL;
    const ArenaMark mark = arena_mark(tape->arena);
    void *scratch = tape_alloc(tape, conv2d_forward_scratch(&shape), 1);
    if (scratch == NULL)
        return NULL;
    conv2d_forward(y->data, x->data, weight->data, bias != NULL ? bias->data : NULL, &shape, scratch);
    arena_release(tape->arena, mark);
    Conv2dNode *node = tape_push(tape, y, sizeof *node, conv2d_node_backward);
    if (node != NULL) {
        node->x = x;
        node->weight = weight;
        node->bias = bias;
        node->shape = shape;
    }
    return y;
}
