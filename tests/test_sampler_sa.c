/* SA-Solver: a step by hand with its noise and its correction, orders of convergence without noise, the variance of
 * Gaussian data with it, and what is refused. */
#include "tests/check.h"
#include "tests/toy_denoiser.h"

enum { N = 4000 };

static const SamplerOptions WITHOUT_NOISE = {.tau_from = 1.0, .tau_to = 0.0};

static SchedulerConfig config_of(int predictor, int corrector, int kind)
{
    SchedulerConfig c = *SAMPLER_SA.defaults;
    c.beta_schedule = BETA_SCALED_LINEAR;
    c.beta_start = 0.00085;
    c.beta_end = 0.012;
    c.predictor_order = predictor;
    c.corrector_order = corrector;
    c.algorithm_type = kind;
    c.lower_order_final = false;
    c.use_karras_sigmas = true;
    c.given = ~(uint64_t)0;
    return c;
}

/* Order 1 through timestep 749 of 999, 749, 500, 250: the sde's step of DPM-Solver++; then its correction of order 1, which
 * puts the new x0 in the place of the old, and the next step. */
static void test_two_steps_by_hand(void)
{
    static const float NOISE[2] = {-1.5f, 0.5f};
    Arena arena = {0};
    SchedulerConfig c = config_of(1, 1, ALGORITHM_DATA_PREDICTION);
    c.use_karras_sigmas = false;
    c.prediction_type = PREDICT_SAMPLE;
    SamplerRun run = {0};
    const SamplerOptions o = {.noise = NOISE, .noise_count = 2, .tau_from = 200.0, .tau_to = 1000.0};
    CHECK(sampler_begin(&run, &SAMPLER_SA, &c, o, 4, 1, 1, NULL, &arena, NULL) == STATUS_OK);
    double a[3], s[3], x = 3.0, to[2], to_x0[2], sd[2];
    for (int i = 0; i < 3; i++) {
        a[i] = 1.0 / sqrt(run.sigma[i] * run.sigma[i] + 1.0);
        s[i] = run.sigma[i] * a[i];
    }
    for (int i = 0; i < 2; i++) {
        const double shrink = run.sigma[i + 1] / run.sigma[i], g = 1.0 - shrink * shrink;
        to[i] = s[i + 1] / s[i] * shrink;
        to_x0[i] = a[i + 1] * g;
        sd[i] = s[i + 1] * sqrt(g);
    }
    float y = 3.0f, out = 1.0f;
    SAMPLER_SA.step(&run, 0, &y, &out);
    CHECK_NEAR(y, to[0] * x + to_x0[0] * 1.0 - 1.5 * sd[0], 1e-5);
    x = to[0] * x + to_x0[0] * 2.0 - 1.5 * sd[0]; /* corrected by the x0 of its end */
    out = 2.0f;
    SAMPLER_SA.step(&run, 1, &y, &out);
    CHECK_NEAR(y, to[1] * x + to_x0[1] * 2.0 + 0.5 * sd[1], 1e-5);
    CHECK(run.draws == 2);
    arena_free(&arena);
}

static double gaussian_error(const SchedulerConfig *c, int steps)
{
    Arena arena = {0};
    SamplerRun run = {0};
    CHECK(sampler_begin(&run, &SAMPLER_SA, c, WITHOUT_NOISE, steps, 1, 1, NULL, &arena, NULL) == STATUS_OK);
    const double q = 0.5, from = run.sigma[0], to = run.sigma[run.calls];
    float x = 1.3f;
    Toy toy = {.kind = TOY_GAUSSIAN, .q = q, .run = &run};
    const Denoiser network = toy_denoiser(&toy);
    CHECK(denoise(&x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
    const double exact =
        1.3 * sqrt((from * from + 1.0) / (to * to + 1.0) * (q * q + to * to) / (q * q + from * from));
    arena_free(&arena);
    return fabs(x - exact);
}

/* Predictor p and corrector c together: order max(p, c); the first step is of order 1 and allows 2, the corrector 3. */
static void test_orders_of_convergence(void)
{
    static const int ORDERS[][3] = {{1, 1, 1}, {2, 1, 1}, {2, 2, 2}, {3, 3, 2}};
    for (int k = 0; k < 4; k++)
        for (int kind = ALGORITHM_DATA_PREDICTION; kind <= ALGORITHM_NOISE_PREDICTION; kind++) {
            const SchedulerConfig c = config_of(ORDERS[k][0], ORDERS[k][1], kind);
            const double coarse = gaussian_error(&c, 20), fine = gaussian_error(&c, 60);
            if (!CHECK(coarse / fine > 0.6 * pow(3.0, ORDERS[k][2])))
                printf("    orders %d and %d, kind %d: %.3g becomes %.3g\n", ORDERS[k][0], ORDERS[k][1],
                       kind, coarse, fine);
        }
}

/* With its noise the solver leaves Gaussian data as wide as they are (4000 numbers: 2.2% of the variance). */
static void test_variance_with_noise(void)
{
    for (int kind = ALGORITHM_DATA_PREDICTION; kind <= ALGORITHM_NOISE_PREDICTION; kind++) {
        Arena arena = {0};
        const SchedulerConfig c = config_of(2, 2, kind);
        Rng rng = rng_stream(RNG_PHILOX, 11, STREAM_STEP, 0);
        SamplerRun run = {0};
        CHECK(sampler_begin(&run, &SAMPLER_SA, &c, (SamplerOptions){0}, 100, 1, N, &rng, &arena, NULL) ==
              STATUS_OK);
        float *x = arena_raw(&arena, N, sizeof *x);
        sampler_draw(&run, x);
        Toy toy = {.kind = TOY_GAUSSIAN, .q = 0.5, .run = &run};
        const Denoiser network = toy_denoiser(&toy);
        CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, NULL, &arena, NULL) == STATUS_OK);
        double square = 0.0;
        for (int i = 0; i < N; i++)
            square += (double)x[i] * x[i] / N;
        if (!CHECK(fabs(square - 0.25) < 0.025))
            printf("    kind %d: variance %g\n", kind, square);
        CHECK(run.draws == 101);
        arena_free(&arena);
    }
}

static void refuse(const Sampler *sampler, SchedulerConfig c, const char *why)
{
    Arena arena = {0};
    Error err = {0};
    SamplerRun run = {.calls = -1};
    CHECK(sampler_begin(&run, sampler, &c, WITHOUT_NOISE, 5, 1, 1, NULL, &arena, &err) == STATUS_ARGUMENT);
    CHECK(run.calls == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    refuse(&SAMPLER_SA, config_of(5, 2, ALGORITHM_DATA_PREDICTION), "predictor_order is 5");
    refuse(&SAMPLER_SA, config_of(2, 0, ALGORITHM_DATA_PREDICTION), "corrector_order 0, expected 1 to 4");
    SchedulerConfig c = config_of(2, 2, ALGORITHM_DATA_PREDICTION);
    c.variance_type = VARIANCE_LEARNED_RANGE;
    refuse(&SAMPLER_SA, c, "variance_type is learned_range");
    c = *SAMPLER_DPM_MULTI.defaults;
    c.given = ~(uint64_t)0;
    c.algorithm_type = ALGORITHM_NOISE_PREDICTION;
    refuse(&SAMPLER_DPM_MULTI, c, "algorithm_type is noise_prediction, which dpm++2m does not have");
    refuse(&SAMPLER_DEIS, c, "algorithm_type is noise_prediction, which deis does not have");
}

int main(void)
{
    test_two_steps_by_hand();
    test_orders_of_convergence();
    test_variance_with_noise();
    test_refused();
    return check_report("sampler_sa");
}
