#include "nn/linear.h"

#include "tests/kernel_plain.h"

static void test_one_row_by_hand(void)
{
    float x[3] = {1, 2, 3}, weight[6] = {1, 0, -1, 2, 2, 2}, bias[2] = {10, 20};
    const int x_dim[2] = {1, 3}, w_dim[2] = {2, 3}, b_dim[1] = {2};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *in = tape_input(&tape, x, 2, x_dim, false), *w = tape_input(&tape, weight, 2, w_dim, false);
    const Tensor *with = linear(&tape, in, w, tape_input(&tape, bias, 1, b_dim, false));
    const Tensor *without = linear(&tape, in, w, NULL);
    CHECK(with != NULL && with->data[0] == 8.0f && with->data[1] == 32.0f);
    CHECK(without != NULL && without->data[0] == -2.0f && without->data[1] == 12.0f);
    arena_free(&arena);
}

static void test_every_setting_gives_the_plain_bits(void)
{
    static const LinearShape shapes[] = {
        {1, 1, 1, 1},      {3, 1, 5, 7},       {2, 7, 33, 18},    {5, 1, 48, 64},  {2, 70, 40, 50},
        {1, 300, 19, 20},  {2, 520, 16, 3},    {3, 256, 32, 100}, {1, 3, 1030, 9}, {0, 4, 5, 6},
        {4, 16, 512, 32},  {1, 65, 1024, 16},  {2, 4, 0, 3},      {2, 0, 4, 3},    {2, 3, 4, 0},
        {2, 300, 19, 170}, {1, 260, 400, 130},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const LinearShape *s = &shapes[i];
        const size_t nx = s->N * s->T * s->in, ny = s->N * s->T * s->out, nw = s->out * s->in;
        const size_t total = ny + nx + nw + s->out;
        Arena arena = {0};
        const float *x = filled(&arena, nx, 1), *weight = filled(&arena, nw, 2),
                    *bias = filled(&arena, s->out, 3);
        const float *dy = filled(&arena, ny, 4);
        float *want = filled(&arena, total, 5), *got = filled(&arena, total, 5);
        linear_plain(want, x, weight, i % 3 ? bias : NULL, s);
        product_plain(want + ny, dy, s->out, 1, weight, 1, s->in, s->N * s->T, s->in, s->out);
        linear_backward_weight_plain(want + ny + nx, dy, x, s);
        bias_plain(want + ny + nx + nw, dy, s->N, s->T * s->out, s->out, 1, s->T, s->out);
        for (int setting = 0; kernel_setting(setting); setting++) {
            void *scratch = arena_raw(&arena, linear_forward_scratch(s) + linear_backward_scratch(s), 1);
            test_fill(got, total, 5);
            linear_forward(got, x, weight, i % 3 ? bias : NULL, s, scratch);
            linear_backward_input(got + ny, dy, weight, s, scratch);
            linear_backward_weight(got + ny + nx, dy, x, s, scratch);
            linear_backward_bias(got + ny + nx + nw, dy, s);
            const bool good = CHECK(same_bits(got, want, total));
            if (!good)
                printf("    shape %zu, setting %d: forward %d, input %d, weight %d\n", i, setting,
                       same_bits(got, want, ny), same_bits(got + ny, want + ny, nx),
                       same_bits(got + ny + nx, want + ny + nx, nw));
        }
        arena_free(&arena);
    }
}

/* Few rows and many rows are computed in two ways; a row must not know how many there are. */
static void test_a_batch_is_its_rows(void)
{
    enum { ROWS = 100, IN = 37, OUT = 21 };
    static float x[ROWS * IN], weight[OUT * IN], bias[OUT], all[ROWS * OUT], one[OUT];
    test_fill(x, ROWS * IN, 1);
    test_fill(weight, OUT * IN, 2);
    test_fill(bias, OUT, 3);
    const LinearShape many = {ROWS, 1, IN, OUT}, single = {1, 1, IN, OUT};
    Arena arena = {0};
    void *scratch = arena_raw(&arena, linear_forward_scratch(&many) + linear_forward_scratch(&single), 1);
    linear_forward(all, x, weight, bias, &many, scratch);
    for (size_t r = 0; r < ROWS; r++) {
        linear_forward(one, x + r * IN, weight, bias, &single, scratch);
        CHECK(same_bits(one, all + r * OUT, OUT));
    }
    arena_free(&arena);
}

static void test_what_does_not_fit_is_refused(void)
{
    float data[64] = {0};
    const int x_dim[2] = {2, 3}, good[2] = {4, 3}, bad[2] = {3, 4}, short_bias[1] = {3};
    for (int i = 0; i < 3; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        Tensor *x = tape_input(&tape, data, i == 2 ? 0 : 2, x_dim, false);
        Tensor *weight = tape_input(&tape, data, 2, i == 0 ? bad : good, false);
        CHECK(linear(&tape, x, weight, i == 1 ? tape_input(&tape, data, 1, short_bias, false) : NULL) ==
              NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "linear: input (");
        arena_free(&arena);
    }
}

/* A 1x1 convolution's weight (out,in,1,1) is taken as it is. */
static void test_a_convolution_weight_is_a_matrix(void)
{
    float x[2] = {1, 2}, weight[6] = {1, 2, 3, 4, 5, 6};
    const int x_dim[2] = {1, 2}, w_dim[4] = {3, 2, 1, 1};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *y = linear(&tape, tape_input(&tape, x, 2, x_dim, false),
                             tape_input(&tape, weight, 4, w_dim, false), NULL);
    CHECK(y != NULL && y->data[0] == 5.0f && y->data[1] == 11.0f && y->data[2] == 17.0f);
    arena_free(&arena);
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return linear(tape, x[0], x[1], x[2]);
}

static Tensor *build_without_bias(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return linear(tape, x[0], x[1], NULL);
}

/* A sample's sum starts at +0, so that even a gradient of -0 that gets nothing but -0 becomes +0; also when samples
 * have one row, which is computed apart. */
static void test_a_gradient_of_minus_zero(void)
{
    enum { IN = 70, OUT = 3, ROWS = 4 };
    static float x[ROWS * IN], dy[ROWS * OUT], dweight[OUT * IN];
    const float zeros[OUT * IN] = {0};
    for (size_t T = 1; T <= 2; T++) {
        const LinearShape s = {ROWS / T, T, IN, OUT};
        for (size_t i = 0; i < ROWS * IN; i++)
            x[i] = -1.0f;
        for (size_t i = 0; i < OUT * IN; i++)
            dweight[i] = -0.0f;
        Arena arena = {0};
        linear_backward_weight(dweight, dy, x, &s, arena_raw(&arena, linear_backward_scratch(&s), 1));
        CHECK(same_bits(dweight, zeros, OUT * IN));
        arena_free(&arena);
    }
}

static void test_as_an_operator(void)
{
    Arena arena = {0};
    OperatorCase c = {.name = "linear", .build = build, .count = 3};
    c.x[0] = test_tensor(&arena, 1, 3, (int[]){3, 5, 4});
    c.x[1] = test_tensor(&arena, 2, 2, (int[]){6, 4});
    c.x[2] = test_tensor(&arena, 3, 1, (int[]){6});
    operatorcheck(&c, 0x6);
    c.count = 2;
    c.build = build_without_bias;
    operatorcheck(&c, 0x2);
    arena_free(&arena);
}

int main(void)
{
    test_one_row_by_hand();
    test_every_setting_gives_the_plain_bits();
    test_a_batch_is_its_rows();
    test_a_gradient_of_minus_zero();
    test_what_does_not_fit_is_refused();
    test_a_convolution_weight_is_a_matrix();
    test_as_an_operator();
    return check_report("linear");
}
