#include "nn/pool.h"

#include "tests/gradcheck.h"

static Tensor *build_max(Tape *tape, Tensor *const *x, const void *context)
{
    return max_pool2d(tape, x[0], *(const PoolOptions *)context);
}

static Tensor *build_average(Tape *tape, Tensor *const *x, const void *context)
{
    return average_pool2d(tape, x[0], *(const PoolOptions *)context);
}

/* Rows 1 2 3 / 4 5 6 / 7 8 9. */
static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float largest[4] = {5, 6, 8, 9}, mean[4] = {3, 4, 6, 7}, corners[4] = {3, 4, 6, 7},
                padded[4] = {12.0f / 9, 16.0f / 9, 24.0f / 9, 28.0f / 9};
    const float ceiled[4] = {5, 6, 8, 9};
    Tensor *in = tape_input(&tape, x, 4, (int[]){1, 1, 3, 3}, false);
    const Tensor *y = max_pool2d(&tape, in, (PoolOptions){.kernel = 2, .stride = 1});
    CHECK(y != NULL && tensor_count(y) == 4 && same_bits(y->data, largest, 4));
    y = average_pool2d(&tape, in, (PoolOptions){.kernel = 2, .stride = 1});
    CHECK(y != NULL && same_bits(y->data, mean, 4));
    y = average_pool2d(&tape, in, (PoolOptions){.kernel = 3, .stride = 2, .pad = 1});
    CHECK(y != NULL && same_bits(y->data, corners, 4));
    y = average_pool2d(&tape, in, (PoolOptions){.kernel = 3, .stride = 2, .pad = 1, .count_padding = true});
    CHECK(y != NULL && same_bits(y->data, padded, 4));
    y = max_pool2d(&tape, in, (PoolOptions){.kernel = 2, .ceil_mode = true});
    CHECK(y != NULL && same_bits(y->data, ceiled, 4));
    y = max_pool2d(&tape, in, (PoolOptions){.kernel = 2});
    CHECK(y != NULL && tensor_count(y) == 1 && y->data[0] == 5.0f);
    /* a window that would begin beyond the picture is left out */
    y = max_pool2d(&tape, in, (PoolOptions){.kernel = 2, .stride = 3, .ceil_mode = true});
    CHECK(y != NULL && tensor_count(y) == 1 && y->data[0] == 5.0f);
    /* rounded up, a picture smaller than the window has one window, cut at the far side */
    in = tape_input(&tape, x, 4, (int[]){1, 1, 1, 3}, false);
    y = average_pool2d(&tape, in, (PoolOptions){.kernel = 2, .ceil_mode = true});
    CHECK(y != NULL && y->dim[2] == 1 && y->dim[3] == 2 && y->data[0] == 1.5f && y->data[1] == 3.0f);
    CHECK(tape.error.status == STATUS_OK);
    CHECK(average_pool2d(&tape, in, (PoolOptions){.kernel = 3, .stride = 2, .ceil_mode = true}) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    arena_free(&arena);
}

/* Equal numbers: the first one in row-major order gets the gradient; a NaN is the largest. */
static void test_equals_and_nan(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float x[8] = {3, 3, 3, 3, 1, NAN, 9, NAN};
    const float dy[2] = {5, 7}, want[8] = {5, 0, 0, 0, 0, 7, 0, 0};
    Tensor *in = tape_input(&tape, x, 4, (int[]){1, 2, 2, 2}, true);
    Tensor *y = max_pool2d(&tape, in, (PoolOptions){.kernel = 2});
    CHECK(y != NULL && y->data[0] == 3.0f && isnan(y->data[1]));
    CHECK(tape_backward(&tape, y, dy) == STATUS_OK && same_bits(in->grad, want, 8));
    arena_free(&arena);
    arena_free(&gradients);
}

static void test_refused(void)
{
    static const PoolOptions bad[] = {
        {.kernel = 0},           {.kernel = -1},           {.kernel = 2, .stride = -1},
        {.kernel = 2, .pad = 2}, {.kernel = 3, .pad = -1}, {.kernel = 5000}};
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 4, (int[]){1, 2, 3, 4}),
           *flat = test_tensor(&arena, 1, 3, (int[]){2, 3, 4});
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena}, tape2 = {.arena = &arena};
        CHECK(max_pool2d(&tape, x, bad[i]) == NULL && tape.error.status == STATUS_ARGUMENT);
        CHECK(average_pool2d(&tape2, x, bad[i]) == NULL && tape2.error.status == STATUS_ARGUMENT);
    }
    Tape tape = {.arena = &arena}, tape2 = {.arena = &arena}, tape3 = {.arena = &arena};
    CHECK(max_pool2d(&tape, x, (PoolOptions){.kernel = 4}) == NULL && tape.error.status == STATUS_SHAPE);
    CHECK(max_pool2d(&tape2, flat, (PoolOptions){.kernel = 2}) == NULL &&
          tape2.error.status == STATUS_SHAPE);
    CHECK(max_pool2d(&tape3, NULL, (PoolOptions){.kernel = 2}) == NULL && tape3.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    static const PoolOptions options[] = {
        {.kernel = 2},
        {.kernel = 3, .stride = 2, .pad = 1},
        {.kernel = 3, .stride = 2, .ceil_mode = true},
        {.kernel = 3, .stride = 1, .pad = 1, .count_padding = true},
        {.kernel = 3, .stride = 2, .pad = 1, .ceil_mode = true, .count_padding = true},
        {.kernel = 2, .stride = 3},
        {.kernel = 4, .stride = 1, .pad = 2}};
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 4, (int[]){2, 3, 6, 7});
    for (size_t i = 0; i < tensor_count(x);
         i++) /* no two numbers within two steps, so that the largest stays */
        x->data[i] = (float)(i * 55 % 252) * 0.1f - 12.6f;
    test_by_hand();
    test_equals_and_nan();
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        OperatorCase c = {.name = "pool", .build = build_max, .context = &options[i], .count = 1, .x = {x}};
        operatorcheck(&c, 0);
        c.build = build_average;
        operatorcheck(&c, 0);
    }
    test_refused();
    arena_free(&arena);
    return check_report("pool");
}
