/* Trajectory consistency: a step by hand with its noise, the two ends of gamma, and what is refused. */
#include "tests/check.h"
#include "tests/toy_denoiser.h"

static SamplerRun begin(double gamma, int steps, const float *noise, Arena *arena)
{
    SamplerRun run = {0};
    const SamplerOptions o = {.eta = gamma, .noise = noise, .noise_count = noise != NULL};
    CHECK(sampler_begin(&run, &SAMPLER_TCD, SAMPLER_TCD.defaults, o, steps, 1, 1, NULL, arena, NULL) ==
          STATUS_OK);
    return run;
}

static double abar(const SamplerRun *run, int t)
{
    return schedule_alpha_bar(&run->schedule, t);
}

/* Four steps of the 50: 999, 759, 499, 259.  gamma = 0.3: from 999 to floor(0.7 759) = 531, and noise to 759. */
static void test_one_step_by_hand(void)
{
    static const float NOISE[1] = {-1.5f};
    static const double TIMES[4] = {999, 759, 499, 259};
    Arena arena = {0};
    SamplerRun run = begin(0.3, 4, NOISE, &arena);
    for (int i = 0; i < 4; i++)
        CHECK(run.calls == 4 && run.time[i] == TIMES[i]);
    const double a = sqrt(abar(&run, 999)), s = sqrt(1.0 - abar(&run, 999));
    const double x0 = (0.8 - s * 0.5) / a, ratio = abar(&run, 759) / abar(&run, 531);
    const double there = sqrt(abar(&run, 531)) * x0 + sqrt(1.0 - abar(&run, 531)) * 0.5;
    float x = 0.8f, out = 0.5f;
    SAMPLER_TCD.step(&run, 0, &x, &out);
    CHECK_NEAR(x, sqrt(ratio) * there - 1.5 * sqrt(1.0 - ratio), 2e-6);
    CHECK(run.draws == 1 && SAMPLER_TCD.describe(&run, 0).previous == 759);

    x = 0.8f; /* the last step goes to timestep 0, without noise */
    out = 0.5f;
    SAMPLER_TCD.step(&run, 3, &x, &out);
    const double last = (0.8 - sqrt(1.0 - abar(&run, 259)) * 0.5) / sqrt(abar(&run, 259));
    CHECK_NEAR(x, sqrt(abar(&run, 0)) * last + sqrt(1.0 - abar(&run, 0)) * 0.5, 2e-6);
    CHECK(run.draws == 1 && SAMPLER_TCD.describe(&run, 3).previous == 0);
    arena_free(&arena);
}

/* gamma 0 draws nothing; gamma 1 jumps to timestep 0 and lets the noise do the rest.  What the model knows of one point
 * stays known. */
static void test_both_ends_of_gamma(void)
{
    for (int k = 0; k < 2; k++) {
        Arena arena = {0};
        float x = 1.3f;
        SamplerRun run = begin(k, 10, NULL, &arena);
        const SamplerCall d = SAMPLER_TCD.describe(&run, 4);
        const int s = k == 0 ? (int)run.time[5] : 0;
        CHECK_NEAR(d.value[2], sqrt(abar(&run, s)), 1e-7);
        CHECK((d.value[5] == 0.0) == (k == 0));
        Toy toy = {.kind = TOY_POINT, .c = 0.7, .run = &run};
        const Denoiser network = toy_denoiser(&toy);
        CHECK(denoise(&x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
        CHECK(run.draws == (k == 0 ? 0 : 9));
        CHECK_NEAR(x, 0.7, 0.05); /* timestep 0 has a noise of 0.03 */
        arena_free(&arena);
    }
}

static void test_refused(void)
{
    static const double WRONG[3] = {-0.1, 1.5, NAN};
    for (int k = 0; k < 3; k++) {
        Arena arena = {0};
        Error err = {0};
        SamplerRun run = {.calls = -1};
        CHECK(sampler_begin(&run, &SAMPLER_TCD, SAMPLER_TCD.defaults, (SamplerOptions){.eta = WRONG[k]}, 4,
                            1, 1, NULL, &arena, &err) == STATUS_ARGUMENT);
        CHECK(run.calls == -1);
        CHECK_TEXT(err.text, "eta is ");
        arena_free(&arena);
    }
    Arena arena = {0};
    Error err = {0};
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_TCD, SAMPLER_TCD.defaults, (SamplerOptions){0}, 51, 1, 1, NULL,
                        &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "steps is 51 and original_inference_steps 50");
    arena_free(&arena);
}

int main(void)
{
    test_one_step_by_hand();
    test_both_ends_of_gamma();
    test_refused();
    return check_report("sampler_tcd");
}
