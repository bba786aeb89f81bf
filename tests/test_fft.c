#include "nn/fft.h"

#include "nn/elementwise.h"
#include "tests/gradcheck.h"

static const double TURN = 6.283185307179586476925;

/* The definition. */
static void plain(double *out, const double *z, int n)
{
    for (int k = 0; k < n; k++) {
        double re = 0.0, im = 0.0;
        for (int j = 0; j < n; j++) {
            const double angle = -TURN * (double)((long long)j * k % n) / n, c = cos(angle), s = sin(angle);
            re += z[2 * j] * c - z[2 * j + 1] * s;
            im += z[2 * j] * s + z[2 * j + 1] * c;
        }
        out[2 * k] = re;
        out[2 * k + 1] = im;
    }
}

static double furthest(const double *a, const double *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fabs(a[i] - b[i]) > most || a[i] != a[i] ? fabs(a[i] - b[i]) : most;
    return most;
}

static void check_length(int n)
{
    Arena arena = {0};
    Error err = {0};
    FftPlan plan = {0};
    const size_t pairs = 2 * (size_t)n;
    if (!CHECK(fft_plan(&plan, n, &arena, &err) == STATUS_OK))
        return;
    double *x = arena_raw(&arena, pairs, sizeof *x), *z = arena_raw(&arena, pairs, sizeof *z);
    double *want = arena_raw(&arena, pairs, sizeof *want);
    double *scratch = arena_raw(&arena, fft_scratch(&plan), sizeof *scratch);
    double size = 0.0;
    for (size_t i = 0; i < pairs; i++) {
        x[i] = z[i] = (double)test_number(7, i);
        size += x[i] * x[i];
    }
    plain(want, x, n);
    fft_forward(&plan, z, scratch);
    if (!CHECK(furthest(z, want, pairs) < 1e-13 * (double)n))
        printf("    length %d: off by %g\n", n, furthest(z, want, pairs));
    double power = 0.0;
    for (size_t i = 0; i < pairs; i++)
        power += z[i] * z[i];
    CHECK_NEAR(power / (double)n, size, 1e-13); /* Parseval */
    fft_inverse(&plan, z, scratch);
    for (size_t i = 0; i < pairs; i++)
        z[i] /= (double)n;
    CHECK(furthest(z, x, pairs) < 1e-14);
    arena_free(&arena);
}

static void test_every_length_against_the_definition(void)
{
    static const int MORE[] = {97, 100, 120, 128, 210, 211, 243, 256, 299, 31 * 29, 37 * 4, 1009};
    for (int n = 1; n <= 70; n++)
        check_length(n);
    for (size_t i = 0; i < sizeof MORE / sizeof MORE[0]; i++)
        check_length(MORE[i]);
}

/* The nearest doubles, from tables. */
static void test_powers_are_correctly_rounded(void)
{
    Arena arena = {0};
    FftPlan plan;
    CHECK(fft_plan(&plan, 24, &arena, NULL) == STATUS_OK);
    const double *w = plan.power;
    CHECK(w[0] == 1.0 && w[1] == 0.0);
    CHECK(w[2] == 0x1.ee8dd4748bf15p-1 && w[3] == -0x1.0907dc1930690p-2); /* 15 degrees */
    CHECK(w[4] == 0x1.bb67ae8584caap-1 && w[5] == -0.5);                  /* 30 */
    CHECK(w[6] == 0x1.6a09e667f3bcdp-1 && w[7] == -0x1.6a09e667f3bcdp-1); /* 45 */
    CHECK(w[12] == 0.0 && w[13] == -1.0 && w[24] == -1.0 && w[25] == 0.0 && w[36] == 0.0 && w[37] == 1.0);
    CHECK(w[16] == -0.5 && w[17] == -0x1.bb67ae8584caap-1); /* 120 */
    arena_free(&arena);
}

static void test_by_hand(void)
{
    Arena arena = {0};
    FftPlan plan;
    double scratch[16], delta[8] = {1, 0}, step[8] = {0, 0, 1, 0}, complex_one[8] = {0, 1};
    CHECK(fft_plan(&plan, 4, &arena, NULL) == STATUS_OK && fft_scratch(&plan) <= 16);
    fft_forward(&plan, delta, scratch); /* a delta is flat */
    for (int k = 0; k < 4; k++)
        CHECK(delta[2 * k] == 1.0 && delta[2 * k + 1] == 0.0);
    fft_forward(&plan, step, scratch); /* moved by one: e^(-2 pi i k / 4) = 1, -i, -1, i */
    const double want[8] = {1, 0, 0, -1, -1, 0, 0, 1};
    CHECK(furthest(step, want, 8) == 0.0);
    fft_inverse(&plan, complex_one, scratch);
    for (int k = 0; k < 4; k++)
        CHECK(complex_one[2 * k] == 0.0 && complex_one[2 * k + 1] == 1.0);
    arena_free(&arena);
}

static void test_refused_lengths_and_no_memory(void)
{
    static const int LENGTHS[] = {12, 37};
    Error err = {0};
    FftPlan plan;
    Arena arena = {0};
    CHECK(fft_plan(&plan, 0, &arena, &err) == STATUS_ARGUMENT);
    CHECK(fft_plan(&plan, FFT_LONGEST + 1, &arena, NULL) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "length 0");
    for (int k = 0; k < 2; k++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 100; n++) {
            Arena failing = {.fail_after = n};
            status = fft_plan(&plan, LENGTHS[k], &failing, NULL);
            CHECK(status == STATUS_OK || status == STATUS_MEMORY);
            arena_free(&failing);
        }
        CHECK(n > 2 && n < 100);
    }
    arena_free(&arena);
}

/* ---- planes ---- */

static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
{
    (void)context;
    return fft2(tape, x[0]);
}

static void test_planes_against_rows_and_columns(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    Tensor *x = test_tensor(&arena, 3, 4, (int[]){1, 2, 5, 6});
    const Tensor *y = fft2(&tape, x);
    if (!CHECK(y != NULL && y->dim[1] == 4 && y->dim[2] == 5 && y->dim[3] == 6))
        return;
    double most = 0.0;
    for (int c = 0; c < 2; c++)
        for (int u = 0; u < 5; u++)
            for (int v = 0; v < 6; v++) {
                double re = 0.0, im = 0.0;
                for (int i = 0; i < 5; i++)
                    for (int j = 0; j < 6; j++) {
                        const double angle = -TURN * (u * i / 5.0 + v * j / 6.0);
                        const double value = (double)x->data[(c * 5 + i) * 6 + j] / sqrt(30.0);
                        re += value * cos(angle);
                        im += value * sin(angle);
                    }
                most = fmax(most, fabs(re - (double)y->data[(c * 5 + u) * 6 + v]));
                most = fmax(most, fabs(im - (double)y->data[((2 + c) * 5 + u) * 6 + v]));
            }
    CHECK(most < 3e-7);
    CHECK(fft2(&tape, test_tensor(&arena, 3, 3, (int[]){1, 2, 5})) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    arena_free(&arena);
}

static void test_operator(void)
{
    Arena arena = {0};
    OperatorCase c = {.name = "fft2", .build = build, .count = 1};
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){3, 2, 4, 6});
    operatorcheck(&c, 0);
    c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 1, 37, 3}); /* Bluestein */
    operatorcheck(&c, 0);
    arena_free(&arena);
}

int main(void)
{
    test_every_length_against_the_definition();
    test_powers_are_correctly_rounded();
    test_by_hand();
    test_refused_lengths_and_no_memory();
    test_planes_against_rows_and_columns();
    test_operator();
    return check_report("fft");
}
