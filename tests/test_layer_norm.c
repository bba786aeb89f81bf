#include "nn/layer_norm.h"

#include "tests/gradcheck.h"

static double plain_sum8(const double *x, size_t n)
{
    double s[8] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 8] += x[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* (1 3 5 7) has mean 4 and variance 5. */
static void test_row_by_hand(void)
{
    const float x[4] = {1, 3, 5, 7}, gamma[4] = {1, 1, 2, -1}, beta[4] = {0, 1, 0, 10};
    const double r = sqrt(5.0);
    float y[4];
    Moments m[1];
    layer_norm_forward(y, m, x, gamma, beta, 1, 1, 4, 0.0f);
    CHECK_NEAR(y[0], -3 / r, 1e-6);
    CHECK_NEAR(y[1], 1 - 1 / r, 1e-6);
    CHECK_NEAR(y[2], 2 / r, 1e-6);
    CHECK_NEAR(y[3], 10 - 3 / r, 1e-6);
    CHECK(m[0].mean == 4.0 && m[0].rstd == 1.0 / r);
    layer_norm_forward(y, m, x, gamma, beta, 1, 1, 4, 4.0f); /* eps counts: 1 / sqrt(5 + 4) */
    CHECK_NEAR(y[0], -1.0, 1e-6);
    layer_norm_forward(y, NULL, x, NULL, NULL, 1, 1, 4, 4.0f);
    CHECK_NEAR(y[3], 1.0, 1e-6);
}

/* The contract's formulas written out, for one sample of T rows of C: every bit. */
static void test_equals_the_written_order(void)
{
    enum { T = 11, C = 77 };
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 2, (int[]){T, C}), *gamma = test_tensor(&arena, 2, 1, (int[]){C});
    Tensor *beta = test_tensor(&arena, 3, 1, (int[]){C}), *dy = test_tensor(&arena, 4, 2, (int[]){T, C});
    float y[T * C], dx[T * C], dgamma[C] = {0}, dbeta[C] = {0}, xhat[T * C], want_y[T * C], want_dx[T * C];
    Moments moments[T];
    for (int t = 0; t < T; t++) {
        double wide[C], wide2[C];
        for (int c = 0; c < C; c++)
            wide[c] = x->data[t * C + c];
        const double mean = plain_sum8(wide, C) / C;
        for (int c = 0; c < C; c++)
            wide[c] = (x->data[t * C + c] - mean) * (x->data[t * C + c] - mean);
        const double rstd = 1.0 / sqrt(plain_sum8(wide, C) / C + (double)1e-5f);
        for (int c = 0; c < C; c++) {
            const int i = t * C + c;
            xhat[i] = (float)((x->data[i] - mean) * rstd);
            const float scaled = xhat[i] * gamma->data[c], h = dy->data[i] * gamma->data[c];
            want_y[i] = scaled + beta->data[c];
            wide[c] = h;
            wide2[c] = (double)h * xhat[i];
        }
        const double a = plain_sum8(wide, C) / C, b = plain_sum8(wide2, C) / C;
        for (int c = 0; c < C; c++)
            want_dx[t * C + c] = (float)(((wide[c] - a) - xhat[t * C + c] * b) * rstd);
    }
    layer_norm_forward(y, moments, x->data, gamma->data, beta->data, 1, T, C, 1e-5f);
    layer_norm_backward(dx, dgamma, dbeta, dy->data, x->data, gamma->data, moments, 1, T, C);
    CHECK(same_bits(y, want_y, T * C));
    CHECK(same_bits(dx, want_dx, T * C));
    for (int c = 0; c < C; c++) {
        double column[T], product[T];
        for (int t = 0; t < T; t++) {
            column[t] = dy->data[t * C + c];
            product[t] = column[t] * xhat[t * C + c];
        }
        const float want_gamma = (float)plain_sum8(product, T), want_beta = (float)plain_sum8(column, T);
        CHECK(dgamma[c] == want_gamma && dbeta[c] == want_beta);
    }
    arena_free(&arena);
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return layer_norm(tape, x[0], x[1], x[2], 1e-2f);
}

static Tensor *build_plain(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return layer_norm(tape, x[0], NULL, NULL, 1e-2f);
}

static void test_as_an_operator(int rank, const int *dim)
{
    Arena arena = {0};
    OperatorCase c = {.name = "layer_norm", .build = build, .count = 3};
    c.x[0] = test_tensor(&arena, 1, rank, dim);
    c.x[1] = test_tensor(&arena, 2, 1, dim + rank - 1);
    c.x[2] = test_tensor(&arena, 3, 1, dim + rank - 1);
    operatorcheck(&c, 0x6);
    OperatorCase plain = {.name = "layer_norm plain", .build = build_plain, .count = 1, .x = {c.x[0]}};
    operatorcheck(&plain, 0);
    c.x[1]->wants_grad = false;
    gradcheck(&c);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 3, (int[]){2, 3, 4}), *four = test_tensor(&arena, 2, 1, (int[]){4});
    Tensor *five = test_tensor(&arena, 2, 1, (int[]){5}), *number = test_tensor(&arena, 2, 0, NULL);
    Tensor *empty = test_tensor(&arena, 1, 2, (int[]){3, 0});
    Tensor *const bad[][3] = {{x, five, four}, {x, four, five},      {x, NULL, four},
                              {x, four, NULL}, {number, NULL, NULL}, {empty, NULL, NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape tape = {.arena = &arena};
        CHECK(layer_norm(&tape, bad[i][0], bad[i][1], bad[i][2], 1e-5f) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "layer_norm: x is (");
    }
    Tape tape = {.arena = &arena};
    CHECK(layer_norm(&tape, NULL, four, four, 1e-5f) == NULL && tape.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    test_row_by_hand();
    test_equals_the_written_order();
    test_as_an_operator(3, (int[]){2, 5, 12});
    test_as_an_operator(2, (int[]){4, 9});
    test_as_an_operator(4, (int[]){2, 2, 3, 130});
    test_as_an_operator(3, (int[]){2, 150, 70});
    test_refused();
    return check_report("layer_norm");
}
