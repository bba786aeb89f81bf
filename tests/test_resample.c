#include "nn/resample.h"

#include "tests/gradcheck.h"

typedef struct {
    Tensor *(*run)(Tape *tape, Tensor *x, int H, int W);
    int H, W;
} Target;

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    const Target *t = context;
    return t->run(tape, x[0], t->H, t->W);
}

static const Tensor *run(Tape *tape, const float *x, int h, int w, Target t)
{
    float *copy = tape_alloc(tape, (size_t)(h * w), sizeof *copy);
    memcpy(copy, x, (size_t)(h * w) * sizeof *copy);
    return t.run(tape, tape_input(tape, copy, 4, (int[]){1, 1, h, w}, false), t.H, t.W);
}

static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const float x[4] = {1, 2, 3, 4}, twice[16] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
    const float row[3] = {0, 4, 8}, five[5] = {0, 0, 4, 4, 8}, two[2] = {0, 4};
    const float smooth[6] = {0, 1, 3, 5, 7, 8}, halves[2] = {1, 7}, means[2] = {2, 6};
    const Tensor *y = run(&tape, x, 2, 2, (Target){nearest, 4, 4});
    CHECK(y != NULL && y->dim[2] == 4 && y->dim[3] == 4 && same_bits(y->data, twice, 16));
    y = run(&tape, row, 1, 3, (Target){nearest, 1, 5}); /* floor(i * 3 / 5) = 0 0 1 1 2 */
    CHECK(y != NULL && same_bits(y->data, five, 5));
    y = run(&tape, row, 3, 1, (Target){nearest, 2, 1});
    CHECK(y != NULL && same_bits(y->data, two, 2));
    y = run(&tape, row, 1, 3, (Target){bilinear, 1, 6}); /* centres -0.25 0.25 0.75 1.25 1.75 2.25 */
    CHECK(y != NULL && same_bits(y->data, smooth, 6));
    y = run(&tape, row, 3, 1, (Target){bilinear, 2, 1}); /* centres 0.25 1.75 */
    CHECK(y != NULL && same_bits(y->data, halves, 2));
    y = run(&tape, row, 1, 3, (Target){adaptive_average_pool, 1, 2}); /* windows 0 1 and 1 2 */
    CHECK(y != NULL && same_bits(y->data, means, 2));
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&arena);
}

/* A constant picture stays constant, and the same size changes nothing. */
static void test_constants_and_identity(void)
{
    Tensor *(*const all[])(Tape *, Tensor *, int, int) = {nearest, bilinear, adaptive_average_pool};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    for (int k = 0; k < 3; k++)
        for (int size = 1; size < 12; size++) {
            Tensor *x = test_tensor(&arena, 1, 4, (int[]){2, 3, 5, 4});
            const Tensor *same = all[k](&tape, x, 5, 4);
            CHECK(same != NULL && same_bits(same->data, x->data, 120));
            for (int i = 0; i < 120; i++)
                x->data[i] = 0.7f;
            const Tensor *y = all[k](&tape, x, size, 13 - size);
            double most = 0.0;
            for (size_t i = 0; y != NULL && i < tensor_count(y); i++)
                most = fabs((double)y->data[i] - 0.7) > most ? fabs((double)y->data[i] - 0.7) : most;
            CHECK(y != NULL && most < 2e-7);
        }
    arena_free(&arena);
}

/* The vector loops of doubling give the general sum, also its +0 for four -0. */
static void test_doubling_goes_back_by_sum8(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[2] = {0, 0}, dy[8] = {1.0f, 0x1p-24f, -0.0f, -0.0f, 0x1p-25f, 0x1p-25f, -0.0f, -0.0f};
    const float want[2] = {1.0f + 0x1p-23f, 0.0f};
    Tensor *in = tape_input(&tape, x, 4, (int[]){1, 1, 1, 2}, true);
    CHECK(tape_backward(&tape, nearest(&tape, in, 2, 4), dy) == STATUS_OK);
    CHECK(same_bits(in->grad, want, 2));
    arena_free(&arena);
    arena_free(&gradients);
}

static void test_refused(void)
{
    Tensor *(*const all[])(Tape *, Tensor *, int, int) = {nearest, bilinear, adaptive_average_pool};
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 4, (int[]){1, 2, 3, 4}),
           *flat = test_tensor(&arena, 1, 3, (int[]){2, 3, 4});
    Tensor *none = test_tensor(&arena, 1, 4, (int[]){1, 2, 0, 4});
    for (int k = 0; k < 3; k++) {
        static const int sizes[][2] = {{0, 4}, {4, 0}, {-1, 4}};
        for (int i = 0; i < 3; i++) {
            Tape tape = {.arena = &arena};
            CHECK(all[k](&tape, x, sizes[i][0], sizes[i][1]) == NULL &&
                  tape.error.status == STATUS_ARGUMENT);
        }
        Tape tape = {.arena = &arena}, tape2 = {.arena = &arena}, tape3 = {.arena = &arena};
        CHECK(all[k](&tape, flat, 4, 4) == NULL && tape.error.status == STATUS_SHAPE);
        CHECK(all[k](&tape2, none, 4, 4) == NULL && tape2.error.status == STATUS_SHAPE);
        CHECK(all[k](&tape3, NULL, 4, 4) == NULL && tape3.error.status == STATUS_OK);
    }
    arena_free(&arena);
}

int main(void)
{
    static const Target targets[] = {{nearest, 6, 10},
                                     {nearest, 7, 4},
                                     {nearest, 2, 13},
                                     {bilinear, 6, 10},
                                     {bilinear, 2, 3},
                                     {bilinear, 9, 1},
                                     {bilinear, 3, 5},
                                     {adaptive_average_pool, 2, 7},
                                     {adaptive_average_pool, 1, 1},
                                     {adaptive_average_pool, 8, 3}};
    Arena arena = {0};
    test_by_hand();
    test_constants_and_identity();
    test_doubling_goes_back_by_sum8();
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        OperatorCase c = {.name = "resample", .build = build, .context = &targets[i], .count = 1};
        c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 3, 3, 5});
        operatorcheck(&c, 0);
    }
    const Target large = {nearest, 40, 60};
    OperatorCase c = {.name = "nearest", .build = build, .context = &large, .count = 1};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 30, 20, 30});
    operatorcheck(&c, 0);
    test_refused();
    arena_free(&arena);
    return check_report("resample");
}
