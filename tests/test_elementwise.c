#include "nn/elementwise.h"

#include "tests/gradcheck.h"

typedef Tensor *(*BinaryOperator)(Tape *tape, Tensor *a, Tensor *b);
typedef Tensor *(*UnaryOperator)(Tape *tape, Tensor *x);

static const BinaryOperator BINARY[] = {add, subtract, multiply, divide};
static const char *const BINARY_NAMES[] = {"add", "subtract", "multiply", "divide"};

static Tensor *build_binary(Tape *tape, Tensor *const *x, const void *context)
{
    return BINARY[*(const int *)context](tape, x[0], x[1]);
}

static Tensor *build_same(Tape *tape, Tensor *const *x, const void *context)
{
    return BINARY[*(const int *)context](tape, x[0], x[0]);
}

/* Away from 0, where quotients and logarithms are steep. */
static void keep_away(Tensor *x)
{
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] = x->data[i] < 0.0f ? x->data[i] - 0.5f : x->data[i] + 0.5f;
}

/* Shapes of a and b; bit k of shared: that one has no samples. */
static void test_shapes(int kind)
{
    static const struct {
        int rank_a, a[4], rank_b, b[4];
        unsigned shared;
    } rows[] = {
        {4, {3, 4, 5, 6}, 4, {3, 4, 5, 6}, 0}, /* equal */
        {4, {3, 4, 5, 6}, 3, {4, 1, 1}, 2},    /* one a channel */
        {4, {3, 4, 5, 6}, 4, {3, 4, 1, 1}, 0}, /* one a channel of each sample */
        {3, {3, 7, 70}, 1, {70}, 2},           /* one a column */
        {3, {3, 7, 70}, 2, {7, 70}, 2},        /* one a row and column */
        {3, {3, 1, 9}, 3, {3, 8, 1}, 0},       /* both repeated */
        {2, {4, 5}, 4, {2, 3, 4, 5}, 1},       /* the first has fewer axes */
        {4, {2, 1, 4, 1}, 4, {2, 3, 1, 5}, 0}, /* both, in turns */
        {4, {1, 3, 1, 5}, 4, {2, 3, 4, 5}, 1}, /* kept, summed, kept under a batch */
        {4, {2, 3, 4, 5}, 3, {1, 4, 1}, 2},    /* summed, kept, summed */
        {4, {2, 3, 4, 5}, 1, {1}, 2},          /* one number */
        {4, {2, 3, 4, 5}, 0, {0}, 2},          /* one number without axes */
        {1, {9}, 1, {1}, 2},
        {4, {2, 64, 24, 25}, 4, {2, 64, 1, 1}, 0}, /* several tasks */
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        Arena arena = {0};
        OperatorCase c = {.name = BINARY_NAMES[kind], .build = build_binary, .context = &kind, .count = 2};
        c.x[0] = test_tensor(&arena, 1, rows[r].rank_a, rows[r].a);
        c.x[1] = test_tensor(&arena, 2, rows[r].rank_b, rows[r].b);
        keep_away(c.x[1]);
        operatorcheck(&c, rows[r].shared);
        arena_free(&arena);
    }
}

/* x op x: the gradients of both places come together. */
static void test_same_twice(int kind)
{
    Arena arena = {0};
    OperatorCase c = {.name = BINARY_NAMES[kind], .build = build_same, .context = &kind, .count = 1};
    c.x[0] = test_tensor(&arena, 1, 2, (int[]){3, 5});
    keep_away(c.x[0]);
    operatorcheck(&c, 0);
    arena_free(&arena);
}

static void test_by_hand(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float a[4] = {1, 2, 3, 4}, b[2] = {10, 100};
    Tensor *x = tape_input(&tape, a, 2, (int[]){2, 2}, true),
           *y = tape_input(&tape, b, 1, (int[]){2}, true);
    const Tensor *z = multiply(&tape, x, y);
    const float want[4] = {10, 200, 30, 400}, dx[4] = {10, 100, 10, 100}, dy[2] = {4, 6};
    CHECK(z != NULL && same_bits(z->data, want, 4));
    CHECK(tape_backward(&tape, multiply(&tape, x, y), NULL) == STATUS_OK);
    CHECK(same_bits(x->grad, dx, 4) && same_bits(y->grad, dy, 2));
    z = subtract(&tape, x, y);
    CHECK(z != NULL && z->data[0] == -9.0f && z->data[3] == -96.0f);
    z = divide(&tape, y, x);
    CHECK(z != NULL && z->data[0] == 10.0f && z->data[3] == 25.0f);
    arena_free(&arena);
    arena_free(&gradients);
}

/* Samples are summed in binary64 and rounded, then added in binary32: 1 + 2^-24 + 2^-24 depends on where. */
static void test_order_of_a_sum(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float zeros[3] = {0, 0, 0}, zero[1] = {0};
    const float dy[3] = {1.0f, 0x1p-24f, 0x1p-24f};
    Tensor *one_sample = tape_input(&tape, zeros, 2, (int[]){1, 3}, false),
           *b = tape_input(&tape, zero, 0, NULL, true);
    CHECK(tape_backward(&tape, add(&tape, one_sample, b), dy) == STATUS_OK);
    CHECK(b->grad[0] == 1.0f + 0x1p-23f);
    b->grad[0] = 0.0f;
    Tensor *three_samples = tape_input(&tape, zeros, 2, (int[]){3, 1}, false);
    CHECK(tape_backward(&tape, add(&tape, three_samples, b), dy) == STATUS_OK);
    CHECK(b->grad[0] == 1.0f);
    arena_free(&arena);
    arena_free(&gradients);
}

static Tensor *twice(Tape *tape, Tensor *x)
{
    return scale(tape, x, -2.0f);
}

static Tensor *plus(Tape *tape, Tensor *x)
{
    return add_scalar(tape, x, 0.75f);
}

static Tensor *clamped(Tape *tape, Tensor *x)
{
    return clamp(tape, x, -1.0f, 1.0f);
}

static const struct {
    const char *name;
    UnaryOperator run;
    float x[3], y[3];
} UNARY[] = {
    {"scale", twice, {1, -3, 0.5f}, {-2, 6, -1}},
    {"add_scalar", plus, {1, -1, 0}, {1.75f, -0.25f, 0.75f}},
    {"clamp", clamped, {-7, 0.5f, 3}, {-1, 0.5f, 1}},
    {"exponential", exponential, {0, 1, -INFINITY}, {1, 0x1.5bf0a8p+1f, 0}},
    {"logarithm", logarithm, {1, 0, INFINITY}, {0, -INFINITY, INFINITY}},
    {"square_root", square_root, {4, 2.25f, 0}, {2, 1.5f, 0}},
    {"power2", power2, {3, -1.5f, 0}, {9, 2.25f, 0}},
    {"absolute", absolute, {-3, 2, -0.0f}, {3, 2, 0}},
};

static Tensor *build_unary(Tape *tape, Tensor *const *x, const void *context)
{
    return UNARY[*(const int *)context].run(tape, x[0]);
}

static void test_unary(int k)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float x[3];
    memcpy(x, UNARY[k].x, sizeof x);
    const Tensor *y = UNARY[k].run(&tape, tape_input(&tape, x, 1, (int[]){3}, false));
    if (!CHECK(y != NULL && same_bits(y->data, UNARY[k].y, 3)))
        printf("    %s\n", UNARY[k].name);
    CHECK(UNARY[k].run(&tape, NULL) == NULL && tape.error.status == STATUS_OK);
    OperatorCase c = {.name = UNARY[k].name, .build = build_unary, .context = &k, .count = 1};
    for (int n = 5; n < 30000; n += 20000) {
        c.x[0] = test_tensor(&arena, 3, 2, (int[]){2, n});
        for (size_t i = 0; i < tensor_count(c.x[0]);
             i++) { /* no corner within a step, no logarithm near 0 */
            const float v = c.x[0]->data[i];
            c.x[0]->data[i] = UNARY[k].run == clamped                                    ? (i % 3      ? v * 0.9f
                                                                                            : v < 0.0f ? v - 1.1f
                                                                                                       : v + 1.1f)
                              : UNARY[k].run == logarithm || UNARY[k].run == square_root ? v * 0.5f + 1.0f
                              : v < 0.0f                                                 ? v - 0.1f
                                                                                         : v + 0.1f;
        }
        operatorcheck(&c, 0);
    }
    arena_free(&arena);
}

static void test_clamp_keeps_nan(void)
{
    const float x[2] = {NAN, 5.0f}, dy[2] = {1.0f, 1.0f};
    float y[2], dx[2];
    unary_forward(y, x, 2, UNARY_CLAMP, -1.0f, 1.0f);
    unary_backward(dx, dy, x, y, 2, UNARY_CLAMP, -1.0f, 1.0f);
    CHECK(isnan(y[0]) && y[1] == 1.0f && dx[0] == 0.0f && dx[1] == 0.0f);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *a = test_tensor(&arena, 1, 3, (int[]){2, 3, 4}), *b = test_tensor(&arena, 1, 2, (int[]){2, 4});
    for (int kind = 0; kind < 4; kind++) {
        Tape tape = {.arena = &arena};
        CHECK(BINARY[kind](&tape, a, b) == NULL && tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, BINARY_NAMES[kind]);
        CHECK_TEXT(tape.error.text, "shapes (2,3,4) and (2,4)");
        Tape fresh = {.arena = &arena};
        CHECK(BINARY[kind](&fresh, NULL, b) == NULL && BINARY[kind](&fresh, a, NULL) == NULL);
        CHECK(fresh.error.status == STATUS_OK);
    }
    Tape tape = {.arena = &arena};
    Tensor *none = test_tensor(&arena, 1, 2, (int[]){0, 4});
    const Tensor *y = add(&tape, none, test_tensor(&arena, 1, 1, (int[]){4}));
    CHECK(y != NULL && tensor_count(y) == 0);
    arena_free(&arena);
}

int main(void)
{
    test_by_hand();
    test_order_of_a_sum();
    for (int kind = 0; kind < 4; kind++) {
        test_shapes(kind);
        test_same_twice(kind);
    }
    for (int k = 0; k < (int)(sizeof UNARY / sizeof *UNARY); k++)
        test_unary(k);
    test_clamp_keeps_nan();
    test_refused();
    return check_report("elementwise");
}
