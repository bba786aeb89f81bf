#include "nn/broadcast.h"

#include <string.h>

#include "nn/position_sum.h"
#include "nn/ranges.h"

/* Size of axis k of a result of that rank, as x sees it: 1 where x has no such axis. */
static int aligned(const Tensor *x, int rank, int k)
{
    const int own = k - (rank - x->rank);
    return own >= 0 ? x->dim[own] : 1;
}

/* Appends a loop, or widens the last one where both operands walk on evenly. */
static void add_loop(Broadcast *s, size_t size, size_t stride_a, size_t stride_b)
{
    const int last = s->loops - 1;
    if (last >= 0 && s->stride_a[last] == size * stride_a && s->stride_b[last] == size * stride_b) {
        s->size[last] *= size;
        s->stride_a[last] = stride_a;
        s->stride_b[last] = stride_b;
        return;
    }
    s->size[s->loops] = size;
    s->stride_a[s->loops] = stride_a;
    s->stride_b[s->loops] = stride_b;
    s->loops++;
}

/* Distance between neighbours along axis k. */
static size_t stride(const Tensor *x, int rank, int k)
{
    size_t step = 1;
    for (int i = k + 1; i < rank; i++)
        step *= (size_t)aligned(x, rank, i);
    return aligned(x, rank, k) == 1 ? 0 : step;
}

bool broadcast_shapes(Broadcast *out, const Tensor *a, const Tensor *b)
{
    Broadcast s = {.rank = a->rank > b->rank ? a->rank : b->rank, .count = 1};
    for (int k = 0; k < s.rank; k++) {
        const int da = aligned(a, s.rank, k), db = aligned(b, s.rank, k);
        if (da != db && da != 1 && db != 1)
            return false;
        s.dim[k] = da == 1 ? db : da;
        s.count *= (size_t)s.dim[k];
        if (s.dim[k] != 1)
            add_loop(&s, (size_t)s.dim[k], stride(a, s.rank, k), stride(b, s.rank, k));
    }
    if (s.loops == 0)
        add_loop(&s, 1, 1, 1);
    *out = s;
    return true;
}

typedef struct {
    float *y;
    const float *a, *b;
    const Broadcast *shape;
    const BinaryLoops *loops;
} ForwardTask;

/* Numbers begin <= i < end of the result, row after row of the innermost loop. */
static void forward_range(void *context, size_t begin, size_t end)
{
    const ForwardTask *t = context;
    const Broadcast *s = t->shape;
    const int inner = s->loops - 1;
    const bool both = s->stride_a[inner] == 1 && s->stride_b[inner] == 1;
    const BinaryLoop loop = both                      ? t->loops->both
                            : s->stride_b[inner] == 0 ? t->loops->scalar_b
                                                      : t->loops->scalar_a;
    for (size_t at = begin; at < end;) {
        const size_t column = at % s->size[inner];
        size_t row = at / s->size[inner], a = column * s->stride_a[inner], b = column * s->stride_b[inner];
        for (int k = inner - 1; k >= 0; k--) {
            a += row % s->size[k] * s->stride_a[k];
            b += row % s->size[k] * s->stride_b[k];
            row /= s->size[k];
        }
        const size_t rest = s->size[inner] - column, n = rest < end - at ? rest : end - at;
        loop(t->y + at, t->a + a, t->b + b, n);
        at += n;
    }
}

void broadcast_forward(float *y, const float *a, const float *b, const Broadcast *shape,
                       const BinaryLoops *loops)
{
    ForwardTask task = {y, a, b, shape, loops};
    parallel_ranges(shape->count, RANGE_CHEAP, forward_range, &task);
}

bool broadcast_has_samples(const Tensor *x, int rank, const int *dim)
{
    return rank > 0 && x->rank == rank && x->dim[0] == dim[0];
}

/* The axes after the first, those of one kind joined, as at most four loops: kept, summed, kept, summed. */
static PositionSum sum_loops(const Tensor *x, int rank, const int *dim)
{
    PositionSum s = {
        .samples = rank > 0 ? (size_t)dim[0] : 1, .keep0 = 1, .sum0 = 1, .keep1 = 1, .sum1 = 1};
    size_t *const loop[4] = {&s.keep0, &s.sum0, &s.keep1, &s.sum1};
    int at = 0;
    for (int k = 1; k < rank; k++) {
        const int summed = dim[k] != 1 && aligned(x, rank, k) == 1;
        if (dim[k] == 1)
            continue;
        if (at % 2 != summed)
            at++;
        *loop[at] *= (size_t)dim[k];
    }
    return s;
}

void broadcast_sum(float *d, const Tensor *x, const float *full, int rank, const int *dim)
{
    PositionSum shape = sum_loops(x, rank, dim);
    shape.add_samples = !broadcast_has_samples(x, rank, dim);
    position_sum(d, full, &shape);
}

void broadcast_send(Tape *tape, Tensor *x, const float *full, int rank, const int *dim)
{
    if (!broadcast_has_samples(x, rank, dim)) {
        float *dx = tape_grad_add(tape, x);
        if (dx != NULL)
            broadcast_sum(dx, x, full, rank, dim);
        return;
    }
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    broadcast_sum(dx, x, full, rank, dim);
    tape_grad_end(tape, x, dx);
}
