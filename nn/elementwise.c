#include "nn/elementwise.h"


#include "base/isa.h"

extern const ElementwiseTable elementwise_table_base, elementwise_table_avx2, elementwise_table_avx512;

const ElementwiseTable *elementwise_table(void)
{
#if ISA_LEVELS > 1
    static const ElementwiseTable *const tables[] = {&elementwise_table_base, &elementwise_table_avx2,
                                                     &elementwise_table_avx512};
    return tables[isa_level()];
#else
    return &elementwise_table_base;
#endif
}

void binary_forward(float *y, const float *a, const float *b, const Broadcast *shape, BinaryKind kind)
{
    broadcast_forward(y, a, b, shape, &elementwise_table()->binary[kind]);
}

typedef struct {
    TapeNode node;
    Tensor *a, *b;
    BinaryKind kind;
} BinaryNode;

/* d = u op v, where u has the result's shape and v is repeated to it. */
static void meet(float *d, const Tensor *like, const float *u, const Tensor *v, BinaryKind kind)
{
    Broadcast shape;
    if (broadcast_shapes(&shape, like, v)) /* it did in the forward */
        binary_forward(d, u, v->data, &shape, kind);
}

/* d loss / d a before summing, in the result's shape; false: it is dy itself. */
static bool slope_a(float *d, const BinaryNode *self)
{
    const Tensor *y = self->node.out;
    if (self->kind == BINARY_ADD || self->kind == BINARY_SUBTRACT)
        return false;
    if (d != NULL)
        meet(d, y, y->grad, self->b, self->kind);
    return true;
}

/* The same for b. */
static bool slope_b(float *d, const BinaryNode *self)
{
    const Tensor *y = self->node.out;
    const size_t n = tensor_count(y);
    if (self->kind == BINARY_ADD)
        return false;
    if (d == NULL)
        return true;
    if (self->kind == BINARY_MULTIPLY) {
        meet(d, y, y->grad, self->a, BINARY_MULTIPLY);
        return true;
    }
    if (self->kind == BINARY_SUBTRACT) {
        unary_forward(d, y->grad, n, UNARY_SCALE, -1.0f, 0.0f);
        return true;
    }
    meet(d, y, y->grad, self->b, BINARY_DIVIDE);
    meet(d, y, d, y, BINARY_MULTIPLY);
    array_scale(d, d, n, -1.0f);
    return true;
}

/* Sends an operand its gradient: straight into its own buffer when it has the result's shape, otherwise by
 * way of a scratch of the result's shape that is then summed.  last: dy is not needed after it. */
static void send(Tape *tape, Tensor *x, const BinaryNode *self,
                 bool (*slope)(float *d, const BinaryNode *self), bool last)
{
    Tensor *y = self->node.out;
    if (!x->wants_grad)
        return;
    if (tensor_same_shape(x, y)) {
        if (!slope(NULL, self)) {
            tape_grad_pass(tape, x, y, last);
            return;
        }
        float *dx = tape_grad_begin(tape, x);
        if (dx != NULL)
            slope(dx, self);
        tape_grad_end(tape, x, dx);
        return;
    }
    if (!slope(NULL, self)) {
        broadcast_send(tape, x, y->grad, y->rank, y->dim);
        return;
    }
    float *full = tape_scratch(tape, tensor_count(y));
    if (full == NULL)
        return;
    slope(full, self);
    broadcast_send(tape, x, full, y->rank, y->dim);
    tape_scratch_end(tape, full);
}

static void binary_backward(Tape *tape, const TapeNode *node)
{
    const BinaryNode *self = (const BinaryNode *)node;
    send(tape, self->a, self, slope_a, !self->b->wants_grad);
    send(tape, self->b, self, slope_b, true);
}

static Tensor *binary(Tape *tape, Tensor *a, Tensor *b, BinaryKind kind, const char *name)
{
    Broadcast shape;
    char text_a[64], text_b[64];
    if (a == NULL || b == NULL)
        return NULL;
    if (!broadcast_shapes(&shape, a, b))
        return tape_fail(tape, STATUS_SHAPE, "%s: shapes %s and %s do not fit together", name,
                         tensor_shape_text(a, text_a), tensor_shape_text(b, text_b));
    Tensor *y = tape_result2(tape, a, b, shape.rank, shape.dim);
    if (y == NULL)
        return NULL;
    binary_forward(y->data, a->data, b->data, &shape, kind);
    BinaryNode *node = tape_push(tape, y, sizeof *node, binary_backward);
    if (node != NULL) {
        node->a = a;
        node->b = b;
        node->kind = kind;
    }
    return y;
}

Tensor *add(Tape *tape, Tensor *a, Tensor *b)
{
    return binary(tape, a, b, BINARY_ADD, "add");
}

Tensor *subtract(Tape *tape, Tensor *a, Tensor *b)
{
    return binary(tape, a, b, BINARY_SUBTRACT, "subtract");
}

Tensor *multiply(Tape *tape, Tensor *a, Tensor *b)
{
    return binary(tape, a, b, BINARY_MULTIPLY, "multiply");
}

Tensor *divide(Tape *tape, Tensor *a, Tensor *b)
{
    return binary(tape, a, b, BINARY_DIVIDE, "divide");
}
