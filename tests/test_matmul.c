#include "nn/matmul.h"

#include "tests/kernel_plain.h"

static void test_two_by_two_by_hand(void)
{
    float a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8};
    const int dim[2] = {2, 2};
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *x = tape_input(&tape, a, 2, dim, false), *y = tape_input(&tape, b, 2, dim, false);
    const Tensor *plain = matmul(&tape, x, y, false), *turned = matmul(&tape, x, y, true);
    CHECK(plain != NULL && turned != NULL);
    if (plain != NULL && turned != NULL) {
        const float want[4] = {19, 22, 43, 50}, want_turned[4] = {17, 23, 39, 53};
        CHECK(same_bits(plain->data, want, 4));
        CHECK(same_bits(turned->data, want_turned, 4));
    }
    arena_free(&arena);
}

/* 300 ones after 2^24 vanish when added one by one; a panel of their own keeps the last 45. */
static void test_a_panel_has_256_terms(void)
{
    enum { K = 301 };
    float a[K], b[K], c = 0.0f, scratch[1 << 16];
    for (int k = 0; k < K; k++) {
        a[k] = k == 0 ? 0x1p24f : 1.0f;
        b[k] = 1.0f;
    }
    const MatmulShape shape = {1, 1, 1, K, false};
    CHECK(matmul_scratch(&shape) <= sizeof scratch || threads_count() > 4);
    threads_set(1);
    matmul_forward(&c, a, b, &shape, scratch);
    threads_set(0);
    CHECK(c == 0x1p24f + 44.0f); /* 2^24 + 45 lies between 2^24 + 44 and 2^24 + 46, even wins */
}

static void test_every_setting_gives_the_plain_bits(void)
{
    static const MatmulShape shapes[] = {
        {1, 1, 1, 1, false},    {1, 1, 1, 1, true},      {3, 5, 7, 3, false},      {2, 17, 33, 40, true},
        {2, 16, 16, 256, true}, {1, 33, 50, 1000, true}, {1, 100, 9, 515, false},  {1, 3, 200, 257, false},
        {1, 7, 20, 1300, true}, {2, 0, 4, 5, false},     {2, 4, 0, 5, true},       {2, 4, 5, 0, false},
        {0, 4, 5, 6, false},    {1, 20, 40, 512, false}, {1, 520, 18, 20, false},  {1, 18, 300, 64, true},
        {4, 64, 64, 24, true},  {1, 40, 48, 1024, true}, {1, 513, 17, 512, false},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const MatmulShape *s = &shapes[i];
        const size_t na = s->batch * s->M * s->K, nb = s->batch * s->K * s->N, nc = s->batch * s->M * s->N;
        Arena arena = {0};
        const float *a = filled(&arena, na, 1), *b = filled(&arena, nb, 2), *dc = filled(&arena, nc, 3);
        float *want = filled(&arena, na + nb + nc, 0), *got = filled(&arena, na + nb + nc, 0);
        matmul_plain(want, a, b, s);
        matmul_backward_plain(want + nc, want + nc + na, dc, a, b, s);
        for (int setting = 0; kernel_setting(setting); setting++) {
            void *scratch = arena_raw(&arena, matmul_scratch(s), 1);
            test_fill(got, na + nb + nc, 9);
            matmul_forward(got, a, b, s, scratch);
            matmul_backward(got + nc, got + nc + na, dc, a, b, s, scratch);
            CHECK(same_bits(got, want, na + nb + nc));
        }
        arena_free(&arena);
    }
}

static void test_shapes_that_do_not_fit_are_refused(void)
{
    float data[64] = {0};
    const int dims[][4] = {{2, 3, 4}, {2, 4, 5}, {3, 4, 5}, {2, 5, 4}, {4, 5}};
    const int cases[][4] = {{0, 2, 0, 0}, {0, 3, 0, 0}, {0, 1, 1, 0}, {0, 4, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        Tensor *a = tape_input(&tape, data, 3, dims[cases[i][0]], false);
        Tensor *b = tape_input(&tape, data, cases[i][3] ? 2 : 3, dims[cases[i][1]], false);
        CHECK(matmul(&tape, a, b, cases[i][2]) == NULL);
        CHECK(tape.error.status == STATUS_SHAPE);
        CHECK_TEXT(tape.error.text, "(2,3,4)");
        CHECK(matmul(&tape, NULL, b, false) == NULL);
        arena_free(&arena);
    }
}

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    return matmul(tape, x[0], x[1], *(const bool *)context);
}

static void test_as_an_operator(void)
{
    for (int turned = 0; turned < 2; turned++) {
        Arena arena = {0};
        const bool transpose_b = turned;
        OperatorCase c = {.name = "matmul", .build = build, .context = &transpose_b, .count = 2};
        c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 3, 3, 4});
        c.x[1] = test_tensor(&arena, 2, 4, turned ? (int[]){2, 3, 5, 4} : (int[]){2, 3, 4, 5});
        operatorcheck(&c, 0);
        arena_free(&arena);
    }
}

int main(void)
{
    test_two_by_two_by_hand();
    test_a_panel_has_256_terms();
    test_every_setting_gives_the_plain_bits();
    test_shapes_that_do_not_fit_are_refused();
    test_as_an_operator();
    return check_report("matmul");
}
