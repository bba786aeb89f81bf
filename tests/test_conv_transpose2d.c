#include "nn/conv_transpose2d.h"

#include "tests/kernel_plain.h"

/* Stride 2, kernel 2: every number of x becomes its own 2x2 square, and the bias is added everywhere. */
static void test_squares_by_hand(void)
{
    float x[2] = {1, 10}, weight[4] = {1, 2, 3, 4}, bias[1] = {0.5f};
    const int x_dim[4] = {1, 1, 1, 2}, w_dim[4] = {1, 1, 2, 2}, b_dim[1] = {1};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *y = conv_transpose2d(
        &tape, tape_input(&tape, x, 4, x_dim, false), tape_input(&tape, weight, 4, w_dim, false),
        tape_input(&tape, bias, 1, b_dim, false), (ConvTranspose2dOptions){.conv = {.stride = 2}});
    const float want[8] = {1.5f, 2.5f, 10.5f, 20.5f, 3.5f, 4.5f, 30.5f, 40.5f};
    CHECK(y != NULL && y->dim[2] == 2 && y->dim[3] == 4);
    CHECK(y != NULL && same_bits(y->data, want, 8));
    arena_free(&arena);
}

typedef struct {
    int N, C, H, W, O, KH, KW; /* O of one group */
    ConvTranspose2dOptions options;
    int OH, OW;
} Case;

/* OH = (H - 1)*stride - pads + (KH - 1)*dilation + 1 + extra, worked out by hand. */
static const Case cases[] = {
    {1, 1, 1, 1, 1, 1, 1, {.conv = {.stride = 1}}, 1, 1},
    {2,
     3,
     4,
     5,
     6,
     4,
     4,
     {.conv = {.stride = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1}},
     8,
     10},
    {1,
     4,
     3,
     3,
     2,
     3,
     3,
     {.conv = {.stride = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1},
      .extra_bottom = 1,
      .extra_right = 1},
     6,
     6},
    {17, 4, 3, 4, 5, 3, 2, {.conv = {.stride = 3, .pad_top = 1}, .extra_bottom = 2}, 10, 11},
    {2, 6, 5, 4, 2, 3, 3, {.conv = {.dilation = 2, .groups = 2, .pad_left = 3}}, 9, 5},
};

/* conv2d's plain gradient to its input is the definition, conv2d itself and its weight gradient go back. */
static void test_every_setting_gives_the_plain_bits(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *c = &cases[i];
        const int groups = c->options.conv.groups == 0 ? 1 : c->options.conv.groups;
        const int x_dim[4] = {c->N, c->C, c->H, c->W}, w_dim[4] = {c->C, c->O, c->KH, c->KW},
                  b_dim[1] = {c->O * groups};
        const Tensor like = {.rank = 4, .dim = {c->N, c->O * groups, c->OH, c->OW}};
        const Tensor kernel = {.rank = 4, .dim = {w_dim[0], w_dim[1], w_dim[2], w_dim[3]}};
        Conv2dShape s;
        CHECK(conv2d_shape(&s, &like, &kernel, c->options.conv));
        const size_t nx = s.N * s.O * s.OH * s.OW, ny = tensor_count(&like), nw = tensor_count(&kernel);
        Arena memory = {0};
        float *x = filled(&memory, nx, 1), *weight = filled(&memory, nw, 2),
              *bias = filled(&memory, s.C, 3);
        float *dy = filled(&memory, ny, 4), *y = filled(&memory, ny, 5), *dx = filled(&memory, nx, 6);
        float *dw = arena_alloc(&memory, nw, sizeof *dw), *db = arena_alloc(&memory, s.C, sizeof *db);
        conv2d_backward_input_plain(y, x, weight, &s);
        for (size_t j = 0; j < ny; j++)
            y[j] = y[j] + bias[j / (s.H * s.W) % s.C];
        conv2d_plain(dx, dy, weight, NULL, &s);
        conv2d_backward_weight_plain(dw, x, dy, &s);
        bias_plain(db, dy, s.N, s.C * s.H * s.W, s.C, s.H * s.W, s.H * s.W, 1);
        for (int setting = 0; kernel_setting(setting); setting++) {
            Arena arena = {0}, gradients = {0};
            Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
            Tensor *in[3] = {tape_input(&tape, x, 4, x_dim, true),
                             tape_input(&tape, weight, 4, w_dim, true),
                             tape_input(&tape, bias, 1, b_dim, true)};
            Tensor *got = conv_transpose2d(&tape, in[0], in[1], in[2], c->options);
            CHECK(got != NULL && got->dim[2] == c->OH && got->dim[3] == c->OW);
            CHECK(got != NULL && same_bits(got->data, y, ny));
            CHECK(tape_backward(&tape, got, dy) == STATUS_OK);
            CHECK(same_bits(in[0]->grad, dx, nx));
            CHECK(same_bits(in[1]->grad, dw, nw));
            CHECK(same_bits(in[2]->grad, db, s.C));
            arena_free(&arena);
            arena_free(&gradients);
        }
        arena_free(&memory);
    }
}

static void test_what_does_not_fit_is_refused(void)
{
    static const struct {
        int x_dim[4], w_dim[4], bias;
        ConvTranspose2dOptions options;
    } bad[] = {
        {{1, 3, 4, 4}, {2, 3, 3, 3}, 0, {.extra_right = 0}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 3, {.extra_right = 0}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 0, {.extra_right = 1}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 0, {.conv = {.stride = 2}, .extra_bottom = 2}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 0, {.extra_bottom = -1}},
        {{1, 3, 1, 1}, {3, 2, 3, 3}, 0, {.conv = {.pad_top = 2, .pad_bottom = 1}}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 0, {.conv = {.groups = 2}}},
        {{1, 3, 4, 4}, {3, 2, 3, 3}, 0, {.conv = {.stride = -1}}},
        {{1, 3, 0, 4}, {3, 2, 3, 3}, 0, {.conv = {.stride = 1}}},
    };
    float data[200] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        Tensor *x = tape_input(&tape, data, 4, bad[i].x_dim, false);
        Tensor *weight = tape_input(&tape, data, 4, bad[i].w_dim, false);
        Tensor *bias = bad[i].bias > 0 ? tape_input(&tape, data, 1, &bad[i].bias, false) : NULL;
        CHECK(conv_transpose2d(&tape, x, weight, bias, bad[i].options) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "conv_transpose2d: input (1,3,");
        arena_free(&arena);
    }
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return conv_transpose2d(tape, x[0], x[1], x[2], *(const ConvTranspose2dOptions *)context);
}

static void test_as_an_operator(void)
{
    static const ConvTranspose2dOptions options = {
        .conv = {.stride = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1},
        .extra_bottom = 1,
        .extra_right = 1};
    Arena arena = {0};
    OperatorCase c = {.name = "conv_transpose2d", .build = build, .context = &options, .count = 3};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){3, 2, 2, 3});
    c.x[1] = test_tensor(&arena, 2, 4, (int[]){2, 3, 3, 3});
    c.x[2] = test_tensor(&arena, 3, 1, (int[]){3});
    operatorcheck(&c, 0x6);
    arena_free(&arena);
}

int main(void)
{
    test_squares_by_hand();
    test_every_setting_gives_the_plain_bits();
    test_what_does_not_fit_is_refused();
    test_as_an_operator();
    return check_report("conv_transpose2d");
}
