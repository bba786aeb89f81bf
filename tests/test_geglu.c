#include "nn/geglu.h"

#include "nn/activation.h"
#include "tests/gradcheck.h"

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return geglu(tape, x[0]);
}

/* The second half is the gate: (2, 3 | 1, -2) -> (2 gelu(1), 3 gelu(-2)). */
static void test_by_hand(void)
{
    const float x[4] = {2, 3, 1, -2};
    float y[2];
    geglu_forward(y, x, 1, 2);
    CHECK_NEAR(y[0], 2 * 0.8413447460685429, 1e-6);
    CHECK_NEAR(y[1], 3 * -0.04550026389635842, 1e-6);
}

/* A row is the product of its first half and of gelu of the second, bit for bit. */
static void test_is_a_product(void)
{
    enum { R = 3, C = 700 };
    float x[R * 2 * C], y[R * C], gate[C];
    test_fill(x, R * 2 * C, 1);
    geglu_forward(y, x, R, C);
    for (int r = 0; r < R; r++) {
        activation_forward(gate, x + r * 2 * C + C, C, ACTIVATION_GELU);
        for (int c = 0; c < C; c++)
            gate[c] = x[r * 2 * C + c] * gate[c];
        CHECK(same_bits(y + r * C, gate, C));
    }
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *const bad[] = {test_tensor(&arena, 1, 2, (int[]){2, 5}), test_tensor(&arena, 1, 0, NULL),
                           test_tensor(&arena, 1, 2, (int[]){2, 0})};
    for (int i = 0; i < 3; i++) {
        Tape tape = {.arena = &arena};
        CHECK(geglu(&tape, bad[i]) == NULL && tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "geglu: ");
    }
    arena_free(&arena);
}

int main(void)
{
    Arena arena = {0};
    OperatorCase c = {.name = "geglu", .build = build, .count = 1};
    test_by_hand();
    test_is_a_product();
    c.x[0] = test_tensor(&arena, 1, 3, (int[]){3, 5, 14});
    operatorcheck(&c, 0);
    c.x[0] = test_tensor(&arena, 1, 2, (int[]){4, 1200});
    operatorcheck(&c, 0);
    test_refused();
    arena_free(&arena);
    return check_report("geglu");
}
