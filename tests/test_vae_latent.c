#include "diffusion/vae_latent.h"

#include "tests/net_check.h"

static const VaeConfig PLAIN = {.scaling_factor = 0.18215},
                       SHIFTED = {.scaling_factor = 0.25, .shift_factor = 2};

/* One pixel, L = 3: mean (1, 2, 4), log variance (0, 50, -99). */
static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float moments[6] = {1.0f, 2.0f, 4.0f, 0.0f, 50.0f, -99.0f}, noise[3] = {0.5f, -1.0f, 1.0f};
    Tensor *m = tape_input(&tape, moments, 4, (const int[4]){1, 6, 1, 1}, false);
    Tensor *n = tape_input(&tape, noise, 4, (const int[4]){1, 3, 1, 1}, false);
    const Tensor *mean = latent_mean(&tape, m), *logvar = latent_logvar(&tape, m);
    const Tensor *sample = latent_sample(&tape, m, n);
    CHECK(mean->data[0] == 1.0f && mean->data[1] == 2.0f && mean->data[2] == 4.0f);
    CHECK(logvar->data[0] == 0.0f && logvar->data[1] == 20.0f && logvar->data[2] == -30.0f);
    CHECK(sample->data[0] == 1.5f);
    CHECK_NEAR(sample->data[1], 2.0 - exp(10.0), 1e-7);
    arena_free(&arena);
}

static void test_scales(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float z[2] = {3.0f, -1.0f};
    Tensor *x = tape_input(&tape, z, 4, (const int[4]){1, 2, 1, 1}, false);
    CHECK(latent_scale(&tape, &SHIFTED, x)->data[0] == 0.25f);
    CHECK(latent_unscale(&tape, &SHIFTED, x)->data[0] == 14.0f);
    CHECK(latent_scale(&tape, &PLAIN, x)->data[0] == 3.0f * 0.18215f);
    CHECK(latent_unscale(&tape, &PLAIN, x)->data[1] == -1.0f / 0.18215f);
    arena_free(&arena);
}

static Tensor *run_sample(Tape *tape, const void *context, Tensor *const *inputs)
{
    (void)context;
    return latent_sample(tape, inputs[0], inputs[1]);
}

static Tensor *run_scale(Tape *tape, const void *context, Tensor *const *inputs)
{
    return latent_unscale(tape, &PLAIN, latent_scale(tape, context, inputs[0]));
}

static void test_slopes(void)
{
    Arena arena = {0};
    Tensor *inputs[2] = {any_tensor(&arena, 1, 4, 2, 4, 3, 2), any_tensor(&arena, 2, 4, 2, 2, 3, 2)};
    check_slope(run_sample, NULL, inputs, inputs[0], 1e-2f, 1e-3);
    check_slope(run_sample, NULL, inputs, inputs[1], 1e-2f, 1e-3);
    check_slope(run_scale, &SHIFTED, inputs, inputs[0], 1e-2f, 1e-4);
    arena_free(&arena);
}

static void test_odd_channels_are_refused(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    CHECK(latent_mean(&tape, any_tensor(&arena, 1, 4, 1, 3, 2, 2)) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    CHECK_TEXT(tape.error.text, "moments of shape (1,3,2,2)");
    arena_free(&arena);
}

int main(void)
{
    test_by_hand();
    test_scales();
    test_slopes();
    test_odd_channels_are_refused();
    return check_report("vae_latent");
}
