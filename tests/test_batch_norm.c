#include "nn/batch_norm.h"

#include "tests/gradcheck.h"

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return batch_norm(tape, x[0], x[1], x[2], x[3], x[4], 1e-3f);
}

static void inputs(OperatorCase *c, Arena *arena, int rank, const int *dim)
{
    *c = (OperatorCase){.name = "batch_norm", .build = build, .count = 5};
    c->x[0] = test_tensor(arena, 1, rank, dim);
    for (int k = 1; k < 5; k++)
        c->x[k] = test_tensor(arena, (uint64_t)k + 1, 1, dim + 1);
    c->x[3]->wants_grad = c->x[4]->wants_grad = false;
    for (int i = 0; i < dim[1]; i++)
        c->x[4]->data[i] = c->x[4]->data[i] * c->x[4]->data[i] + 0.5f;
}

/* Channel 0: mean 1, variance 4, scale 3, shift 5: (7 - 1) / 2 * 3 + 5. */
static void test_by_hand(void)
{
    float x[2] = {7, -1}, gamma[2] = {3, 1}, beta[2] = {5, 0}, mean[2] = {1, 0}, variance[2] = {4, 1};
    Tensor tx = {.rank = 2, .dim = {1, 2, 1, 1}, .data = x},
           tg = {.rank = 1, .dim = {2, 1, 1, 1}, .data = gamma};
    Tensor tb = tg, tm = tg, tv = tg;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    tb.data = beta, tm.data = mean, tv.data = variance;
    const Tensor *y = batch_norm(&tape, &tx, &tg, &tb, &tm, &tv, 0.0f);
    CHECK(y != NULL && y->data[0] == 14.0f && y->data[1] == -1.0f);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 4, (int[]){2, 3, 2, 2}),
           *three = test_tensor(&arena, 2, 1, (int[]){3});
    Tensor *two = test_tensor(&arena, 2, 1, (int[]){2});
    for (int wrong = 0; wrong < 5; wrong++) {
        Tape tape = {.arena = &arena};
        Tensor *a[5] = {x, three, three, three, three};
        a[wrong] = two;
        CHECK(batch_norm(&tape, a[0], a[1], a[2], a[3], a[4], 1e-3f) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
    }
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    OperatorCase c;
    test_by_hand();
    inputs(&c, &arena, 4, (int[]){3, 5, 3, 7});
    operatorcheck(&c, 0x1e);
    inputs(&c, &arena, 2, (int[]){4, 6});
    operatorcheck(&c, 0x1e);
    test_refused();
    arena_free(&arena);
    return check_report("batch_norm");
}
