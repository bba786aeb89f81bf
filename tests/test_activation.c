#include "nn/activation.h"

#include "base/elementary.h"
#include "tests/gradcheck.h"

static const char *const NAMES[ACTIVATION_COUNT] = {"silu", "gelu",    "quick_gelu",
                                                    "relu", "sigmoid", "tanh"};

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return activate(tape, x[0], *(const Activation *)context);
}

/* 1100 numbers: more than two pieces of the loops, and a remainder. */
static void test_as_an_operator(Activation kind)
{
    Arena arena = {0};
    OperatorCase c = {.name = NAMES[kind], .build = build, .context = &kind, .count = 1};
    c.x[0] = test_tensor(&arena, 1, 3, (int[]){2, 11, 50});
    for (size_t i = 0; i < tensor_count(c.x[0]); i++) {
        const float sign = c.x[0]->data[i] < 0.0f ? -1.0f : 1.0f;
        c.x[0]->data[i] = 3.0f * c.x[0]->data[i] + 0.1f * sign; /* no closer to relu's corner than a step */
    }
    operatorcheck(&c, 0);
    arena_free(&arena);
}

static void test_values_by_hand(void)
{
    static const struct {
        Activation kind;
        float x;
        double want;
    } rows[] = {
        {ACTIVATION_SILU, 1.0f, 0.7310585786300049},
        {ACTIVATION_GELU, 1.0f, 0.8413447460685429},
        {ACTIVATION_GELU, -2.0f, -0.04550026389635842},
        {ACTIVATION_QUICK_GELU, 1.0f, 0.8457957659328212},
        {ACTIVATION_RELU, -3.0f, 0.0},
        {ACTIVATION_RELU, 3.0f, 3.0},
        {ACTIVATION_SIGMOID, -1.0f, 0.2689414213699951},
        {ACTIVATION_TANH, 0.5f, 0.46211715726000973},
        {ACTIVATION_SILU, -200.0f, 0.0},
        {ACTIVATION_GELU, 40.0f, 40.0},
        {ACTIVATION_GELU, -40.0f, 0.0},
        {ACTIVATION_QUICK_GELU, 200.0f, 200.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float y;
        activation_forward(&y, &rows[i].x, 1, rows[i].kind);
        if (!CHECK_NEAR(y, rows[i].want, 1e-7))
            printf("    %s\n", NAMES[rows[i].kind]);
    }
}

/* The columns y and dx of the header, one operation a line: every bit. */
static void plain(Activation kind, float x, float dy, float *y, float *dx)
{
    const float c = 0x1.6a09e6p-1f, k = 0x1.988454p-2f, factor = 0x1.b3b646p0f;
    float a, b, d, s, u;
    switch (kind) {
    case ACTIVATION_GELU:
        a = 0.5f * x;
        b = x * c;
        b = 1.0f + erf_f32(b);
        *y = a * b;
        a = 0.5f * b;
        d = x * x;
        d = -0.5f * d;
        d = exp_f32(d) * k;
        d = x * d;
        d = a + d;
        *dx = dy * d;
        break;
    case ACTIVATION_SILU:
    case ACTIVATION_QUICK_GELU:
        u = factor * x;
        u = kind == ACTIVATION_SILU ? x : u;
        s = sigmoid_f32(u);
        a = x * s;
        *y = kind == ACTIVATION_SILU ? silu_f32(x) : a;
        a = 1.0f - s;
        a = u * a;
        a = 1.0f + a;
        a = s * a;
        *dx = dy * a;
        break;
    case ACTIVATION_RELU:
        *y = x < 0.0f ? 0.0f : x;
        *dx = x > 0.0f ? dy : 0.0f;
        break;
    case ACTIVATION_SIGMOID:
        *y = sigmoid_f32(x);
        a = 1.0f - *y;
        a = *y * a;
        *dx = dy * a;
        break;
    default:
        *y = tanh_f32(x);
        a = *y * *y;
        a = 1.0f - a;
        *dx = dy * a;
        break;
    }
}

static void test_equals_the_written_steps(Activation kind)
{
    enum { N = 1031 };
    float x[N], dy[N], y[N], dx[N], want_y[N], want_dx[N];
    test_fill(x, N, 3);
    test_fill(dy, N, 4);
    for (int i = 0; i < N; i++) {
        x[i] = x[i] * 8.0f;
        plain(kind, x[i], dy[i], &want_y[i], &want_dx[i]);
    }
    activation_forward(y, x, N, kind);
    activation_backward(dx, dy, x, y, N, kind);
    CHECK(same_bits(y, want_y, N));
    CHECK(same_bits(dx, want_dx, N));
    activation_backward(dy, dy, x, y, N, kind); /* dx may be dy, y may be x */
    activation_forward(x, x, N, kind);
    CHECK(same_bits(x, want_y, N) && same_bits(dy, want_dx, N));
}

static void test_nan_stays(void)
{
    for (int k = 0; k < ACTIVATION_COUNT; k++) {
        const float x = NAN;
        float y = 0.0f;
        activation_forward(&y, &x, 1, (Activation)k);
        CHECK(isnan(y));
    }
}

static void test_short_names(void)
{
    Tensor *(*const shorts[])(Tape *, Tensor *) = {silu, gelu, quick_gelu, relu, sigmoid};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *x = test_tensor(&arena, 1, 1, (int[]){7});
    for (int k = 0; k < 5; k++) {
        const Tensor *a = shorts[k](&tape, x), *b = activate(&tape, x, (Activation)k);
        CHECK(a != NULL && b != NULL && same_bits(a->data, b->data, 7));
        CHECK(shorts[k](&tape, NULL) == NULL);
    }
    CHECK(tape.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    test_values_by_hand();
    test_nan_stays();
    test_short_names();
    for (int k = 0; k < ACTIVATION_COUNT; k++) {
        test_equals_the_written_steps((Activation)k);
        test_as_an_operator((Activation)k);
    }
    return check_report("activation");
}
