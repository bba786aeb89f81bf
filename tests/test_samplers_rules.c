/* What single samplers have for themselves: what they refuse by name, noise that is added, zero terminal SNR, and the
 * conventions that are easy to get wrong. */
#include "tests/check.h"
#include "tests/toy_denoiser.h"

enum { N = 2 };

static SchedulerConfig stable(const Sampler *sampler)
{
    SchedulerConfig c = *sampler->defaults;
    c.beta_schedule = BETA_SCALED_LINEAR;
    c.beta_start = 0.00085;
    c.beta_end = 0.012;
    c.given = ~(uint64_t)0;
    return c;
}

static SamplerRun begin(const Sampler *sampler, const SchedulerConfig *c, SamplerOptions options, int steps,
                        Arena *arena)
{
    SamplerRun run = {0};
    Error err = {0};
    if (!CHECK(sampler_begin(&run, sampler, c, options, steps, 1, N, NULL, arena, &err) == STATUS_OK))
        printf("    %s: %s\n", sampler->name, err.text);
    return run;
}

static void refuse(const Sampler *sampler, SchedulerConfig c, SamplerOptions options, int steps,
                   const char *why)
{
    Arena arena = {0};
    SamplerRun run = {.calls = -1};
    Error err = {0};
    CHECK(sampler_begin(&run, sampler, &c, options, steps, 1, N, NULL, &arena, &err) == STATUS_ARGUMENT);
    CHECK(run.calls == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused_by_name(void)
{
    const SamplerOptions none = {0};
    for (int k = 0; SAMPLERS[k] != NULL; k++) {
        refuse(SAMPLERS[k], stable(SAMPLERS[k]), none, 0, "steps is 0");
        refuse(SAMPLERS[k], stable(SAMPLERS[k]), none, 1001, "steps is 1001");
    }
    SchedulerConfig c = stable(&SAMPLER_DPM_MULTI);
    c.solver_order = 4;
    refuse(&SAMPLER_DPM_MULTI, c, none, 10, "solver_order is 4, expected 1 to 3");
    c.solver_order = 2;
    c.algorithm_type = ALGORITHM_DPMSOLVER;
    refuse(&SAMPLER_DPM_MULTI, c, none, 10, "algorithm_type dpmsolver needs final_sigmas_type sigma_min");
    c.variance_type = VARIANCE_LEARNED_RANGE;
    refuse(&SAMPLER_DPM_MULTI, c, none, 10, "variance_type is learned_range");
    c = stable(&SAMPLER_DPM_SINGLE);
    c.algorithm_type = ALGORITHM_SDE_DPMSOLVER_PP;
    refuse(&SAMPLER_DPM_SINGLE, c, none, 10,
           "algorithm_type is sde-dpmsolver++, which dpm++2s does not have");
    c.solver_order = 3;
    refuse(&SAMPLER_DPM_MULTI, c, none, 10,
           "algorithm_type sde-dpmsolver++ has solver_order 1 and 2, not 3");
    refuse(&SAMPLER_DEIS, c, none, 10, "algorithm_type is sde-dpmsolver++, which deis does not have");
    refuse(&SAMPLER_DPM_MULTI, stable(&SAMPLER_DPM_MULTI), none, 1000,
           "steps is 1000, expected 1 to 999 with linspace");
    c = stable(&SAMPLER_PNDM);
    refuse(&SAMPLER_PNDM, c, none, 3, "steps is 3, expected at least 4 without skip_prk_steps");
    c.prediction_type = PREDICT_SAMPLE;
    refuse(&SAMPLER_PNDM, c, none, 10, "not sample");
    refuse(&SAMPLER_LCM, stable(&SAMPLER_LCM), none, 51, "steps is 51 and original_inference_steps 50");
    c = stable(&SAMPLER_DDIM_INVERSE);
    c.prediction_type = PREDICT_SAMPLE;
    refuse(&SAMPLER_DDIM_INVERSE, c, none, 10, "set_alpha_to_one");
    refuse(&SAMPLER_EULER, stable(&SAMPLER_EULER), (SamplerOptions){.churn = -1}, 10, "churn is -1");
    refuse(&SAMPLER_PC, stable(&SAMPLER_PC), (SamplerOptions){.corrections = -1}, 10, "corrections is -1");
    refuse(&SAMPLER_PC, stable(&SAMPLER_PC), (SamplerOptions){.corrector_only = true}, 10,
           "without predictor");
    refuse(&SAMPLER_PC, stable(&SAMPLER_PC), (SamplerOptions){.correction = 1, .correction_snr = 1}, 10,
           "one of them");
}

/* Zero terminal SNR: classes with the key start at sigma = 4096, with epsilon or v; the others do not know the key. */
static void test_zero_terminal_snr(void)
{
    static const Sampler *const WITH[] = {&SAMPLER_EULER, &SAMPLER_EULER_A, &SAMPLER_DPM_MULTI};
    static const Sampler *const WITHOUT[] = {&SAMPLER_HEUN, &SAMPLER_UNIPC, &SAMPLER_PNDM};
    for (int k = 0; k < 3; k++) {
        Arena arena = {0};
        SchedulerConfig c = stable(WITH[k]);
        c.rescale_betas_zero_snr = true;
        c.timestep_spacing = SPACING_TRAILING;
        SamplerRun run = begin(WITH[k], &c, (SamplerOptions){0}, 10, &arena);
        CHECK_NEAR(run.sigma[0], sqrt(0x1p24 - 1.0), 1e-3);
        c = stable(WITHOUT[k]);
        c.rescale_betas_zero_snr = true;
        c.timestep_spacing = SPACING_TRAILING;
        run = begin(WITHOUT[k], &c, (SamplerOptions){0}, 10, &arena);
        CHECK_NEAR(schedule_sigma(&run.schedule, 999), 14.61464123, 1e-7);
        arena_free(&arena);
    }
}

/* With diffusers' bits the rescaled alpha-bars are binary32 numbers, near those of binary64, and the last is 0. */
static void test_zero_terminal_snr_in_binary32(void)
{
    Arena arena = {0};
    SchedulerConfig c = stable(&SAMPLER_DDIM);
    c.rescale_betas_zero_snr = true;
    Schedule exact = {0}, compat = {0};
    CHECK(schedule_make(&exact, &c, false, &arena, NULL) == STATUS_OK);
    CHECK(schedule_make(&compat, &c, true, &arena, NULL) == STATUS_OK);
    int different = 0;
    for (int t = 0; t < 1000; t++) {
        CHECK_NEAR(compat.alpha_bar[t], exact.alpha_bar[t], 2e-6);
        CHECK(compat.alpha_bar[t] == (double)(float)compat.alpha_bar[t]);
        different += compat.alpha_bar[t] != exact.alpha_bar[t];
    }
    CHECK(compat.alpha_bar[999] == 0.0 && different > 900);
    arena_free(&arena);
}

/* The lists that differ from class to class, N = 8, offset 1. */
static void test_timesteps(void)
{
    static const double LEADING[2] = {876, 1}, SOLVER[2] = {889, 112};
    Arena arena = {0};
    SchedulerConfig c = stable(&SAMPLER_EULER);
    c.timestep_spacing = SPACING_LEADING;
    c.steps_offset = 1;
    SamplerRun run = begin(&SAMPLER_EULER, &c, (SamplerOptions){0}, 8, &arena);
    CHECK(run.time[0] == LEADING[0] && run.time[7] == LEADING[1]);
    CHECK_NEAR(run.start_scale, sqrt(run.sigma[0] * run.sigma[0] + 1.0), 1e-5);
    c.solver_order = 2;
    run = begin(&SAMPLER_UNIPC, &c, (SamplerOptions){0}, 8, &arena); /* divides by N + 1 */
    CHECK(run.time[0] == SOLVER[0] && run.time[7] == SOLVER[1]);
    run = begin(&SAMPLER_HEUN, &c, (SamplerOptions){0}, 8, &arena);
    CHECK(run.calls == 15 && run.time[1] == run.time[2] && run.time[0] == LEADING[0] &&
          run.sigma[15] == 0.0);
    c.skip_prk_steps = true;
    run = begin(&SAMPLER_PNDM, &c, (SamplerOptions){0}, 8, &arena);
    CHECK(run.calls == 9 && run.time[1] == run.time[2] && run.time[8] == 1);
    run = begin(&SAMPLER_DPM2, &c, (SamplerOptions){0}, 8, &arena);
    CHECK(run.calls == 15 && run.time[1] != floor(run.time[1]) && run.time[1] < run.time[0] &&
          run.time[1] > run.time[2]);
    c.timestep_spacing = SPACING_LINSPACE;
    run = begin(&SAMPLER_EULER, &c, (SamplerOptions){0}, 8, &arena);
    CHECK_NEAR(run.time[1], 999.0 * 6.0 / 7.0, 1e-4);
    CHECK(run.start_scale == (float)run.sigma[0]);
    c.use_karras_sigmas = true;
    run = begin(&SAMPLER_EULER, &c, (SamplerOptions){0}, 8, &arena);
    CHECK_NEAR(run.sigma[0], 14.61464123, 1e-6);
    CHECK_NEAR(run.sigma[7], 0.02916716, 1e-7);
    CHECK(run.time[3] != floor(run.time[3]));
    arena_free(&arena);
}

/* Noise of one step, given: z = 1 and -2. */
static void test_noise_by_hand(void)
{
    static const float NOISE[N] = {1.0f, -2.0f};
    const SamplerOptions given = {.noise = NOISE, .noise_count = 1};
    Arena arena = {0};
    SchedulerConfig c = stable(&SAMPLER_EULER_A);
    c.prediction_type = PREDICT_SAMPLE; /* the slope is (y - out) / sigma */
    SamplerRun run = begin(&SAMPLER_EULER_A, &c, given, 4, &arena);
    const double from = run.sigma[0], to = run.sigma[1], up = to / from * sqrt(from * from - to * to),
                 down = to * to / from;
    float x[N] = {3.0f, 5.0f}, out[N] = {1.0f, 1.0f};
    SAMPLER_EULER_A.step(&run, 0, x, out);
    CHECK_NEAR(x[0], 1.0 + down / from * 2.0 + up * 1.0, 1e-5);
    CHECK_NEAR(x[1], 1.0 + down / from * 4.0 - up * 2.0, 1e-5);

    SamplerOptions o = given;
    o.churn = 1.0;
    c = stable(&SAMPLER_EULER);
    run = begin(&SAMPLER_EULER, &c, o, 4, &arena);
    const double hat = from * 1.25;
    float y[N] = {3.0f, 5.0f}, eps[N] = {0.5f, -0.5f};
    SAMPLER_EULER.step(&run, 0, y, eps);
    CHECK_NEAR(y[0], 3.0 + sqrt(hat * hat - from * from) + (to - hat) * 0.5, 1e-5);
    CHECK_NEAR(y[1], 5.0 - 2.0 * sqrt(hat * hat - from * from) - (to - hat) * 0.5, 1e-5);

    o = given;
    o.corrections = 1;
    c = stable(&SAMPLER_PC);
    run = begin(&SAMPLER_PC, &c, o, 4, &arena);
    const double eta = from * (from - to);
    float p[N] = {3.0f, 5.0f}, same[N] = {0.5f, -0.5f};
    CHECK(run.calls == 8 && run.time[0] == run.time[1] && run.order == 2);
    SAMPLER_PC.step(&run, 0, p, same);
    CHECK_NEAR(p[0], 3.0 - eta / from * 0.5 + sqrt(2.0 * eta), 1e-5);
    CHECK_NEAR(p[1], 5.0 + eta / from * 0.5 - 2.0 * sqrt(2.0 * eta), 1e-5);
    arena_free(&arena);
}

/* The corrector's length from its signal-to-noise ratio: 2 (r |z| / |S|)^2 = 2 (0.5 sqrt 5 / (sqrt 0.5 / sigma))^2. */
static void test_correction_by_ratio(void)
{
    static const float NOISE[N] = {1.0f, -2.0f};
    const SamplerOptions o = {.noise = NOISE, .noise_count = 1, .corrections = 1, .correction_snr = 0.5};
    Arena arena = {0};
    const SchedulerConfig c = stable(&SAMPLER_PC);
    SamplerRun run = begin(&SAMPLER_PC, &c, o, 4, &arena);
    const double sigma = run.sigma[0], eta = 2.0 * 0.25 * 5.0 / 0.5 * sigma * sigma;
    float x[N] = {3.0f, 5.0f}, out[N] = {0.5f, -0.5f};
    SAMPLER_PC.step(&run, 0, x, out);
    CHECK_NEAR(x[0], 3.0 - eta / sigma * 0.5 + sqrt(2.0 * eta), 1e-3);
    arena_free(&arena);
}

/* The SDE's step of order 1, [LuZ22, equation 18]: with z = 1 and -2. */
static void test_sde_by_hand(void)
{
    static const float NOISE[N] = {1.0f, -2.0f};
    Arena arena = {0};
    SchedulerConfig c = stable(&SAMPLER_DPM_MULTI);
    c.algorithm_type = ALGORITHM_SDE_DPMSOLVER_PP;
    c.prediction_type = PREDICT_SAMPLE;
    SamplerRun run =
        begin(&SAMPLER_DPM_MULTI, &c, (SamplerOptions){.noise = NOISE, .noise_count = 1}, 4, &arena);
    const double s0 = run.sigma[0], s1 = run.sigma[1], shrink = s1 / s0;
    const double a0 = 1 / sqrt(s0 * s0 + 1), a1 = 1 / sqrt(s1 * s1 + 1), g = 1 - shrink * shrink;
    float x[N] = {3.0f, 5.0f}, out[N] = {1.0f, 2.0f};
    SAMPLER_DPM_MULTI.step(&run, 0, x, out);
    CHECK_NEAR(x[0], s1 * a1 / (s0 * a0) * shrink * 3 + a1 * g * 1 + s1 * a1 * sqrt(g), 1e-5);
    CHECK_NEAR(x[1], s1 * a1 / (s0 * a0) * shrink * 5 + a1 * g * 2 - 2 * s1 * a1 * sqrt(g), 1e-5);
    arena_free(&arena);
}

/* An image to noise and back: the error is of first order in the step. */
static void test_inversion_comes_back(void)
{
    double error[2];
    for (int k = 0; k < 2; k++) {
        Arena arena = {0};
        SchedulerConfig c = stable(&SAMPLER_DDIM_INVERSE);
        c.clip_sample = c.set_alpha_to_one = false;
        float x[N] = {0.4f, -0.7f};
        const Sampler *way[2] = {&SAMPLER_DDIM_INVERSE, &SAMPLER_DDIM};
        for (int i = 0; i < 2; i++) {
            SamplerRun run = begin(way[i], &c, (SamplerOptions){0}, 50 << (2 * k), &arena);
            Toy toy = {.kind = TOY_GAUSSIAN, .q = 0.5, .run = &run};
            const Denoiser network = toy_denoiser(&toy);
            CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
        }
        error[k] = fabs(x[0] - 0.4);
        CHECK_NEAR(x[1] / x[0], -0.7 / 0.4, 1e-4);
        arena_free(&arena);
    }
    CHECK(error[1] < 0.02 && error[0] / error[1] > 2.5);
}

int main(void)
{
    test_refused_by_name();
    test_zero_terminal_snr();
    test_zero_terminal_snr_in_binary32();
    test_timesteps();
    test_noise_by_hand();
    test_correction_by_ratio();
    test_sde_by_hand();
    test_inversion_comes_back();
    return check_report("samplers_rules");
}
