#include "nn/time_embedding.h"

#include "tests/gradcheck.h"

/* diffusers' get_timestep_embedding with numbers that float32 rounds in other places. */
static void test_equals_the_formula(int width, bool flip, double shift)
{
    const float t[4] = {0.0f, 1.0f, 17.5f, 981.0f};
    float out[4 * 40];
    const int half = width / 2;
    time_embedding_forward(out, t, 4, width, flip, (float)shift);
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < half; i++) {
            const double angle = (double)t[n] * exp(-log(10000.0) * i / (half - shift));
            const float *row = out + n * width;
            CHECK_NEAR(row[flip ? half + i : i], sin(angle), 1e-4);
            CHECK_NEAR(row[flip ? i : half + i], cos(angle), 1e-4);
        }
    for (int n = 0; n < 4 && width % 2 != 0; n++)
        CHECK(out[n * width + width - 1] == 0.0f);
}

static void test_exact_places(void)
{
    const float t[1] = {0.0f};
    const float want[8] = {1, 1, 1, 1, 0, 0, 0, 0};
    float out[8];
    time_embedding_forward(out, t, 1, 8, true, 0.0f);
    CHECK(same_bits(out, want, 8));
}

static void test_on_the_tape(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena, .recording = true};
    const float t[2] = {3.0f, 500.0f};
    float want[2 * 6];
    const Tensor *y = time_embedding(&tape, t, 2, 6, false, 1.0f);
    time_embedding_forward(want, t, 2, 6, false, 1.0f);
    CHECK(y != NULL && y->rank == 2 && y->dim[0] == 2 && y->dim[1] == 6 && !y->wants_grad);
    CHECK(y != NULL && same_bits(y->data, want, 12));
    CHECK(time_embedding(&tape, NULL, 2, 6, false, 1.0f) == NULL && tape.error.status == STATUS_OK);
    static const struct {
        int N, width;
        float shift;
    } bad[] = {{2, 1, 0}, {2, 0, 0}, {-1, 8, 0}, {2, 2, 1}, {2, 8, 5}, {2, 8, NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Tape broken = {.arena = &arena};
        CHECK(time_embedding(&broken, t, bad[i].N, bad[i].width, true, bad[i].shift) == NULL);
        CHECK(broken.error.status == STATUS_ARGUMENT);
    }
    for (size_t n = 1; n < 3; n++) {
        Arena small = {.fail_after = n};
        Tape poor = {.arena = &small};
        CHECK(time_embedding(&poor, t, 2, 6, true, 0.0f) == NULL && poor.error.status == STATUS_MEMORY);
        arena_free(&small);
    }
    arena_free(&arena);
}

int main(void)
{
    test_equals_the_formula(40, true, 0.0);
    test_equals_the_formula(32, false, 1.0);
    test_equals_the_formula(9, false, 0.0);
    test_exact_places();
    test_on_the_tape();
    return check_report("time_embedding");
}
