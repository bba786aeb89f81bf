#include "nn/softmax.h"

#include "base/elementary.h"
#include "base/sum.h"
#include "tests/gradcheck.h"

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return softmax(tape, x[0]);
}

static void test_by_hand(void)
{
    const float x[4] = {0.0f, 0.6931472f, 1.0986123f, -INFINITY}; /* logs of 1, 2, 3, 0 */
    float y[4];
    softmax_forward(y, x, 1, 4);
    CHECK_NEAR(y[0], 1.0 / 6, 1e-7);
    CHECK_NEAR(y[1], 2.0 / 6, 1e-7);
    CHECK_NEAR(y[2], 3.0 / 6, 1e-7);
    CHECK(y[3] == 0.0f);
}

static void test_large_numbers_do_not_overflow(void)
{
    const float x[3] = {1e30f, 1e30f, -1e30f};
    float y[3];
    softmax_forward(y, x, 1, 3);
    CHECK(y[0] == 0.5f && y[1] == 0.5f && y[2] == 0.0f);
}

static void test_nan_and_all_minus_infinity(void)
{
    for (int at = 0; at < 37; at++) { /* in the lanes, and in the rest after them */
        float x[37], y[37];
        test_fill(x, 37, 1);
        x[at] = NAN;
        softmax_forward(y, x, 1, 37);
        for (int i = 0; i < 37; i++)
            CHECK(isnan(y[i]));
    }
    const float nothing[2] = {-INFINITY, -INFINITY};
    float y[2];
    softmax_forward(y, nothing, 1, 2);
    CHECK(isnan(y[0]) && isnan(y[1]));
}

/* The largest number is found wherever it stands; the written steps give every bit. */
static void test_equals_the_written_steps(void)
{
    for (size_t n = 1; n < 70; n++) {
        float x[70], e[70], want[70], y[70], dy[70], dx[70];
        test_fill(x, n, n);
        test_fill(dy, n, n + 100);
        float most = x[0];
        for (size_t i = 0; i < n; i++) {
            x[i] = x[i] * 9.0f;
            most = i == 0 || x[i] > most ? x[i] : most;
        }
        for (size_t i = 0; i < n; i++) {
            const float below = x[i] - most;
            e[i] = exp_f32(below);
        }
        const double sum = sum8(e, n);
        for (size_t i = 0; i < n; i++)
            want[i] = (float)(e[i] / sum);
        softmax_forward(y, x, 1, n);
        CHECK(same_bits(y, want, n));
        softmax_forward(x, x, 1, n);
        CHECK(same_bits(x, want, n));
        const double mean = sum8_dot(dy, y, n);
        for (size_t i = 0; i < n; i++)
            want[i] = (float)(y[i] * (dy[i] - mean));
        softmax_backward(dx, dy, y, 1, n);
        CHECK(same_bits(dx, want, n));
    }
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *const bad[] = {test_tensor(&arena, 1, 2, (int[]){2, 0}), test_tensor(&arena, 1, 0, NULL)};
    for (int i = 0; i < 2; i++) {
        Tape tape = {.arena = &arena};
        CHECK(softmax(&tape, bad[i]) == NULL && tape.error.status == STATUS_SHAPE);
    }
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    OperatorCase c = {.name = "softmax", .build = build, .count = 1};
    test_by_hand();
    test_large_numbers_do_not_overflow();
    test_nan_and_all_minus_infinity();
    test_equals_the_written_steps();
    c.x[0] = test_tensor(&arena, 1, 3, (int[]){3, 5, 23});
    operatorcheck(&c, 0);
    c.x[0] = test_tensor(&arena, 1, 2, (int[]){2, 5000});
    operatorcheck(&c, 0);
    test_refused();
    arena_free(&arena);
    return check_report("softmax");
}
