/* nn/elementwise_unary.c - the operators of one tensor (see nn/elementwise.h). */
#include "nn/elementwise.h"
#include "nn/ranges.h"

typedef struct {
    float *y;
    const float *x, *dy, *result;
    UnaryKind kind;
    float p, q;
} UnaryTask;

static size_t grain(UnaryKind kind)
{
    return kind == UNARY_EXP || kind == UNARY_LOG ? RANGE_COSTLY : RANGE_CHEAP;
}

static void forward_range(void *context, size_t begin, size_t end)
{
    const UnaryTask *t = context;
    elementwise_table()->unary[t->kind](t->y + begin, t->x + begin, end - begin, t->p, t->q);
}

void unary_forward(float *y, const float *x, size_t n, UnaryKind kind, float p, float q)
{
    UnaryTask task = {.y = y, .x = x, .kind = kind, .p = p, .q = q};
    parallel_ranges(n, grain(kind), forward_range, &task);
}

static void backward_range(void *context, size_t begin, size_t end)
{
    const UnaryTask *t = context;
    elementwise_table()->slope[t->kind](t->y + begin, t->dy + begin, t->x + begin, t->result + begin,
                                        end - begin, t->p, t->q);
}

void unary_backward(float *dx, const float *dy, const float *x, const float *y, size_t n, UnaryKind kind,
                    float p, float q)
{
    UnaryTask task = {dx, x, dy, y, kind, p, q};
    parallel_ranges(n, RANGE_CHEAP, backward_range, &task);
}

typedef struct {
    float *y;
    const float *x;
} AddTask;

static void add_range(void *context, size_t begin, size_t end)
{
    const AddTask *t = context;
    elementwise_table()->binary[BINARY_ADD].both(t->y + begin, t->y + begin, t->x + begin, end - begin);
}

void array_add(float *y, const float *x, size_t n)
{
    AddTask task = {y, x};
    parallel_ranges(n, RANGE_CHEAP, add_range, &task);
}

void array_scale(float *y, const float *x, size_t n, float s)
{
    unary_forward(y, x, n, UNARY_SCALE, s, 0.0f);
}

typedef struct {
    TapeNode node;
    Tensor *x;
    UnaryKind kind;
    float p, q;
} UnaryNode;

static void node_backward(Tape *tape, const TapeNode *node)
{
    const UnaryNode *self = (const UnaryNode *)node;
    const Tensor *y = node->out;
    float *dx = tape_grad_begin(tape, self->x);
    if (dx == NULL)
        return;
    unary_backward(dx, y->grad, self->x->data, y->data, tensor_count(y), self->kind, self->p, self->q);
    tape_grad_end(tape, self->x, dx);
}

static Tensor *unary(Tape *tape, Tensor *x, UnaryKind kind, float p, float q)
{
    if (x == NULL)
        return NULL;
    Tensor *y = tape_result(tape, x, x->rank, x->dim);
    if (y == NULL)
        return NULL;
    unary_forward(y->data, x->data, tensor_count(x), kind, p, q);
    UnaryNode *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->kind = kind;
        node->p = p;
        node->q = q;
    }
    return y;
}

Tensor *scale(Tape *tape, Tensor *x, float factor)
{
    return unary(tape, x, UNARY_SCALE, factor, 0.0f);
}

Tensor *add_scalar(Tape *tape, Tensor *x, float term)
{
    return unary(tape, x, UNARY_ADD, term, 0.0f);
}

Tensor *clamp(Tape *tape, Tensor *x, float low, float high)
{
    return unary(tape, x, UNARY_CLAMP, low, high);
}

Tensor *exponential(Tape *tape, Tensor *x)
{
    return unary(tape, x, UNARY_EXP, 0.0f, 0.0f);
}

Tensor *logarithm(Tape *tape, Tensor *x)
{
    return unary(tape, x, UNARY_LOG, 0.0f, 0.0f);
}

Tensor *square_root(Tape *tape, Tensor *x)
{
    return unary(tape, x, UNARY_SQRT, 0.0f, 0.0f);
}

Tensor *power2(Tape *tape, Tensor *x)
{
    return unary(tape, x, UNARY_POWER2, 0.0f, 0.0f);
}

Tensor *absolute(Tape *tape, Tensor *x)
{
    return unary(tape, x, UNARY_ABSOLUTE, 0.0f, 0.0f);
}
