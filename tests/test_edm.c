/* Networks trained on noise levels: their levels, scales, a step with churn by hand, and what is refused. */
#include "tests/check.h"
#include "tests/toy_denoiser.h"

static SchedulerConfig defaults(const Sampler *sampler)
{
    SchedulerConfig c = *sampler->defaults;
    c.given = ~(uint64_t)0;
    return c;
}

static SamplerRun begin(const Sampler *sampler, const SchedulerConfig *c, SamplerOptions o, Arena *arena)
{
    SamplerRun run = {0};
    Error err = {0};
    if (!CHECK(sampler_begin(&run, sampler, c, o, 5, 1, 1, NULL, arena, &err) == STATUS_OK))
        printf("    %s: %s\n", sampler->name, err.text);
    return run;
}

/* [Kar22], equation 5 with N = 5; c_noise = log(sigma) / 4. */
static void test_levels(void)
{
    static const double SIGMA[5] = {80.0, 17.5278, 2.5152, 0.16975, 0.002};
    Arena arena = {0};
    SchedulerConfig c = defaults(&SAMPLER_EDM_EULER);
    SamplerRun run = begin(&SAMPLER_EDM_EULER, &c, (SamplerOptions){0}, &arena);
    for (int i = 0; i < 5; i++) {
        CHECK_NEAR(run.sigma[i], SIGMA[i], 2e-4 * SIGMA[i]);
        CHECK_NEAR(run.time[i], 0.25 * log(run.sigma[i]), 1e-6);
    }
    CHECK(run.sigma[5] == 0.0);
    CHECK_NEAR(run.start_scale, sqrt(6401.0), 1e-5);
    c = defaults(&SAMPLER_EDM_DPM_MULTI);
    c.final_sigmas_type = FINAL_SIGMA_MIN;
    run = begin(&SAMPLER_EDM_DPM_MULTI, &c, (SamplerOptions){0}, &arena);
    CHECK(run.sigma[5] == 0.002);
    c.rho = 1.0; /* equal steps */
    run = begin(&SAMPLER_EDM_DPM_MULTI, &c, (SamplerOptions){0}, &arena);
    CHECK_NEAR(run.sigma[1] - run.sigma[2], (80.0 - 0.002) / 4.0, 1e-9);
    arena_free(&arena);
}

/* sigma = 1.5 and sigma_data = 2: sums of squares 6.25, whose root is 2.5.  c_skip = 0.64, c_out = 1.2, c_in = 0.4. */
static void test_scales_by_hand(void)
{
    double sigma[2] = {1.5, 0.0};
    SamplerRun run = {.sampler = &SAMPLER_EDM_EULER, .images = 1, .sample = 1, .sigma = sigma};
    run.config.sigma_data = 2.0;
    EdmScales c = edm_scales(&run, 1.5);
    CHECK_NEAR(c.skip, 0.64, 1e-15);
    CHECK_NEAR(c.out, 1.2, 1e-15);
    float y = 3.0f, seen = 0.0f, out = 0.5f;
    edm_input(&run, 0, &seen, &y);
    CHECK_NEAR(seen, 1.2, 1e-6);
    edm_x0(&seen, &run, &y, &out, 1.5);
    CHECK_NEAR(seen, 0.64 * 3.0 + 1.2 * 0.5, 1e-6);
    run.config.prediction_type = PREDICT_V;
    edm_x0(&seen, &run, &y, &out, 1.5);
    CHECK_NEAR(seen, 0.64 * 3.0 - 1.2 * 0.5, 1e-6);
}

/* The first step has order 1, the second order 2 (midpoint), of a state whose x0 has the factor 1 at every level: with
 * h = log(sigma_i / sigma_(i+1)), y <- r y + (1 - r) D, r = sigma_(i+1) / sigma_i, D = x0 + (x0 - before) h / (2 h_before). */
static void test_multistep_by_hand(void)
{
    static const float OUT[2] = {0.75f, -0.25f};
    Arena arena = {0};
    const SchedulerConfig c = defaults(&SAMPLER_EDM_DPM_MULTI);
    SamplerRun run = begin(&SAMPLER_EDM_DPM_MULTI, &c, (SamplerOptions){0}, &arena);
    float x = 70.0f;
    double y = x, before = 0.0, h_before = 0.0;
    for (int i = 0; i < 2; i++) {
        const double sigma = run.sigma[i], r = run.sigma[i + 1] / sigma, h = -log(r),
                     both = sigma * sigma + 0.25;
        const double x0 = 0.25 / both * y + 0.5 * sigma / sqrt(both) * (double)OUT[i];
        const double d = i == 0 ? x0 : x0 + (x0 - before) * h / (2.0 * h_before);
        float out = OUT[i];
        SAMPLER_EDM_DPM_MULTI.step(&run, i, &x, &out);
        y = r * y + (1.0 - r) * d;
        CHECK_NEAR(x, y, 1e-5 * fabs(y));
        before = x0;
        h_before = h;
    }
    CHECK(run.draws == 0);
    arena_free(&arena);
}

/* gamma = 0.2, z = -1.5, and x0 at sigma^ from y with the noise. */
static void test_churn_by_hand(void)
{
    static const float NOISE[1] = {-1.5f};
    Arena arena = {0};
    const SchedulerConfig c = defaults(&SAMPLER_EDM_EULER);
    SamplerRun run = begin(&SAMPLER_EDM_EULER, &c,
                           (SamplerOptions){.churn = 1.0, .noise = NOISE, .noise_count = 1}, &arena);
    const double sigma = run.sigma[2], hat = 1.2 * sigma, both = hat * hat + 0.25;
    const double y = 3.0 - 1.5 * sqrt(hat * hat - sigma * sigma);
    const double x0 = 0.25 / both * y + 0.5 * hat / sqrt(both) * 0.75;
    float x = 3.0f, out = 0.75f;
    SAMPLER_EDM_EULER.step(&run, 2, &x, &out);
    CHECK_NEAR(x, y + (run.sigma[3] - hat) * (y - x0) / hat, 1e-5);
    CHECK(run.draws == 1);
    arena_free(&arena);
}

/* An image to noise and back by steps of second order: the error falls by more than the square of 3. */
static void test_inversion_comes_back(void)
{
    double error[2];
    for (int k = 0; k < 2; k++) {
        Arena arena = {0};
        SchedulerConfig c = defaults(&SAMPLER_DPM_INVERSE);
        c.lower_order_final = false;
        c.use_karras_sigmas = true;
        float x = 0.4f;
        const Sampler *way[2] = {&SAMPLER_DPM_INVERSE, &SAMPLER_DPM_MULTI};
        for (int i = 0; i < 2; i++) {
            SamplerRun run = {0};
            CHECK(sampler_begin(&run, way[i], &c, (SamplerOptions){0}, k == 0 ? 20 : 60, 1, 1, NULL, &arena,
                                NULL) == STATUS_OK);
            CHECK((run.sigma[1] > run.sigma[0]) == (i == 0));
            CHECK(way[i]->describe(&run, run.calls - 1).previous == (i == 0 ? 999 : -1));
            Toy toy = {.kind = TOY_GAUSSIAN, .q = 0.5, .run = &run};
            const Denoiser network = toy_denoiser(&toy);
            CHECK(denoise(&x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
        }
        error[k] = fabs(x - 0.4);
        arena_free(&arena);
    }
    if (!CHECK(error[0] < 0.02 && error[0] / error[1] > 6.0))
        printf("    %g becomes %g\n", error[0], error[1]);
}

static void refuse(const Sampler *sampler, SchedulerConfig c, const char *why)
{
    Arena arena = {0};
    Error err = {0};
    SamplerRun run = {.calls = -1};
    CHECK(sampler_begin(&run, sampler, &c, (SamplerOptions){0}, 5, 1, 1, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK(run.calls == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    static const Sampler *const BOTH[2] = {&SAMPLER_EDM_EULER, &SAMPLER_EDM_DPM_MULTI};
    for (int k = 0; k < 2; k++) {
        SchedulerConfig c = defaults(BOTH[k]);
        c.prediction_type = PREDICT_SAMPLE;
        refuse(BOTH[k], c, "prediction_type is sample");
        c.sigma_data = 0.0;
        refuse(BOTH[k], c, "sigma_data is 0 and rho 7");
        c.sigma_min = 90.0;
        refuse(BOTH[k], c, "sigma_min is 90 and sigma_max 80");
        c.sigma_min = 0.0; /* null in the file */
        refuse(BOTH[k], c, "sigma_min is 0");
    }
    SchedulerConfig c = defaults(&SAMPLER_EDM_DPM_MULTI);
    c.final_sigmas_type = FINAL_SIGMA_MIN;
    c.algorithm_type = ALGORITHM_DPMSOLVER;
    refuse(&SAMPLER_EDM_DPM_MULTI, c, "algorithm_type is dpmsolver, which edm_dpm++2m does not have");
    c = defaults(&SAMPLER_DPM_INVERSE);
    c.algorithm_type = ALGORITHM_SDE_DPMSOLVER_PP;
    refuse(&SAMPLER_DPM_INVERSE, c, "algorithm_type is sde-dpmsolver++, which dpm_inverse does not have");
}

int main(void)
{
    test_levels();
    test_scales_by_hand();
    test_multistep_by_hand();
    test_churn_by_hand();
    test_inversion_comes_back();
    test_refused();
    return check_report("edm");
}
