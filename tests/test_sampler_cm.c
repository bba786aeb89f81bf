/* Consistency models: levels, two steps by hand, and what is refused. */
#include <math.h>

#include "diffusion/sampler.h"
#include "tests/check.h"

static SchedulerConfig defaults(void)
{
    SchedulerConfig c = *SAMPLER_CM.defaults;
    c.given = ~(uint64_t)0;
    return c;
}

/* T = 5, N = 2: numbers 0 and 2 of 80, 17.53, 2.5152, 0.16975, 0.002. */
static void test_two_steps_by_hand(void)
{
    static const float NOISE[2] = {-1.5f, 100.0f};
    Arena arena = {0};
    SchedulerConfig c = defaults();
    c.num_train_timesteps = 5;
    c.clip_denoised = false;
    c.s_noise = 1.25;
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_CM, &c, (SamplerOptions){.noise = NOISE, .noise_count = 2}, 2, 1, 1,
                        NULL, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(run.sigma[0], 80.0, 1e-9);
    CHECK_NEAR(run.sigma[1], 2.515218976147159, 1e-9);
    CHECK(run.sigma[2] == 0.002 && run.start_scale == 80.0f);
    CHECK_NEAR(run.time[1], 250.0 * log(run.sigma[1]), 1e-9);
    const double sigma = run.sigma[1], above = sigma - 0.002;
    float x = 40.0f, out = 0.75f, seen = 0.0f, x0 = 0.0f;
    SAMPLER_CM.input(&run, 0, &seen, &x);
    sampler_x0(&run, 0, &x0, &seen, &out);
    CHECK_NEAR(x0, 0.25 / (79.998 * 79.998 + 0.25) * 40.0 + 79.998 * 0.5 / sqrt(6400.25) * 0.75, 1e-6);
    SAMPLER_CM.step(&run, 0, &x, &out);
    CHECK_NEAR(x,
               0.25 / (79.998 * 79.998 + 0.25) * 40.0 + 79.998 * 0.5 / sqrt(6400.25) * 0.75 -
                   1.25 * 1.5 * sqrt(sigma * sigma - 4e-6),
               1e-5);
    const double y = x;
    SAMPLER_CM.step(&run, 1, &x, &out); /* nothing is drawn */
    CHECK_NEAR(x, 0.25 / (above * above + 0.25) * y + above * 0.5 / sqrt(sigma * sigma + 0.25) * 0.75,
               1e-5);
    CHECK(run.draws == 1);
    c.clip_denoised = true;
    CHECK(sampler_begin(&run, &SAMPLER_CM, &c, (SamplerOptions){0}, 1, 1, 1, NULL, &arena, NULL) ==
          STATUS_OK);
    x = 40.0f;
    out = -7.0f;
    SAMPLER_CM.step(&run, 0, &x, &out);
    CHECK(x == -1.0f && run.draws == 0);
    arena_free(&arena);
}

/* sigma_min that counts: what is added has the variance sigma_1^2 - sigma_min^2. */
static void test_noise_above_the_least_level(void)
{
    static const float NOISE[1] = {2.0f};
    Arena arena = {0};
    SchedulerConfig c = defaults();
    c.num_train_timesteps = 3;
    c.sigma_min = 2.0;
    c.clip_denoised = false;
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_CM, &c, (SamplerOptions){.noise = NOISE, .noise_count = 1}, 3, 1, 1,
                        NULL, &arena, NULL) == STATUS_OK);
    const double next = run.sigma[1];
    float x = 0.0f, out = 0.0f;
    SAMPLER_CM.step(&run, 0, &x, &out);
    CHECK(next > 4.0 && next < 40.0);
    CHECK_NEAR(x, 2.0 * sqrt(next * next - 4.0), 1e-5);
    x = 0.0f;
    SAMPLER_CM.step(&run, 1, &x,
                    &out); /* down to sigma_min: nothing is left to add, and nothing is drawn */
    CHECK_NEAR(x, 0.0, 1e-6);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    Error err = {0};
    SamplerRun run = {.calls = -1};
    SchedulerConfig c = defaults();
    c.sigma_max = 0.0;
    CHECK(sampler_begin(&run, &SAMPLER_CM, &c, (SamplerOptions){0}, 2, 1, 1, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "sigma_min is 0.002 and sigma_max 0");
    CHECK(run.calls == -1);
    err = (Error){0};
    c = defaults();
    CHECK(sampler_begin(&run, &SAMPLER_CM, &c, (SamplerOptions){0}, 41, 1, 1, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "steps is 41, expected 1 to 40");
    arena_free(&arena);
}

int main(void)
{
    test_two_steps_by_hand();
    test_noise_above_the_least_level();
    test_refused();
    return check_report("sampler_cm");
}
