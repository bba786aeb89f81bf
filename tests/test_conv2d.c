#include "nn/conv2d.h"

#include "tests/kernel_plain.h"

/* A 2x2 kernel over a 3x3 picture with one column of zeros to the left. */
static void test_two_by_two_kernel_by_hand(void)
{
    float x[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, weight[4] = {1, 10, 100, 1000}, bias[1] = {0.5f};
    const int x_dim[4] = {1, 1, 3, 3}, w_dim[4] = {1, 1, 2, 2}, b_dim[1] = {1};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *y =
        conv2d(&tape, tape_input(&tape, x, 4, x_dim, false), tape_input(&tape, weight, 4, w_dim, false),
               tape_input(&tape, bias, 1, b_dim, false), (Conv2dOptions){.pad_left = 1});
    CHECK(y != NULL);
    if (y != NULL) {
        const float want[6] = {4010.5f, 5421.5f, 6532.5f, 7040.5f, 8754.5f, 9865.5f};
        CHECK(y->dim[2] == 2 && y->dim[3] == 3);
        CHECK(same_bits(y->data, want, 6));
    }
    arena_free(&arena);
}

/* A tap that falls on padding is a factor of zero, so an infinite weight there gives NaN. */
static void test_padding_is_a_factor_of_zero(void)
{
    float x[4] = {1, 1, 1, 1}, weight[9] = {INFINITY, 0, 0, 0, 1, 0, 0, 0, 0};
    const int x_dim[4] = {1, 1, 2, 2}, w_dim[4] = {1, 1, 3, 3};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *y = conv2d(&tape, tape_input(&tape, x, 4, x_dim, false),
                             tape_input(&tape, weight, 4, w_dim, false), NULL, conv2d_padding(1, 1));
    CHECK(y != NULL && isnan(y->data[0]) && isnan(y->data[1]) && isnan(y->data[2]) && isinf(y->data[3]));
    arena_free(&arena);
}

typedef struct {
    int N, C, H, W, O, KH, KW;
    Conv2dOptions options;
} Case;

static const Case cases[] = {
    {1, 1, 1, 1, 1, 1, 1, {.stride = 1}},
    {2, 3, 5, 6, 4, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {3, 20, 4, 4, 18, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {2, 30, 8, 8, 17, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {2, 8, 16, 16, 5, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {1, 5, 9, 40, 6, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {2, 12, 8, 8, 10, 3, 3, {.stride = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {1, 4, 7, 9, 3, 3, 3, {.stride = 2, .pad_bottom = 1, .pad_right = 1}},
    {1, 3, 23, 23, 4, 11, 11, {.stride = 4, .pad_top = 2, .pad_bottom = 2, .pad_left = 2, .pad_right = 2}},
    {2, 6, 9, 8, 8, 3, 3, {.pad_top = 2, .pad_bottom = 2, .pad_left = 2, .pad_right = 2, .dilation = 2}},
    {2, 8, 6, 6, 12, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1, .groups = 4}},
    {1, 4, 6, 7, 4, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1, .groups = 4}},
    {2, 40, 6, 5, 33, 1, 1, {.stride = 1}},
    {2, 10, 7, 6, 9, 1, 1, {.stride = 2}},
    {1, 6, 7, 7, 5, 1, 7, {.pad_left = 3, .pad_right = 3}},
    {1, 6, 7, 7, 5, 5, 1, {.pad_top = 4, .pad_bottom = 4}},
    {1, 130, 4, 4, 20, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {1, 2, 3, 300, 3, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {1, 2, 17, 31, 70, 2, 2, {.stride = 3, .dilation = 3, .pad_top = 5}},
    {2, 5, 18, 17, 170, 2, 2, {.pad_left = 1}}, /* more than one panel, many channels: x is packed */
    {1, 400, 17, 16, 130, 1, 1, {.groups = 1}},
    {4, 16, 2, 2, 16, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {1, 3, 4, 4, 5, 1, 1, {.pad_top = 1, .pad_bottom = 2, .pad_left = 1, .pad_right = 1}},
    {1, 3, 5, 4, 2, 3, 3, {.stride = 2, .pad_top = 3, .pad_bottom = 3, .pad_left = 4, .pad_right = 3}},
    {17, 5, 4, 4, 9, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {32, 40, 3, 5, 18, 3, 3, {.stride = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {16, 60, 2, 2, 20, 3, 3, {.pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
    {16, 6, 5, 20, 4, 3, 3, {.pad_top = 3, .pad_left = 4, .pad_right = 2, .dilation = 2, .groups = 2}},
    {16, 3, 6, 6, 2, 2, 1, {.stride = 3}},
    {0, 3, 5, 5, 4, 3, 3, {.stride = 1}},
    {1, 0, 5, 5, 4, 3, 3, {.stride = 1}},
};

static Conv2dShape shape_of(const Case *c)
{
    const int groups = c->options.groups == 0 ? 1 : c->options.groups;
    const Tensor x = {.rank = 4, .dim = {c->N, c->C, c->H, c->W}};
    const Tensor weight = {.rank = 4, .dim = {c->O, c->C / groups, c->KH, c->KW}};
    Conv2dShape s;
    CHECK(conv2d_shape(&s, &x, &weight, c->options));
    return s;
}

static void test_every_setting_gives_the_plain_bits(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Conv2dShape s = shape_of(&cases[i]);
        const size_t nx = s.N * s.C * s.H * s.W, ny = s.N * s.O * s.OH * s.OW;
        const size_t nw = s.O * (s.C / s.groups) * s.KH * s.KW, total = ny + nx + nw + s.O;
        Arena arena = {0};
        const float *x = filled(&arena, nx, 1), *weight = filled(&arena, nw, 2),
                    *bias = filled(&arena, s.O, 3);
        const float *dy = filled(&arena, ny, 4);
        float *want = filled(&arena, total, 5), *got = filled(&arena, total, 5);
        conv2d_plain(want, x, weight, i % 2 ? bias : NULL, &s);
        conv2d_backward_input_plain(want + ny, dy, weight, &s);
        conv2d_backward_weight_plain(want + ny + nx, dy, x, &s);
        bias_plain(want + ny + nx + nw, dy, s.N, s.O * s.OH * s.OW, s.O, s.OH * s.OW, s.OH * s.OW, 1);
        for (int setting = 0; kernel_setting(setting); setting++) {
            void *scratch = arena_raw(&arena, conv2d_forward_scratch(&s) + conv2d_backward_scratch(&s), 1);
            test_fill(got, total, 5);
            conv2d_forward(got, x, weight, i % 2 ? bias : NULL, &s, scratch);
            conv2d_backward_input(got + ny, dy, weight, &s, scratch);
            conv2d_backward_weight(got + ny + nx, dy, x, &s, scratch);
            conv2d_backward_bias(got + ny + nx + nw, dy, s.N, s.O, s.OH * s.OW);
            const bool good = CHECK(same_bits(got, want, total));
            if (!good)
                printf("    case %zu, setting %d: forward %d, input %d, weight %d\n", i, setting,
                       same_bits(got, want, ny), same_bits(got + ny, want + ny, nx),
                       same_bits(got + ny + nx, want + ny + nx, nw));
        }
        arena_free(&arena);
    }
}

/* Leaving out the zeros is only right with finite weights: one infinite weight must reach every sample. */
static void test_an_infinite_weight_is_not_left_out(void)
{
    Case c = {.N = 16, .C = 2, .H = 3, .W = 3, .O = 2, .KH = 3, .KW = 3, .options = conv2d_padding(1, 1)};
    const Conv2dShape s = shape_of(&c);
    static float x[16 * 18], y[16 * 18], weight[36];
    test_fill(x, 16 * 18, 1);
    test_fill(weight, 36, 2);
    weight[0] = INFINITY;
    Arena arena = {0};
    void *scratch = arena_raw(&arena, conv2d_forward_scratch(&s) + conv2d_backward_scratch(&s), 1);
    conv2d_forward(y, x, weight, NULL, &s, scratch);
    for (size_t n = 0; n < 16; n++)
        CHECK(isnan(y[n * 18]) && isnan(y[n * 18 + 2]) && isinf(y[n * 18 + 8]) && isfinite(y[n * 18 + 9]));
    arena_free(&arena);
}

static void test_what_does_not_fit_is_refused(void)
{
    static const struct {
        int x_dim[4], w_dim[4], bias;
        Conv2dOptions options;
    } bad[] = {
        {{1, 3, 5, 5}, {4, 2, 3, 3}, 0, {.stride = 1}},    {{1, 3, 2, 5}, {4, 3, 3, 3}, 0, {.stride = 1}},
        {{1, 3, 5, 5}, {4, 3, 3, 3}, 5, {.stride = 1}},    {{1, 3, 5, 5}, {4, 3, 3, 3}, 0, {.stride = -1}},
        {{1, 3, 5, 5}, {4, 3, 3, 3}, 0, {.pad_left = -1}}, {{1, 3, 5, 5}, {4, 3, 3, 3}, 0, {.dilation = 3}},
        {{1, 4, 5, 5}, {3, 2, 3, 3}, 0, {.groups = 2}},    {{1, 3, 5, 5}, {4, 3, 0, 3}, 0, {.stride = 1}},
        {{1, 3, 5, 5}, {4, 3, 3, 3}, 0, {.dilation = -1}}, {{1, 3, 5, 5}, {4, 3, 3, 3}, 0, {.groups = -3}},
    };
    float data[200] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        Tensor *x = tape_input(&tape, data, 4, bad[i].x_dim, false);
        Tensor *weight = tape_input(&tape, data, 4, bad[i].w_dim, false);
        Tensor *bias = bad[i].bias > 0 ? tape_input(&tape, data, 1, &bad[i].bias, false) : NULL;
        CHECK(conv2d(&tape, x, weight, bias, bad[i].options) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "conv2d: input (1,");
        arena_free(&arena);
    }
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return conv2d(tape, x[0], x[1], x[2], *(const Conv2dOptions *)context);
}

static void test_as_an_operator(void)
{
    static const Conv2dOptions options[2] = {
        {.stride = 2, .pad_top = 1, .pad_bottom = 2, .pad_left = 3, .pad_right = 1, .groups = 2},
        {.stride = 1, .dilation = 2, .pad_top = 2, .pad_left = 1, .groups = 2},
    };
    for (int i = 0; i < 2; i++) {
        Arena arena = {0};
        OperatorCase c = {.name = "conv2d", .build = build, .context = &options[i], .count = 3};
        c.x[0] = test_tensor(&arena, 1, 4, (int[]){i == 0 ? 3 : 18, 4, 5, 4});
        c.x[1] = test_tensor(&arena, 2, 4, (int[]){6, 2, 3, 2});
        c.x[2] = test_tensor(&arena, 3, 1, (int[]){6});
        operatorcheck(&c, 0x6);
        arena_free(&arena);
    }
}

int main(void)
{
    test_two_by_two_kernel_by_hand();
    test_padding_is_a_factor_of_zero();
    test_every_setting_gives_the_plain_bits();
    test_an_infinite_weight_is_not_left_out();
    test_what_does_not_fit_is_refused();
    test_as_an_operator();
    return check_report("conv2d");
}
