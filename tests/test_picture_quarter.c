#include "diffusion/picture_quarter.h"

#include "tests/net_check.h"

/* Each quarter of a picture of four flat colours is one of them everywhere. */
static void test_flat_quarters(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *x = any_tensor(&arena, 1, 4, 1, 1, 6, 8);
    for (int i = 0; i < 48; i++)
        x->data[i] = (float)((i / 24) * 2 + i % 8 / 4);
    for (int q = 0; q < PICTURE_QUARTERS; q++) {
        const Tensor *y = picture_quarter(&tape, x, q);
        CHECK(y != NULL && tensor_same_shape(y, x));
        for (int i = 0; i < 48 && y != NULL; i++)
            CHECK(y->data[i] == (float)q);
    }
    arena_free(&arena);
}

/* A row 4, 8 becomes 4, 5, 7, 8: half-pixel centres, the edge repeated. */
static void test_by_hand(void)
{
    static const float WANT[4] = {4.0f, 5.0f, 7.0f, 8.0f};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float data[16];
    for (int i = 0; i < 16; i++)
        data[i] = i % 4 < 2 ? 100.0f : 4.0f * (float)(i % 4 - 1);
    const Tensor *y =
        picture_quarter(&tape, tape_input(&tape, data, 4, (const int[]){1, 1, 4, 4}, false), 3);
    for (int i = 0; i < 16 && CHECK(y != NULL); i++)
        CHECK(y->data[i] == WANT[i % 4]);
    arena_free(&arena);
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return picture_quarter(tape, inputs[0], *(const int *)context);
}

static void test_slope(void)
{
    Arena arena = {0};
    Tensor *x = any_tensor(&arena, 2, 4, 2, 3, 4, 6);
    for (int q = 0; q < PICTURE_QUARTERS; q++)
        check_slope(run, &q, &x, x, 0x1p-6f, 1e-4);
    arena_free(&arena);
}

static void refused(Tensor *x, int quarter, Status status)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    CHECK(picture_quarter(&tape, x, quarter) == NULL && tape.error.status == status);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    refused(any_tensor(&arena, 1, 4, 1, 3, 5, 4), 0, STATUS_SHAPE);
    refused(any_tensor(&arena, 1, 4, 1, 3, 4, 5), 0, STATUS_SHAPE);
    refused(any_tensor(&arena, 1, 3, 3, 4, 4), 0, STATUS_SHAPE);
    refused(any_tensor(&arena, 1, 4, 1, 3, 4, 4), 4, STATUS_ARGUMENT);
    refused(any_tensor(&arena, 1, 4, 1, 3, 4, 4), -1, STATUS_ARGUMENT);
    arena_free(&arena);
}

typedef struct {
    Tensor *x;
    Arena arena;
} Attempt;

static Status try_quarter(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    (void)picture_quarter(&tape, a->x, 2);
    arena_free(&a->arena);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    Arena arena = {0};
    Attempt a = {.x = any_tensor(&arena, 3, 4, 1, 3, 4, 4)};
    check_allocations(try_quarter, &a, &a.arena);
    arena_free(&arena);
}

int main(void)
{
    test_flat_quarters();
    test_by_hand();
    test_slope();
    test_refused();
    test_failing_allocations();
    return check_report("picture_quarter");
}
