/* DDPM: a step by hand, moments of a Gaussian, and diffusers' published loops. */
#include "tests/published_loops.h"

enum { N = 4000 };

static SchedulerConfig small(void)
{
    static const double BETAS[] = {0.36, 1 - 0.25 / 0.64};
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.num_train_timesteps = 2;
    c.trained_betas = BETAS;
    c.trained_count = 2;
    c.clip_sample = false;
    c.given = ~(uint64_t)0;
    return c;
}

/* abar = 0.64, 0.25; at t = 1: alpha' = 0.390625, beta' = 0.609375. */
static void test_one_step_by_hand(void)
{
    static const int TYPES[] = {VARIANCE_FIXED_SMALL, VARIANCE_FIXED_SMALL_LOG, VARIANCE_FIXED_LARGE};
    static const double SD[] = {0.5408326913195984, 0.5408326913195984, 0.7806247497997998};
    for (int k = 0; k < 3; k++) {
        Arena arena = {0};
        SchedulerConfig c = small();
        c.variance_type = TYPES[k];
        Rng rng = rng_stream(RNG_PHILOX, 3, STREAM_STEP, 0), same = rng;
        SamplerRun run = {0};
        CHECK(sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 2, 1, 1, &rng, &arena, NULL) ==
              STATUS_OK);
        CHECK(run.calls == 2 && run.time[0] == 1 && run.time[1] == 0 && run.start_scale == 1.0f);
        float x = 1.0f, out = 0.5f;
        const double x0 = (1 - sqrt(0.75) * 0.5) / 0.5;
        SAMPLER_DDPM.step(&run, 0, &x, &out);
        CHECK_NEAR(x, 0.8 * 0.609375 / 0.75 * x0 + 0.625 * 0.36 / 0.75 * 1.0 + SD[k] * rng_normal(&same),
                   1e-6);
        x = 1.0f;
        SAMPLER_DDPM.step(&run, 1, &x, &out); /* the last step is x0 alone, without noise */
        CHECK_NEAR(x, (1 - 0.6 * 0.5) / 0.8, 1e-6);
        CHECK(memcmp(&rng, &same, sizeof rng) == 0);
        arena_free(&arena);
    }
}

/* The reverse of a Gaussian's diffusion, all 1000 steps: the data's variance comes out (4000 numbers: the
 * sample's own deviation of the variance is 2.2%). */
static void test_gaussian_variance(void)
{
    Arena arena = {0};
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.clip_sample = false;
    c.given = ~(uint64_t)0;
    Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_STEP, 0);
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 1000, 1, N, &rng, &arena, NULL) ==
          STATUS_OK);
    float *x = arena_raw(&arena, N, sizeof *x);
    sampler_draw(&run, x);
    Toy toy = {.kind = TOY_GAUSSIAN, .run = &run, .q = 0.5};
    const Denoiser network = toy_denoiser(&toy);
    CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
    double sum = 0, square = 0;
    for (int i = 0; i < N; i++) {
        sum += x[i];
        square += (double)x[i] * x[i];
    }
    CHECK(fabs(sum / N) < 0.03);
    CHECK(fabs(square / N - 0.25) < 0.02);
    arena_free(&arena);
}

static void test_point_mass_is_found(void)
{
    for (int spacing = SPACING_LEADING; spacing <= SPACING_LINSPACE; spacing++) {
        Arena arena = {0};
        SchedulerConfig c = SCHEDULER_DEFAULTS;
        c.clip_sample = false;
        c.timestep_spacing = spacing;
        c.given = ~(uint64_t)0;
        Rng rng = rng_stream(RNG_TORCH, 7, STREAM_STEP, 0);
        SamplerRun run = {0};
        CHECK(sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 30, 1, 4, &rng, &arena, NULL) ==
              STATUS_OK);
        float x[4] = {-2, 0.5f, 1, 3};
        Toy toy = {.kind = TOY_POINT, .run = &run, .c = -0.4};
        const Denoiser network = toy_denoiser(&toy);
        CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
        for (int i = 0; i < 4; i++)
            CHECK_NEAR(x[i], -0.4, 2e-5);
        arena_free(&arena);
    }
}

/* With an offset the last timestep is 1: alpha-bar before it is 1 whatever set_alpha_to_one says (that is DDIM's),
 * the variance is 0 and held at 1e-20, so that noise is drawn as diffusers draws it. */
static void test_last_step_with_offset(void)
{
    Arena arena = {0};
    SchedulerConfig c = SCHEDULER_STABLE_DIFFUSION;
    Rng rng = rng_stream(RNG_PHILOX, 3, STREAM_STEP, 0), before = rng;
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 10, 1, 1, &rng, &arena, NULL) ==
          STATUS_OK);
    float x = 0.5f, out = 0.25f;
    const double a = schedule_signal(&run.schedule, 1), s = schedule_noise(&run.schedule, 1);
    CHECK(run.time[9] == 1);
    SAMPLER_DDPM.step(&run, 9, &x, &out);
    CHECK_NEAR(x, (0.5 - s * 0.25) / a, 1e-7);
    CHECK(memcmp(&rng, &before, sizeof rng) != 0);
    arena_free(&arena);
}

static void test_refused(void)
{
    Arena arena = {0};
    SchedulerConfig c = small();
    SamplerRun run = {0};
    Error err = {0};
    c.variance_type = VARIANCE_LEARNED_RANGE;
    CHECK(sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 2, 1, 1, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "variance_type is learned_range");
    arena_free(&arena);
    for (size_t n = 1; n < 50; n++) {
        Arena small_arena = {.fail_after = n};
        c = small();
        const Status status =
            sampler_begin(&run, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 2, 1, 1, NULL, &small_arena, NULL);
        arena_free(&small_arena);
        CHECK(status == STATUS_OK || status == STATUS_MEMORY);
        if (status == STATUS_OK) {
            CHECK(n > 7);
            break;
        }
    }
}

/* UnCLIP's steps: with all timesteps they are DDPM's; with fewer they spread from 0 to T - 1. */
static void test_unclip(void)
{
    Arena arena = {0};
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.beta_schedule = BETA_SQUAREDCOS_CAP_V2;
    c.variance_type = VARIANCE_FIXED_SMALL_LOG;
    c.given = ~(uint64_t)0;
    SamplerRun ddpm = {0}, unclip = {0};
    const SamplerOptions none = {0};
    CHECK(sampler_begin(&ddpm, &SAMPLER_DDPM, &c, none, 1000, 1, 1, NULL, &arena, NULL) == STATUS_OK);
    CHECK(sampler_begin(&unclip, &SAMPLER_UNCLIP, &c, none, 1000, 1, 1, NULL, &arena, NULL) == STATUS_OK);
    for (int call = 0; call < 1000; call++) {
        const SamplerCall a = SAMPLER_DDPM.describe(&ddpm, call),
                          b = SAMPLER_UNCLIP.describe(&unclip, call);
        CHECK(ddpm.time[call] == unclip.time[call] && a.previous == b.previous);
        for (int i = 0; i < a.count; i++)
            CHECK_NEAR(b.value[i], a.value[i], 1e-6);
    }
    static const double TIMES[5] = {999, 749, 500, 250, 0};
    CHECK(sampler_begin(&unclip, &SAMPLER_UNCLIP, &c, none, 5, 1, 1, NULL, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 5; i++)
        CHECK(unclip.time[i] == TIMES[i]);
    arena_free(&arena);
}

static void refuse_unclip(SchedulerConfig c, int steps, const char *why)
{
    Arena arena = {0};
    Error err = {0};
    SamplerRun run = {.calls = -1};
    CHECK(sampler_begin(&run, &SAMPLER_UNCLIP, &c, (SamplerOptions){0}, steps, 1, 1, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK(run.calls == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_unclip_refuses(void)
{
    SchedulerConfig c = *SAMPLER_UNCLIP.defaults;
    c.given = ~(uint64_t)0;
    refuse_unclip(c, 1, "steps is 1, expected at least 2");
    c.prediction_type = PREDICT_V;
    refuse_unclip(c, 5, "prediction_type is v_prediction");
    c.variance_type = VARIANCE_LEARNED_RANGE;
    refuse_unclip(c, 5, "variance_type is learned_range");
    c.beta_schedule = BETA_LINEAR;
    refuse_unclip(c, 5, "beta_schedule is linear");
}

int main(void)
{
    test_unclip();
    test_unclip_refuses();
    test_one_step_by_hand();
    test_gaussian_variance();
    test_point_mass_is_found();
    test_last_step_with_offset();
    test_refused();
    published_loops(&SAMPLER_DDPM, true, 2e-6);
    published_loops(&SAMPLER_DDPM, false, 1e-4);
    return check_report("sampler_ddpm");
}
