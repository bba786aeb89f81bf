#include "nn/group_norm.h"

#include "tests/gradcheck.h"

/* Two numbers at +-d with d * d == eps: var = eps, so y = +-1 / sqrt(2). */
static void test_eps_by_hand(void)
{
    const float d = sqrtf(1e-5f), pair[2] = {d, -d}, one = 1.0f, zero = 0.0f;
    float y[2];
    Moments moments[1];
    group_norm_forward(y, moments, pair, &one, &zero, 1, 1, 2, 1, 1e-5f);
    CHECK_NEAR(y[0], sqrt(0.5), 1e-6);
    CHECK_NEAR(y[1], -sqrt(0.5), 1e-6);
}

/* Two groups of two channels of two positions: (1 3 5 7) has mean 4 and variance 5. */
static void test_two_groups_by_hand(void)
{
    const float x[8] = {1, 3, 5, 7, 10, 30, 50, 70}, gamma[4] = {1, 2, 1, -1}, beta[4] = {0, 1, 0, 0};
    const double r = sqrt(5.0);
    float y[8];
    group_norm_forward(y, NULL, x, gamma, beta, 1, 4, 2, 2, 0.0f);
    CHECK_NEAR(y[0], -3 / r, 1e-6);
    CHECK_NEAR(y[1], -1 / r, 1e-6);
    CHECK_NEAR(y[2], 1 + 2 / r, 1e-6);
    CHECK_NEAR(y[3], 1 + 6 / r, 1e-6);
    CHECK_NEAR(y[4], -3 / r, 1e-6);
    CHECK_NEAR(y[7], -3 / r, 1e-6);
}

/* Without shift and scale each group has mean 0 and mean square 1; a constant added to x changes nothing. */
static void test_groups_are_standard(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 7, 4, (int[]){2, 6, 5, 3});
    const float gamma[6] = {1, 1, 1, 1, 1, 1}, beta[6] = {0};
    float y[180], shifted[180], z[180];
    group_norm_forward(y, NULL, x->data, gamma, beta, 2, 6, 15, 3, 1e-12f);
    for (int g = 0; g < 6; g++) {
        double mean = 0.0, square = 0.0;
        for (int i = 0; i < 30; i++) {
            mean += (double)y[g * 30 + i] / 30;
            square += (double)y[g * 30 + i] * (double)y[g * 30 + i] / 30;
        }
        CHECK_NEAR(mean, 0.0, 1e-6);
        CHECK_NEAR(square, 1.0, 1e-6);
    }
    for (int i = 0; i < 180; i++)
        shifted[i] = x->data[i] + 2.0f;
    group_norm_forward(z, NULL, shifted, gamma, beta, 2, 6, 15, 3, 1e-12f);
    for (int i = 0; i < 180; i++)
        CHECK_NEAR(z[i], y[i], 1e-5);
    arena_free(&arena);
}

static double plain_sum8(const double *x, size_t n)
{
    double s[8] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % 8] += x[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* The header's formulas written out, for one group of D channels of P positions: every bit. */
static void test_equals_the_written_order(void)
{
    enum { D = 11, P = 27, M = D * P };
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 2, (int[]){D, P}), *gamma = test_tensor(&arena, 2, 1, (int[]){D});
    Tensor *beta = test_tensor(&arena, 3, 1, (int[]){D}), *dy = test_tensor(&arena, 4, 2, (int[]){D, P});
    float y[M], dx[M], dgamma[D] = {0}, dbeta[D] = {0}, xhat[M], want_y[M], want_dx[M];
    double wide[M], S[D], T[D];
    Moments moments[1];
    NormSums sums[D];
    for (int i = 0; i < M; i++)
        wide[i] = x->data[i];
    const double mean = plain_sum8(wide, M) / M;
    for (int i = 0; i < M; i++)
        wide[i] = (x->data[i] - mean) * (x->data[i] - mean);
    const double rstd = 1.0 / sqrt(plain_sum8(wide, M) / M + (double)1e-5f);
    for (int c = 0; c < D; c++) {
        double product[P];
        for (int i = c * P; i < c * P + P; i++) {
            xhat[i] = (float)((x->data[i] - mean) * rstd);
            const float scaled = xhat[i] * gamma->data[c];
            want_y[i] = scaled + beta->data[c];
            wide[i - c * P] = dy->data[i];
            product[i - c * P] = (double)dy->data[i] * xhat[i];
        }
        S[c] = plain_sum8(wide, P);
        T[c] = plain_sum8(product, P);
    }
    group_norm_forward(y, moments, x->data, gamma->data, beta->data, 1, D, P, 1, 1e-5f);
    group_norm_backward(dx, dgamma, dbeta, dy->data, x->data, gamma->data, moments, sums, 1, D, P, 1);
    for (int c = 0; c < D; c++) {
        const float want_gamma = (float)T[c], want_beta = (float)S[c];
        CHECK(dgamma[c] == want_gamma && dbeta[c] == want_beta);
        S[c] = gamma->data[c] * S[c];
        T[c] = gamma->data[c] * T[c];
    }
    const double a = plain_sum8(S, D) / M, b = plain_sum8(T, D) / M;
    for (int i = 0; i < M; i++) {
        const float h = dy->data[i] * gamma->data[i / P];
        want_dx[i] = (float)(((h - a) - xhat[i] * b) * rstd);
    }
    CHECK(same_bits(y, want_y, M));
    CHECK(same_bits(dx, want_dx, M));
    arena_free(&arena);
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return group_norm(tape, x[0], x[1], x[2], *(const int *)context, 1e-2f);
}

static void test_as_an_operator(int C, int groups, int H, int W)
{
    Arena arena = {0};
    OperatorCase c = {.name = "group_norm", .build = build, .context = &groups, .count = 3};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){3, C, H, W});
    c.x[1] = test_tensor(&arena, 2, 1, (int[]){C});
    c.x[2] = test_tensor(&arena, 3, 1, (int[]){C});
    operatorcheck(&c, 0x6);
    c.x[1]->wants_grad = c.x[2]->wants_grad = false;
    gradcheck(&c);
    c.x[0]->wants_grad = false;
    c.x[1]->wants_grad = c.x[2]->wants_grad = true;
    gradcheck(&c);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Tensor *x = test_tensor(&arena, 1, 4, (int[]){2, 6, 2, 2}),
           *six = test_tensor(&arena, 2, 1, (int[]){6});
    Tensor *five = test_tensor(&arena, 2, 1, (int[]){5}), *line = test_tensor(&arena, 2, 1, (int[]){6});
    Tensor *const bad[][3] = {{x, five, six}, {x, six, five}, {line, six, six}};
    for (int i = 0; i < 3; i++) {
        Tape tape = {.arena = &arena};
        CHECK(group_norm(&tape, bad[i][0], bad[i][1], bad[i][2], 2, 1e-5f) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
    }
    const int groups[] = {4, 0, -1, 12};
    for (int i = 0; i < 4; i++) {
        Tape tape = {.arena = &arena};
        CHECK(group_norm(&tape, x, six, six, groups[i], 1e-5f) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "(2,6,2,2)");
    }
    Tape tape = {.arena = &arena};
    CHECK(group_norm(&tape, NULL, six, six, 2, 1e-5f) == NULL && tape.error.status == STATUS_OK);
    arena_free(&arena);
}

int main(void)
{
    test_eps_by_hand();
    test_two_groups_by_hand();
    test_groups_are_standard();
    test_equals_the_written_order();
    test_as_an_operator(6, 3, 3, 5);
    test_as_an_operator(24, 2, 1, 1);
    test_as_an_operator(4, 1, 8, 8);
    test_as_an_operator(64, 32, 16, 10);
    test_refused();
    return check_report("group_norm");
}
